"""A worker program that was taken over: it does what ``params.try`` names and says what came of it.

Each attempt is a Python expression. Its value, or the name of what it raised, stands in the result.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from workers import contract

NAMES = {
    "Path": Path,
    "ctypes": ctypes,
    "os": os,
    "signal": signal,
    "socket": socket,
    "subprocess": subprocess,
    "sys": sys,
    "time": time,
}


def attempt(expression: str, folder: Path):
    try:
        value = eval(expression, NAMES | {"folder": folder, "grandparent": _parent_of(os.getppid())})
    except MemoryError:
        raise
    except Exception as error:
        return f"{type(error).__name__}"
    return value if isinstance(value, (str, int, float, list, dict, type(None))) else str(value)


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def main(folder, spec):
    return {"got": {name: attempt(name, folder.path) for name in spec["params"]["try"]}}


if __name__ == "__main__":
    sys.exit(contract.run(main))
