"""Captures the output of a C library, and passes it on to the job's log. Standard library only.

rknn-toolkit2 prints from Python, from C++ and from threads, so the file descriptors themselves are
redirected. They lead into a pipe to a separate process instead of a thread: the library may print while it
holds Python's lock, and a thread that waits for that lock would never empty the pipe. The process also passes
on the last output of a library that aborts.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

READER_SECONDS = 10

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
# The compiler announces each of its passes, twenty times two lines without information.
_PASS_NOISE = re.compile(r"^D RKNN: \[[\d:.]+\] (?:>>>>>>|<<<<<<<<) ")


class Captured:
    """The output inside ``captured()``; complete when the block has ended."""

    text = ""


@contextlib.contextmanager
def captured(raw_file: Path) -> Iterator[Captured]:
    """Redirect stdout and stderr of this process, including C code, to the log and to ``raw_file``."""
    output = Captured()
    _flush()
    saved = os.dup(1), os.dup(2)
    reader = subprocess.Popen([sys.executable, "-I", "-S", __file__, str(raw_file)], stdin=subprocess.PIPE)
    assert reader.stdin is not None
    os.dup2(reader.stdin.fileno(), 1)
    os.dup2(reader.stdin.fileno(), 2)
    reader.stdin.close()
    try:
        yield output
    finally:
        _flush()
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        os.close(saved[0])
        os.close(saved[1])
        # A process that the library left running would keep the pipe open.
        with contextlib.suppress(subprocess.TimeoutExpired):
            reader.wait(READER_SECONDS)
        output.text = clean(raw_file.read_text(encoding="utf-8", errors="replace"))


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)


def clean(text: str) -> str:
    """Remove colours; of a progress bar that overwrites its line, keep the last state."""
    lines = _ANSI.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)


def is_noise(line: str) -> bool:
    """Whether a line is of no value to readers of the job's log."""
    return _PASS_NOISE.match(line) is not None


def _pass_on(raw_file: Path) -> None:
    """Copy stdin unchanged to ``raw_file`` and cleaned to stdout, line by line, until it ends."""
    with raw_file.open("wb") as raw:
        for data in iter(sys.stdin.buffer.readline, b""):
            raw.write(data)
            raw.flush()
            line = clean(data.decode("utf-8", "replace"))
            if not is_noise(line):
                sys.stdout.write(line)
                sys.stdout.flush()


if __name__ == "__main__":
    _pass_on(Path(sys.argv[1]))
