"""Reads files of ``paddle.save`` without trusting them. Standard library only.

They are pickles, and a pickle may name any function to call. This unpickler calls no function of numpy or
Python: it knows tensors, plain containers, text and numbers, and rejects everything else.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.contract.messages import msg

LARGEST = 4 * 1024**3  # bytes of a file; the largest weights published by Paddle have 1.3 GB
MOST_OPCODES = 2_000_000
MOST_VALUES = 500_000
DEEPEST = 16
MOST_DIMENSIONS = 16
TYPES = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "c8", "c16"}
ORDERS = ("<", ">", "|", "=")

# The opcodes of protocols 2 to 5 for plain data and numpy arrays. Excluded: instances (INST, OBJ, NEWOBJ),
# extension codes, persistent ids, out-of-band buffers, and the text opcodes of protocol 0.
OPCODES = {
    "PROTO", "FRAME", "STOP", "MARK", "POP", "POP_MARK", "DUP", "NONE", "NEWTRUE", "NEWFALSE", "BININT",
    "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "SHORT_BINSTRING", "BINSTRING", "BINBYTES",
    "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "EMPTY_LIST", "APPEND", "APPENDS", "LIST", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
    "EMPTY_DICT", "DICT", "SETITEM", "SETITEMS", "BINGET", "LONG_BINGET", "BINPUT", "LONG_BINPUT",
    "MEMOIZE", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD",
}  # fmt: skip


class Refused(Exception):
    """The file is not opened; the message says in a few words what it contains."""


@dataclass(frozen=True)
class Tensor:
    """An array as in the file. ``order`` is the byte order, ``fortran`` the order of the axes."""

    shape: tuple[int, ...]
    type: str
    order: str
    fortran: bool
    data: bytes

    def __setstate__(self, state: Any) -> None:
        raise Refused(msg("something that changes an array"))


class _Known:
    """Stands for a function that a file may name. A file can call it and do nothing else with it."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]):
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise Refused(msg("something that changes a function"))


class _Type:
    """A number type under construction: ``numpy.dtype(name)``, then its state."""

    __slots__ = ("name", "order")

    def __init__(self, name: str):
        self.name, self.order = name, "="

    def __setstate__(self, state: tuple) -> None:
        _need(isinstance(state, tuple) and len(state) >= 5 and state[2:5] == (None, None, None))
        self.order = _text(state[1])
        _need(self.order in ORDERS)


class _Array:
    """An array under construction: ``_reconstruct``, then its state."""

    __slots__ = ("tensor",)

    def __init__(self) -> None:
        self.tensor: Tensor | None = None

    def __setstate__(self, state: tuple) -> None:
        _need(isinstance(state, tuple) and len(state) == 5)
        _version, shape, kind, fortran, data = state
        self.tensor = _tensor(data, kind, shape, bool(fortran))


def _need(condition: bool) -> None:
    if not condition:
        raise Refused(msg("a broken array"))


def _text(value: Any) -> str:
    value = value.decode("latin-1") if isinstance(value, bytes) else value
    _need(isinstance(value, str))
    return value


def _tensor(data: Any, kind: Any, shape: Any, fortran: bool) -> Tensor:
    if isinstance(data, str):  # written by Python 2
        data = data.encode("latin-1")
    _need(isinstance(data, bytes | bytearray) and isinstance(kind, _Type) and isinstance(shape, tuple))
    _need(len(shape) <= MOST_DIMENSIONS and all(type(size) is int and size >= 0 for size in shape))
    _need(math.prod(shape) * int(kind.name[1:]) == len(data))
    return Tensor(shape, kind.name, kind.order, fortran, bytes(data))


def _dtype(name: Any, *_copy: Any) -> _Type:
    name = _text(name)
    if name not in TYPES:
        raise Refused(msg("numbers of the type {name}", name=repr(name[:20])))
    return _Type(name)


def _reconstruct(kind: Any, *_start: Any) -> _Array:
    _need(kind is _NDARRAY)
    return _Array()


def _from_buffer(data: Any, kind: Any, shape: Any, order: Any = "C") -> Tensor:
    return _tensor(data, kind, shape, _text(order) == "F")


def _scalar(kind: Any, data: Any) -> Tensor:
    return _tensor(data, kind, (), False)


def _encode(text: Any, codec: Any = "latin1") -> bytes:
    _need(isinstance(text, str) and codec in ("latin1", "latin-1"))
    return text.encode("latin-1")


