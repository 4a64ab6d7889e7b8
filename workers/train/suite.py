"""Where PaddleX finds a training suite: a folder of links created for each job.

PaddleX looks for ``<parent>/<suite>`` with an ``.installed`` file in it and runs ``tools/train.py`` there. A
folder of links in the job's scratch serves both the suite of the package index and a checkout of the upstream
repository, and neither the environment nor the checkout needs to be writable.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workers.contract import ToolchainError
from workers.contract.messages import msg
from workers.train.parameters import Plan

HERE = Path(__file__).resolve().parent
INDEX = HERE / ".suite"  # fetched at set-up, see suite.txt
LAUNCHERS = HERE / "tools"


@dataclass(frozen=True)
class Suite:
    """A training suite of PaddlePaddle. Paths are relative to its checkout, or to ``index``.

    ``name`` is PaddleX's, ``distribution`` and ``version`` are the package index's. ``setting`` of the portal
    names a checkout. The index's suite runs with Slipway's launchers, and so does a checkout unless
    ``has_launchers``: then its own launchers fit PaddleX and Slipway's export.
    """

    name: str
    distribution: str
    version: str
    index: Path
    setting: str
    folders: tuple[str, ...]
    engine: str
    has_launchers: bool

    def link(self, scratch: Path, plan: Plan | None = None) -> Path:
        """Create ``scratch/repos/<name>`` and return ``scratch/repos``, PaddleX's parent of all suites.

        Raises ToolchainError if the suite, or the checkout that the plan names, is missing or incomplete.
        """
        checkout = self.checkout(plan)
        source = checkout or self.index
        own = checkout is None or not self.has_launchers
        links = {folder: source / folder for folder in self.folders}
        links["tools"] = LAUNCHERS / self.distribution if own else source / "tools"
        self._check(source, [source / self.engine, *links.values(), links["tools"] / "train.py"], checkout)
        suite = scratch / "repos" / self.name
        suite.mkdir(parents=True, exist_ok=True)
        for name, target in links.items():
            (suite / name).unlink(missing_ok=True)
            (suite / name).symlink_to(target, target_is_directory=True)
        (suite / ".installed").touch()
        return suite.parent

    def checkout(self, plan: Plan | None) -> Path | None:
        """Return the folder of a checkout; None means the suite fetched at set-up."""
        return plan.checkouts.get(self.name) if plan else None

    def described(self, plan: Plan) -> dict[str, str]:
        """Return the suite's name and version, for the result."""
        checkout = self.checkout(plan)
        return {self.distribution: f"checkout {checkout}" if checkout else self.version}

    def _check(self, source: Path, needed: list[Path], checkout: Path | None) -> None:
        missing = [path for path in needed if not path.exists()]
        if missing and checkout:
            raise ToolchainError(
                msg(
                    "{setting} is {folder} and has no {missing}: point it at a whole checkout of {name}, "
                    "or leave it empty.",
                    setting=self.setting,
                    folder=checkout,
                    missing=missing[0].relative_to(source),
                    name=self.name,
                )
            )
        if missing:
            raise ToolchainError(
                msg(
                    "The {name} training suite is not installed on this worker: run `make setup` there.",
                    name=self.name,
                )
            )


PADDLECLAS = Suite(
    name="PaddleClas",
    distribution="paddleclas",
    version="2.4.0",
    index=INDEX / "paddleclas",
    setting="PADDLECLAS_DIR",
    folders=("ppcls", "deploy"),
    engine="ppcls/engine/engine.py",
    has_launchers=True,
)
# Its own launchers export the network with its non-maximum suppression, which no NPU runs.
PADDLEDET = Suite(
    name="PaddleDetection",
    distribution="paddledet",
    version="2.6.0",
    index=INDEX,
    setting="PADDLEDET_DIR",
    folders=("ppdet",),
    engine="ppdet/engine/trainer.py",
    has_launchers=False,
)
