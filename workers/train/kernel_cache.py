"""The cache of compiled kernels: ``python -m workers.train.kernel_cache`` compiles them once, at set-up.

That takes half a minute of processor time. A job works on a copy in its own folder: no job writes code that
another one runs. Compiled code is specific to one processor model; on any other, a job compiles its own.
Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = HERE / ".kernels"
COMPILE = "import paddle, workers.train.kernels.layers as layers; layers.install()"


def main() -> int:
    """Compile the kernels unless that was done; remove those of earlier versions."""
    folder = CACHE / digest()
    if folder.is_dir():
        return 0
    for old in CACHE.glob("*"):
        shutil.rmtree(old)
    being_made = CACHE / "new"
    environment = {**os.environ, **variables(being_made), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", COMPILE], env=environment, capture_output=True, text=True)
    if done.returncode:
        print(f"Training will be slow, the kernels cannot be built here:\n{done.stderr}", file=sys.stderr)
        return 0
    being_made.rename(folder)
    return 0


def digest() -> str:
    """Return a name for this version of the kernels: Numba does not check what a source imports."""
    sources = sorted((HERE / "kernels").glob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def variables(folder: Path) -> dict[str, str]:
    """Return the environment in which kernels run; ``folder`` holds compiled ones, and gets new ones."""
    return {
        "NUMBA_CACHE_DIR": str(folder),
        "NUMBA_CACHE_LOCATOR_CLASSES": "workers.train.kernels.locator.ByContent",
        # Kernels call BLAS from threads of their own, so BLAS itself must use one.
        "OPENBLAS_NUM_THREADS": "1",
    }


def copy_kernels(scratch: Path) -> dict[str, str]:
    """Copy the compiled kernels into a job; return the environment with which its processes find them."""
    folder = scratch / "kernels"
    if (CACHE / digest()).is_dir():
        shutil.copytree(CACHE / digest(), folder, dirs_exist_ok=True)
    folder.mkdir(exist_ok=True)
    return variables(folder)


if __name__ == "__main__":
    sys.exit(main())