def _as_tuple(values: Any = ()) -> tuple:
    _need(isinstance(values, tuple | list))
    return tuple(values)


def _ordered(*pairs: Any) -> dict:
    _need(not pairs or (len(pairs) == 1 and isinstance(pairs[0], list | tuple)))
    return dict(pairs[0]) if pairs else {}


def _no_call(*_arguments: Any) -> None:
    raise Refused(msg("an unusual array"))


_NDARRAY = _Known(_no_call)
KNOWN = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Known(_dtype),
    ("_codecs", "encode"): _Known(_encode),
    ("builtins", "tuple"): _Known(_as_tuple),
    ("__builtin__", "tuple"): _Known(_as_tuple),
    ("collections", "OrderedDict"): _Known(_ordered),
}
for _package in ("numpy.core", "numpy._core"):
    KNOWN[f"{_package}.multiarray", "_reconstruct"] = _Known(_reconstruct)
    KNOWN[f"{_package}.multiarray", "scalar"] = _Known(_scalar)
    KNOWN[f"{_package}.numeric", "_frombuffer"] = _Known(_from_buffer)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> _Known:
        known = KNOWN.get((module, name))
        if known is None:
            raise Refused(f"{module[:60]}.{name[:60]}")
        return known

    def persistent_load(self, pid: Any) -> None:
        raise Refused(msg("a reference to something outside"))


def read(path: Path) -> Any:
    """Return the contents of a file written by ``paddle.save``, arrays as Tensor; execute nothing in it.

    Raises Refused for a file with anything else in it, OSError if it cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST:
            raise Refused(msg("{size} bytes, more than weights have", size=size))
        content = file.read(LARGEST + 1)
    try:
        _scan(content)
        value = _Reader(io.BytesIO(content), encoding="latin1").load()
    except Refused:
        raise
    except Exception as error:  # a damaged pickle raises nearly anything
        raise Refused(msg("data that Paddle does not write")) from error
    return _Checker(len(content)).plain(value)


def _scan(content: bytes) -> None:
    """Check each opcode before any is executed: a few bytes can request unlimited memory."""
    put = 0
    for count, (opcode, argument, _position) in enumerate(pickletools.genops(content)):
        if opcode.name not in OPCODES:
            raise Refused(msg("the pickle instruction {name}", name=opcode.name))
        if opcode.name in ("BINPUT", "LONG_BINPUT"):
            put += 1
            if argument > 2 * put + 1000:  # the memo is a table with that many entries
                raise Refused(msg("a memo with gaps"))
        if count > MOST_OPCODES:
            raise Refused(msg("more values than weights have"))


class _Checker:
    """Copies plain data. Values may be shared in a pickle, so a small one can expand to any size."""

    def __init__(self, size: int):
        self.values_left, self.bytes_left = MOST_VALUES, size
        self.texts: set[int] = set()

    def plain(self, value: Any, depth: int = 0) -> Any:
        self._count(value)
        if depth > DEEPEST:
            raise Refused(msg("values that are nested too deeply"))
        if isinstance(value, _Array):
            _need(value.tensor is not None)
            return value.tensor
        if type(value) is dict:
            return {self._key(key): self.plain(inner, depth + 1) for key, inner in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self.plain(inner, depth + 1) for inner in value)
        if value is None or type(value) in (bool, float, str, Tensor):
            return value
        if type(value) is int and value.bit_length() <= 64:
            return value
        raise Refused(msg("a value of the kind {kind}", kind=type(value).__name__.lstrip("_")))

    def _key(self, key: Any) -> str | int:
        self._count(key)
        if type(key) is str or (type(key) is int and key.bit_length() <= 64):
            return key
        raise Refused(msg("keys that are not text"))

    def _count(self, value: Any) -> None:
        self.values_left -= 1
        tensor = value.tensor if isinstance(value, _Array) else value
        if isinstance(tensor, Tensor):
            self.bytes_left -= len(tensor.data)
        elif isinstance(value, str) and id(value) not in self.texts:
            # Paddle names each parameter twice, the second time by reference: that copies nothing.
            self.texts.add(id(value))
            self.bytes_left -= len(value)
        if self.values_left < 0 or self.bytes_left < 0:
            raise Refused(msg("more values than its size allows"))


def tensors(value: Any) -> Iterator[Tensor]:
    """Yield every array in the output of ``read``."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from tensors(inner)
