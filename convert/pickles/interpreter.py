"""Pickles read as data: every opcode moves records about, none of them imports or calls anything.

`pickle.Unpickler` with a `find_class` of one's own still calls what it is given (REDUCE, BUILD, `__setstate__`). This
interpreter has no way to do so. `pickletools.genops` splits the opcodes.
"""

import pickletools
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, ClassVar, Protocol, cast

from convert.errors import ContradictionError, DamagedError, RefusalError
from convert.pickles import trust
from convert.pickles.builders import BUILDERS
from convert.pickles.values import Args, AttributedDict, Builder, Global, Record, StandIn, Value, shown

Persistent = Callable[[Value], Value]
_SCALARS = (str, int, float, bool, bytes, type(None), Record)
_COPY_AGAIN = "Download or copy the file again."
_SAVE_AGAIN = "Download or copy the file again, or save it again where it was made."
_CUT_OFF = ("remain", "exhausted before", "not enough data", "no newline found")
"""What pickletools says where a pickle ends before its end."""


class Stream(Protocol):
    """Where a pickle comes from: a read of more than there is gives what there is."""

    def read(self, size: int, /) -> bytes: ...
    def readline(self) -> bytes: ...


_MARK = object()


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one reader's pickles may hold beside plain data.

    builders: callable → what it gives; functions: module → callables that may stand as records, unlike others with
    small letters; built: gets an object with its state and the stream right behind it, and gives what takes its place
    (joblib writes its arrays there); advice: what to do where a file would call something.
    """

    advice: str
    builders: Mapping[str, Builder] = field(default_factory=dict)
    functions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    built: Callable[[StandIn, Stream], Value] | None = None


class PickleInterpreter:
    """Runs one pickle. persistent: what a persistent id stands for; stand_ins: class → how many of its objects."""

    def __init__(
        self, stream: Stream, dialect: Dialect, what: str = "the pickle", persistent: Persistent | None = None
    ) -> None:
        self._stream = stream
        self._dialect = dialect
        self._builders = {**BUILDERS, **dialect.builders}
        self._what = what
        self._persistent = persistent
        self._stack: list[Value] = []
        self._memo: dict[int, Value] = {}
        self.stand_ins: dict[str, int] = {}

    def run(self) -> Value:
        """The value that the pickle describes. RefusalError where it cannot be read or would call something."""
        try:
            for opcode, argument, _ in pickletools.genops(cast("IO[bytes]", self._stream)):
                if opcode.name == "STOP":
                    return self._stack.pop()
                step = self._steps.get(opcode.name)
                if step is None:
                    raise ValueError(f"no model has the opcode {opcode.name}")  # noqa: TRY301 - refused as any
                step(self, argument)
        except (IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError, struct.error) as error:
            raise _refuse(self._what, error) from None
        raise DamagedError(f"{self._what} is cut off.", _COPY_AGAIN)

    def _push(self, value: Value) -> None:
        self._stack.append(value)

    def _pop_to_mark(self) -> list[Value]:
        place = len(self._stack) - 1
        while self._stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise ValueError("a mark is missing")
        values = self._stack[place + 1 :]
        del self._stack[place:]
        return values

    def _none(self, _: Value) -> None:
        self._push(None)

    def _true(self, _: Value) -> None:
        self._push(True)

    def _false(self, _: Value) -> None:
        self._push(False)

    def _empty_list(self, _: Value) -> None:
        self._push([])

    def _empty_tuple(self, _: Value) -> None:
        self._push(())

    def _empty_dict(self, _: Value) -> None:
        self._push({})

    def _empty_set(self, _: Value) -> None:
        self._push(set())

    def _ignore(self, _: Value) -> None:
        pass

    def _mark(self, _: Value) -> None:
        self._push(_MARK)

    def _pop(self, _: Value) -> None:
        self._stack.pop()

    def _pop_mark(self, _: Value) -> None:
        self._pop_to_mark()

    def _dup(self, _: Value) -> None:
        self._push(self._stack[-1])

    def _put(self, place: int) -> None:
        self._memo[place] = self._stack[-1]

    def _memoize(self, _: Value) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self, place: int) -> None:
        self._push(self._memo[place])

    def _tuple(self, count: int) -> None:
        values = tuple(self._stack[-count:])
        if len(values) < count:
            raise ValueError("the stack is too short for a tuple")
        del self._stack[-count:]
        self._push(values)

    def _tuple_of_1(self, _: Value) -> None:
        self._tuple(1)

    def _tuple_of_2(self, _: Value) -> None:
        self._tuple(2)

    def _tuple_of_3(self, _: Value) -> None:
        self._tuple(3)

    def _marked_tuple(self, _: Value) -> None:
        self._push(tuple(self._pop_to_mark()))

    def _marked_list(self, _: Value) -> None:
        self._push(self._pop_to_mark())

    def _marked_dict(self, _: Value) -> None:
        values = self._pop_to_mark()
        self._push({})
        self._fill(values)

    def _frozenset(self, _: Value) -> None:
        self._push(frozenset(_key(value) for value in self._pop_to_mark()))

    def _append(self, _: Value) -> None:
        self._extend([self._stack.pop()])

    def _appends(self, _: Value) -> None:
        self._extend(self._pop_to_mark())

    def _extend(self, values: list[Value]) -> None:
        target = self._stack[-1]
        if isinstance(target, StandIn):
            target = target.items
        if not isinstance(target, list):
            raise TypeError("it appends to what is no list")
        target.extend(values)

    def _setitem(self, _: Value) -> None:
        value = self._stack.pop()
        key = self._stack.pop()
        self._fill([key, value])

    def _setitems(self, _: Value) -> None:
        self._fill(self._pop_to_mark())

    def _fill(self, values: list[Value]) -> None:
        target = self._stack[-1]
        if isinstance(target, StandIn):
            target = target.entries
        if not isinstance(target, dict) or len(values) % 2:
            raise TypeError("it fills what is no dict")
        for place in range(0, len(values), 2):
            target[_key(values[place])] = values[place + 1]

    def _additems(self, _: Value) -> None:
        values = self._pop_to_mark()
        target = self._stack[-1]
        if not isinstance(target, set):
            raise TypeError("it adds to what is no set")
        target.update(_key(value) for value in values)

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._push(Global(module, name))

    def _stack_global(self, _: Value) -> None:
        name = self._stack.pop()
        module = self._stack.pop()
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name is no text")
        self._push(Global(module, name))

    def _reduce(self, _: Value) -> None:
        args = self._stack.pop()
        callee = self._stack.pop()
        self._push(self._record_call(callee, args))

    def _inst(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        args = tuple(self._pop_to_mark())
        self._push(self._record_call(Global(module, name), args))

    def _obj(self, _: Value) -> None:
        callee, *args = self._pop_to_mark()
        self._push(self._record_call(callee, tuple(args)))

    def _record_call(self, callee: Value, args: Value) -> Value:
        if not isinstance(callee, Global):
            raise trust.refuse_call(f"the result of another call ({_describe(callee)})", self._dialect.advice)
        if not isinstance(args, tuple):
            raise TypeError("arguments are no tuple")
        builder = self._builders.get(str(callee))
        if builder is not None:
            return builder(args)
        trust.check_call(callee, self._dialect.functions, self._dialect.advice)
        if callee.name == "_reconstructor" and args:
            return self._record_object(args[0], ())
        return self._add_stand_in(callee, args)

    def _newobj(self, _: Value) -> None:
        args = self._stack.pop()
        self._push(self._record_object(self._stack.pop(), args))

    def _newobj_ex(self, _: Value) -> None:
        self._stack.pop()
        self._newobj(None)

    def _record_object(self, made_of: Value, args: Value) -> Value:
        if not isinstance(made_of, Global):
            raise trust.refuse_call(f"the result of another call ({_describe(made_of)})", self._dialect.advice)
        if not isinstance(args, tuple):
            raise TypeError("arguments are no tuple")
        builder = self._builders.get(str(made_of))
        if builder is not None:
            return builder(args)
        trust.check_construction(made_of, self._dialect.functions, self._dialect.advice)
        return self._add_stand_in(made_of, args)

    def _add_stand_in(self, made_of: Global, args: Args) -> StandIn:
        self.stand_ins[str(made_of)] = self.stand_ins.get(str(made_of), 0) + 1
        return StandIn(made_of, args)

    def _build(self, _: Value) -> None:
        state = self._stack.pop()
        target = self._stack[-1]
        if isinstance(target, StandIn):
            target.state = state
            if self._dialect.built is not None:
                self._stack[-1] = self._dialect.built(target, self._stream)
        elif isinstance(target, AttributedDict):
            target.attributes = state
        elif isinstance(target, Global):
            raise trust.refuse_call(f"{target}.__setstate__", self._dialect.advice)

    def _binary_persistent_id(self, _: Value) -> None:
        self._resolve(self._stack.pop())

    def _resolve(self, reference: Value) -> None:
        if self._persistent is None:
            raise ValueError("it refers to something outside itself")
        self._push(self._persistent(reference))

    _steps: ClassVar[dict[str, Callable[["PickleInterpreter", Value], None]]] = {
        "PROTO": _ignore,
        "FRAME": _ignore,
        "NONE": _none,
        "NEWTRUE": _true,
        "NEWFALSE": _false,
        "EMPTY_LIST": _empty_list,
        "EMPTY_TUPLE": _empty_tuple,
        "EMPTY_DICT": _empty_dict,
        "EMPTY_SET": _empty_set,
        "MARK": _mark,
        "POP": _pop,
        "POP_MARK": _pop_mark,
        "DUP": _dup,
        "PUT": _put,
        "BINPUT": _put,
        "LONG_BINPUT": _put,
        "MEMOIZE": _memoize,
        "GET": _get,
        "BINGET": _get,
        "LONG_BINGET": _get,
        "TUPLE": _marked_tuple,
        "TUPLE1": _tuple_of_1,
        "TUPLE2": _tuple_of_2,
        "TUPLE3": _tuple_of_3,
        "LIST": _marked_list,
        "DICT": _marked_dict,
        "FROZENSET": _frozenset,
        "APPEND": _append,
        "APPENDS": _appends,
        "SETITEM": _setitem,
        "SETITEMS": _setitems,
        "ADDITEMS": _additems,
        "GLOBAL": _global,
        "STACK_GLOBAL": _stack_global,
        "REDUCE": _reduce,
        "INST": _inst,
        "OBJ": _obj,
        "NEWOBJ": _newobj,
        "NEWOBJ_EX": _newobj_ex,
        "BUILD": _build,
        "PERSID": _resolve,
        "BINPERSID": _binary_persistent_id,
        "INT": _push,
        "BININT": _push,
        "BININT1": _push,
        "BININT2": _push,
        "LONG": _push,
        "LONG1": _push,
        "LONG4": _push,
        "FLOAT": _push,
        "BINFLOAT": _push,
        "STRING": _push,
        "BINSTRING": _push,
        "SHORT_BINSTRING": _push,
        "UNICODE": _push,
        "BINUNICODE": _push,
        "SHORT_BINUNICODE": _push,
        "BINUNICODE8": _push,
        "BINBYTES": _push,
        "SHORT_BINBYTES": _push,
        "BINBYTES8": _push,
        "BYTEARRAY8": _push,
    }


def _key(value: Value) -> Value:
    """A dict's key or a set's element: a scalar or a tuple of scalars, so that hashing it cannot recurse."""
    parts = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(part, _SCALARS) for part in parts):
        raise TypeError("a key is no scalar")
    return value


def _describe(value: Value) -> str:
    return f"an object of {value.of}" if isinstance(value, StandIn) else type(value).__name__


def _refuse(what: str, error: Exception) -> RefusalError:
    """Bytes that are missing are told from a pickle that says what no pickle can."""
    said = _first_line(error)
    if any(words in said for words in _CUT_OFF):
        return DamagedError(f"{what} is cut off: {said}.", _COPY_AGAIN)
    said = "it refers to what it has not stored" if isinstance(error, KeyError) else said
    return ContradictionError(f"{what} cannot be read as a pickle: {said}.", _SAVE_AGAIN)


def _first_line(error: Exception) -> str:
    text = str(error).splitlines()
    return shown(text[0]) if text else type(error).__name__
