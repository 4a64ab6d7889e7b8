"""A suite's launchers in forks of the process that imported PaddleX, in the training environment."""

from __future__ import annotations

import subprocess

import pytest

from .real_jobs import LIMIT, PYTHON, ROOT

pytestmark = pytest.mark.toolchain

FORK = """
import sys
from workers.train.forking import fork_launchers
fork_launchers()
from paddlex.repo_apis.base.runner import BaseRunner
from paddlex.repo_apis.base.utils.arg import CLIArgument
BaseRunner.__abstractmethods__ = frozenset()
runner = BaseRunner(sys.argv[1])
print(runner.run_cmd([runner.python, "tools/tell.py", "-c", "a file", CLIArgument("-o", "x=1")]).returncode)
for name in ("end", "kill"):
    try:
        runner.run_cmd([runner.python, f"tools/{name}.py"], switch_wdir=True, echo=True)
    except Exception as error:
        print(error)
print("neighbour" in sys.modules)
"""
LAUNCHERS = {
    "neighbour.py": "import os, sys\nimport paddle\ntext = f'{os.getcwd()} {sys.argv}'",
    "tell.py": "import neighbour\nif __name__ == '__main__': print(neighbour.text, flush=True)",
    "end.py": "import sys; sys.exit(3)",
    "kill.py": "import os; os.kill(os.getpid(), 9)",
}


def test_launchers_run_in_the_suites_folder_and_their_ends_are_told(tmp_path):
    (tmp_path / "tools").mkdir()
    for name, text in LAUNCHERS.items():
        (tmp_path / "tools" / name).write_text(text, encoding="utf-8")
    argv = [PYTHON, "-c", FORK, str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    told, *others = done.stdout.splitlines()[-5:]
    assert told == f"{tmp_path} ['tools/tell.py', '-c', 'a file', '-o', 'x=1']"
    assert others == [
        "0",
        "Command ['tools/end.py'] returned non-zero exit status 3.",
        "Command ['tools/kill.py'] died with <Signals.SIGKILL: 9>.",
        "False",  # nothing of a launcher is left
    ]
