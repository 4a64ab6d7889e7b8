"""``python -m tests.bench.hand.paddlex FOLDER [WEIGHTS]``: PaddleX by itself, in the training environment.

Trains as ``FOLDER/paddlex.yaml`` says, or exports weights into ``FOLDER/inference``, as ``paddlex --config``
does with a training suite that lies elsewhere.
"""

from __future__ import annotations

import sys
from pathlib import Path

from workers.train.configuration import export_configuration
from workers.train.engine import load_paddlex, run_paddlex
from workers.train.yaml_files import load_yaml, write_yaml


def main() -> None:
    folder, weights = Path(sys.argv[1]), sys.argv[2:]
    load_paddlex(folder / "repos")
    configuration = folder / "paddlex.yaml"
    if weights:
        exported = export_configuration(load_yaml(configuration), weights[0], folder / "inference")
        configuration = folder / "export.yaml"
        write_yaml(configuration, exported)
    run_paddlex(configuration)


if __name__ == "__main__":
    main()
