"""The containers and texts of Python's own library that every pickle may hold, restated as plain data."""

from collections.abc import Mapping

from convert.pickles.trust import refuse_call
from convert.pickles.values import Args, Builder, Value


def build_first(args: Args) -> Value:
    """The first argument: of wrappers that add nothing to it."""
    return args[0]


def build_dict(args: Args) -> Value:
    """A dict from a dict or from pairs whose keys are scalars."""
    if not args:
        return {}
    source = args[0]
    if isinstance(source, dict):
        return dict(source)
    return {key: value for key, value in source if isinstance(key, str | int | float | bool | None)}


def build_list(args: Args) -> list[Value]:
    """A list from any container."""
    return list(args[0]) if args and isinstance(args[0], list | tuple | set | frozenset) else []


def _tuple(args: Args) -> Value:
    return tuple(build_list(args))


def _sorted(args: Args) -> Value:
    """A set's elements: their order in the file is chance."""
    return sorted(build_list(args), key=str)


def _path(args: Args) -> Value:
    return "/".join(str(part) for part in args)


def _bytes(args: Args) -> Value:
    """Bytes as protocols below 5 spell a bytearray, and below 3 no bytes at all."""
    if not args:
        return b""
    if isinstance(args[0], bytes):
        return args[0]
    return _encoded(args)


def _encoded(args: Args) -> Value:
    """Bytes as protocol 2 of Python 3 spells them: text in Latin-1."""
    text, encoding = (*args, "utf-8")[:2]
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        raise refuse_call("_codecs.encode with another encoding")
    return text.encode(encoding)


_CONTAINERS: dict[str, Builder] = {
    "list": build_list,
    "bytes": _bytes,
    "bytearray": _bytes,
    "dict": build_dict,
    "set": _sorted,
    "frozenset": _sorted,
}

BUILDERS: Mapping[str, Builder] = {
    **{f"builtins.{name}": builder for name, builder in _CONTAINERS.items()},
    **{f"__builtin__.{name}": builder for name, builder in _CONTAINERS.items()},
    "builtins.tuple": _tuple,
    "collections.OrderedDict": build_dict,
    "collections.Counter": build_dict,
    "collections.defaultdict": lambda args: build_dict(args[1:]),
    "collections.deque": build_list,
    "_codecs.encode": _encoded,
    "pathlib.PosixPath": _path,
    "pathlib._local.PosixPath": _path,
}
"""Callable → what it gives."""
