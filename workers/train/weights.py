"""Reads untrusted weights without executing anything in them, and rewrites them for Paddle.

``paddle.load`` unpickles. So anything downloaded, given or left by an earlier job is read by ``unpickling``,
and only the file written here reaches Paddle. Writing needs numpy.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

from workers.contract import InputError
from workers.contract.messages import msg
from workers.train.unpickling import Refused, Tensor, read, tensors


def clean(source: Path, target: Path) -> None:
    """Write the contents of ``source`` as a new, clean file; they may be the same. Raises Refused,
    OSError.
    """
    content = _with_arrays(read(source))
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    with temporary.open("wb") as file:
        pickle.dump(content, file, protocol=4)
    os.replace(temporary, target)


def _with_arrays(value: Any) -> Any:
    if isinstance(value, Tensor):
        import numpy

        array = numpy.frombuffer(value.data, dtype=numpy.dtype(value.type).newbyteorder(value.order))
        array = array.reshape(value.shape, order="F" if value.fortran else "C")
        return numpy.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).reshape(value.shape)
    if isinstance(value, dict):
        return {key: _with_arrays(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_arrays(inner) for inner in value)
    return value


def clean_pretrained(source: Path, folder: Path) -> Path:
    """Write clean pretrained weights into ``folder`` and return their path.

    Raises InputError with what is wrong with the file.
    """
    target = folder / source.name
    try:
        content = read(source)
        if not isinstance(content, dict) or next(tensors(content), None) is None:
            raise Refused(msg("no tensors by name"))
        clean(source, target)
    except Refused as reason:
        raise InputError(
            msg(
                "The pretrained weights {name} were not opened, because they hold {reason}: give "
                "a .pdparams file that Paddle wrote and that holds tensors only.",
                name=source.name,
                reason=reason,
            )
        ) from reason
    return target


def describe(source: Path) -> dict[str, str]:
    """Return name and SHA-256 of a file, for the result."""
    with source.open("rb") as file:
        return {"name": source.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
