"""Where PaddleX finds its training suite: a folder of links made for each job.

PaddleX looks for ``<parent>/PaddleClas`` with an ``.installed`` file in it and runs ``tools/train.py``
there. A folder of links in the job's scratch serves the suite of the package index and a checkout of the
upstream repository alike, and neither the environment nor the checkout needs to be writable.
"""

from __future__ import annotations

from pathlib import Path

from workers.contract import ToolchainError
from workers.contract.messages import msg

HERE = Path(__file__).resolve().parent
INDEX_SUITE = HERE / ".suite" / "paddleclas"
INDEX_SUITE_VERSION = "2.4.0"  # as in suite.txt
LAUNCHERS = HERE / "tools"


def link_suite(scratch: Path, paddleclas_dir: Path | None) -> Path:
    """Make ``scratch/repos/PaddleClas`` and return ``scratch/repos``, PaddleX's parent of all suites.

    ``paddleclas_dir`` is a checkout of upstream PaddleClas; None means the suite that set-up fetched.
    Raises ToolchainError when it is not there or not whole.
    """
    source = paddleclas_dir or INDEX_SUITE
    launchers = source / "tools" if paddleclas_dir else LAUNCHERS
    needed = [source / "ppcls" / "engine" / "engine.py", source / "deploy", launchers / "train.py"]
    missing = [path for path in needed if not path.exists()]
    if missing and paddleclas_dir:
        raise ToolchainError(
            msg(
                "PADDLECLAS_DIR is {paddleclas_dir} and has no {missing}: point it at a whole "
                "checkout of PaddleClas, or leave it empty.",
                paddleclas_dir=paddleclas_dir,
                missing=missing[0].relative_to(source),
            )
        )
    if missing:
        raise ToolchainError(
            msg("The PaddleClas training suite is not installed on this worker: run `make setup` there.")
        )
    suite = scratch / "repos" / "PaddleClas"
    suite.mkdir(parents=True, exist_ok=True)
    for name, target in (("ppcls", source / "ppcls"), ("deploy", source / "deploy"), ("tools", launchers)):
        link = suite / name
        link.unlink(missing_ok=True)
        link.symlink_to(target, target_is_directory=True)
    (suite / ".installed").touch()
    return suite.parent
