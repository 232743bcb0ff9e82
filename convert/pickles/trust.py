"""Which callables a pickle may name, and what they become. An allow-list: what is on none is refused by name.

Nothing is called either way. The list decides whether a file is taken for data or for an attack: a class of
somebody's project becomes a stand-in, a function of the standard library that is to be called on load refuses the file.
"""

import sys
from collections.abc import Mapping

from convert.errors import RefusalError
from convert.pickles.values import Global, shown

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

NUMPY: dict[str, frozenset[str]] = {
    "numpy": frozenset({"dtype", "ndarray"}),
    "numpy.core.multiarray": frozenset({"_reconstruct", "scalar"}),
    "numpy._core.multiarray": frozenset({"_reconstruct", "scalar"}),
    "numpy.core.numeric": frozenset({"_frombuffer"}),
    "numpy._core.numeric": frozenset({"_frombuffer"}),
    "numpy.random": frozenset({"__RandomState_ctor"}),
    "numpy.random._pickle": frozenset({"__randomstate_ctor", "__bit_generator_ctor", "__generator_ctor"}),
}
"""Functions and small-letter classes of NumPy that its arrays and generators are recorded with."""

_PYTHON_2 = frozenset({"__builtin__", "__builtins__", "copy_reg", "commands", "exceptions", "cPickle", "os2", "dos"})

Functions = Mapping[str, frozenset[str]]
"""Module → names of what a reader's own pickles may call."""


def check_call(callee: Global, functions: Functions, advice: str) -> None:
    """Raise RefusalError unless an object made by this callable may be recorded as a stand-in."""
    root = callee.module.split(".", 1)[0]
    if any(callee.name in allowed.get(callee.module, ()) for allowed in (DATA_CLASSES, NUMPY, functions)):
        return
    if root in sys.stdlib_module_names or root in _PYTHON_2 or not root:
        raise refuse_call(str(callee), advice)
    if not all(_names_a_class(part) for part in callee.name.split(".")):
        raise refuse_call(str(callee), advice)


def check_construction(callee: Global, functions: Functions, advice: str) -> None:
    """The same for an object that is made without calling anything but its class (`__new__`): any project's class."""
    root = callee.module.split(".", 1)[0]
    if root in sys.stdlib_module_names or root in _PYTHON_2 or not root:
        check_call(callee, functions, advice)


def refuse_call(name: str, advice: str = "") -> RefusalError:
    """The refusal of a file that would call something on load."""
    return RefusalError(f"The file calls {shown(name)} when it is loaded.", f"Nothing of it was run. {advice}".strip())


def _names_a_class(name: str) -> bool:
    return name.lstrip("_")[:1].isupper()
