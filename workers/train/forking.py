"""Runs a suite's launchers in forks of the engine process, which has already imported their modules.

PaddleX starts one process for the training and one for the export, and each would import Paddle, SciPy and
scikit-learn again. A fork has them already, and changes made by one launcher do not reach the next. Used on a
CPU only: CUDA does not survive a fork, and the variable that names a GPU must be set before Paddle is
imported.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import runpy
import sys
from typing import Any

from workers.contract.ties import tie_forks


def fork_launchers() -> None:
    """From now on, let PaddleX fork instead of starting processes, and tie the forks to this process."""
    import paddle  # noqa: F401  (for the forks)
    from paddlex.repo_apis.base.runner import BaseRunner

    tie_forks()
    BaseRunner.run_cmd = _run


def _run(runner: Any, cmd: list[Any], **_: Any) -> Any:
    """Replaces ``BaseRunner.run_cmd``; ``cmd`` is a Python, a launcher and its arguments."""
    from paddlex.repo_apis.base.utils.arg import CLIArgument
    from paddlex.repo_apis.base.utils.subprocess import CompletedProcess
    from paddlex.utils.errors import CalledProcessError

    argv = [text for part in cmd[1:] for text in (part.lst if isinstance(part, CLIArgument) else [str(part)])]
    fork = multiprocessing.get_context("fork").Process(target=_launch, args=(runner.runner_root_path, argv))
    fork.start()
    fork.join()
    if fork.exitcode:
        raise CalledProcessError(fork.exitcode, argv)
    return CompletedProcess(argv, 0)


def _launch(suite: str, argv: list[str]) -> None:
    """Run a launcher as ``python <launcher> <arguments>`` does in the suite's folder."""
    os.chdir(suite)
    # PaddleX has imported its own PaddleClas, whose log lines this logger would print a second time.
    logging.getLogger("ppcls").handlers.clear()
    sys.argv = argv
    sys.path.insert(0, os.path.abspath(os.path.dirname(argv[0])))
    runpy.run_path(argv[0], run_name="__main__")
