"""The process that runs PaddleX: it trains, receives the choice of the best weights, and exports them.

Started by ``training.py``; one process for both steps because importing PaddleX takes seconds. It reports by
lines that begin with ``progress.MARK`` on stdout, and reads one line, the weights, from stdin.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from workers.contract.ties import tie_all
from workers.train.configuration import export_configuration
from workers.train.forking import fork_launchers
from workers.train.networks import register_with_paddlex
from workers.train.progress import MARK
from workers.train.yaml_files import load_yaml, write_yaml


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configuration", type=Path, help="PaddleX's own YAML")
    parser.add_argument("--suites", type=Path, required=True, help="folder that holds PaddleClas/")
    parser.add_argument("--export-to", type=Path, required=True, help="folder for the inference model")
    parser.add_argument("--export-only", action="store_true", help="every epoch is trained already")
    arguments = parser.parse_args()
    load_paddlex(arguments.suites)
    settings = load_yaml(arguments.configuration)["Global"]
    register_with_paddlex(settings["model"])
    if settings["device"] == "cpu":
        fork_launchers()
    else:
        tie_all()  # PaddleX starts the suite in processes of its own
    if not arguments.export_only:
        run_paddlex(arguments.configuration)
    report("trained")
    weights = sys.stdin.readline().strip()
    run_paddlex(_export_file(arguments.configuration, weights, arguments.export_to))
    report("exported")


def report(text: str) -> None:
    print(f"{MARK} {text}", flush=True)


def load_paddlex(suites: Path) -> None:
    """Import PaddleX and point it to this job's folder of suites instead of the one in its package."""
    os.environ["PADDLE_PDX_EAGER_INIT"] = "False"
    import paddlex  # noqa: F401  (sets the parent folder that the next line replaces)
    from paddlex import repo_apis, repo_manager

    repo_manager.set_parent_dirs(str(suites), repo_apis)
    repo_manager.initialize()


def run_paddlex(configuration: Path) -> None:
    """Run PaddleX's engine as its command line does; on an error, it exits this process with status 1."""
    from paddlex.engine import Engine

    sys.argv = ["paddlex", "--config", str(configuration)]
    Engine().run()


def _export_file(train_file: Path, weights: str, export_to: Path) -> Path:
    path = train_file.with_name("paddlex-export.yaml")
    write_yaml(path, export_configuration(load_yaml(train_file), weights, export_to))
    return path


if __name__ == "__main__":
    main()
