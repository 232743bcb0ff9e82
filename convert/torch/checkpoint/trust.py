"""Which callables a pickle may name, and what they become. An allow-list: what is on none is refused by name.

Nothing is called either way. The list decides whether a file is taken for a checkpoint or for an attack: a class of
somebody's project becomes a stand-in, a function of the standard library that is to be called on load refuses the file.
"""

import sys

from convert.errors import RefusalError
from convert.torch.checkpoint.values import Global, shown

_BUILTINS = frozenset(
    {
        "list",
        "dict",
        "set",
        "frozenset",
        "tuple",
        "bytearray",
        "bytes",
        "complex",
        "slice",
        "range",
        "xrange",
        "object",
        "int",
        "long",
        "float",
        "str",
        "unicode",
        "bool",
    }
)
DATA_CLASSES: dict[str, frozenset[str]] = {
    "builtins": _BUILTINS,
    "__builtin__": _BUILTINS,
    "_codecs": frozenset({"encode"}),
    "argparse": frozenset({"Namespace"}),
    "collections": frozenset({"OrderedDict", "defaultdict", "Counter", "deque"}),
    "copyreg": frozenset({"_reconstructor"}),
    "copy_reg": frozenset({"_reconstructor"}),
    "datetime": frozenset({"datetime", "date", "time", "timedelta", "timezone"}),
    "decimal": frozenset({"Decimal"}),
    "fractions": frozenset({"Fraction"}),
    "functools": frozenset({"partial"}),
    "logging": frozenset({"getLogger"}),
    "pathlib": frozenset({"Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath"}),
    "pathlib._local": frozenset({"Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath"}),
    "types": frozenset({"SimpleNamespace"}),
    "uuid": frozenset({"UUID"}),
}
"""Of the standard library: what holds data and nothing else."""

FUNCTIONS: dict[str, frozenset[str]] = {
    "numpy": frozenset({"dtype", "ndarray"}),
    "numpy.core.multiarray": frozenset({"_reconstruct", "scalar"}),
    "numpy._core.multiarray": frozenset({"_reconstruct", "scalar"}),
    "numpy.random": frozenset({"__RandomState_ctor"}),
    "numpy.random._pickle": frozenset({"__randomstate_ctor", "__bit_generator_ctor", "__generator_ctor"}),
    "torch": frozenset({"device", "dtype"}),
    "torch.jit._pickle": frozenset({"build_intlist", "build_tensorlist", "build_doublelist", "build_boollist"}),
}
"""Functions and small-letter classes of numpy and torch that checkpoints hold; the tensors' are in `rebuild`."""

_PYTHON_2 = frozenset({"__builtin__", "__builtins__", "copy_reg", "commands", "exceptions", "cPickle", "os2", "dos"})
_RESAVE = (
    "Nothing of it was run. Where you trust the file, save its weights alone: "
    "`torch.save(model.state_dict(), 'weights.pt')`."
)


def check_call(callee: Global) -> None:
    """Raise RefusalError unless an object made by this callable may be recorded as a stand-in."""
    root = callee.module.split(".", 1)[0]
    if callee.name in DATA_CLASSES.get(callee.module, ()) or callee.name in FUNCTIONS.get(callee.module, ()):
        return
    if root in sys.stdlib_module_names or root in _PYTHON_2 or not root:
        raise refused_call(str(callee))
    if not all(_names_a_class(part) for part in callee.name.split(".")):
        raise refused_call(str(callee))


def check_construction(callee: Global) -> None:
    """The same for an object that is made without calling anything but its class (`__new__`): any project's class."""
    root = callee.module.split(".", 1)[0]
    if root in sys.stdlib_module_names or root in _PYTHON_2 or not root:
        check_call(callee)


def refused_call(name: str) -> RefusalError:
    """The refusal of a file that would call something on load."""
    return RefusalError(f"The file calls {shown(name)} when it is loaded.", _RESAVE)


def _names_a_class(name: str) -> bool:
    return name.lstrip("_")[:1].isupper()
