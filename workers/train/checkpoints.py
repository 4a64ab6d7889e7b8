"""Which epochs are on disk, which one is the best, and how a later job resumes from them.

The suite saves ``epoch_<n>.pdparams``, ``.pdopt`` and, last of all, ``.pdstates`` after every epoch, in a
folder whose depth differs between its releases. Its own ``best_model`` and ``latest`` are not used: they are
overwritten in place, so a process killed at the wrong moment leaves half of one. ``history.json``, written
here, holds the score of each epoch, the task's metric on the validation split, and its loss there if known.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workers.train.weights import clean

SUFFIXES = (".pdparams", ".pdopt", ".pdstates")
HISTORY = "history.json"


@dataclass
class History:
    """The identity that must match for a training to be resumed, and the score and loss of each epoch."""

    identity: dict
    scores: dict[int, float] = field(default_factory=dict)
    losses: dict[int, float] = field(default_factory=dict)

    @property
    def best_epoch(self) -> int:
        """The epoch with the highest score, of several the one with the lowest loss; 0 if there is none.

        On a few validation images, an epoch that has learnt little may have the highest score by luck.
        """
        return max(self.scores, key=self._rank, default=0)

    def _rank(self, epoch: int) -> tuple[float, float, int]:
        return self.scores[epoch], -self.losses.get(epoch, math.inf), -epoch

    def save(self, folder: Path) -> None:
        temporary = folder / (HISTORY + ".tmp")
        temporary.write_text(json.dumps(asdict(self)), encoding="utf-8")
        os.replace(temporary, folder / HISTORY)


def load_history(folder: Path) -> History | None:
    """Return the history in ``folder``; None if there is no readable one."""
    try:
        content = json.loads((folder / HISTORY).read_text(encoding="utf-8"))
        return History(content["identity"], *(_numbers(content.get(key, {})) for key in ("scores", "losses")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _numbers(by_epoch: dict) -> dict[int, float]:
    return {int(epoch): float(number) for epoch, number in by_epoch.items()}


def complete_epochs(output: Path) -> dict[int, Path]:
    """Return epoch → path without suffix of every complete checkpoint under ``output``."""
    found = {}
    for states in output.rglob("epoch_*.pdstates"):
        number = states.stem.removeprefix("epoch_")
        stem = states.with_suffix("")
        if number.isdecimal() and all(_not_empty(stem.with_suffix(suffix)) for suffix in SUFFIXES):
            found[int(number)] = stem
    return found


def _not_empty(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def prune(output: Path, keep: set[int]) -> None:
    """Delete every complete checkpoint except those of the epochs in ``keep``."""
    for epoch, stem in complete_epochs(output).items():
        if epoch not in keep:
            for suffix in SUFFIXES:
                stem.with_suffix(suffix).unlink(missing_ok=True)


def resumable(scratch: Path, history: History) -> list[Path]:
    """Return the files from which a later job resumes: the history, the last and the best scored epoch."""
    epochs = complete_epochs(scratch / "output")
    scored = {epoch: history.scores[epoch] for epoch in epochs if epoch in history.scores}
    if not scored:
        return []
    told = History(history.identity, scored, history.losses)
    stems = {epochs[max(scored)], epochs[told.best_epoch]}
    return [scratch / HISTORY, *(stem.with_suffix(suffix) for stem in sorted(stems) for suffix in SUFFIXES)]


def take_over(earlier: Path, output: Path, history: History) -> Path | None:
    """Copy the last and the best checkpoint of an earlier job into ``output``; return the last one's stem.

    ``earlier`` is that job's folder. ``history`` is filled with its epochs. Returns None, and changes
    nothing, if that job has no complete checkpoint or trained something else.
    """
    scratch = earlier / "scratch"
    told, epochs = load_history(scratch), complete_epochs(scratch / "output")
    if not told or told.identity != history.identity:
        return None
    # The score of an epoch saved just before the end may be missing: it is trained again.
    epochs = {epoch: stem for epoch, stem in epochs.items() if epoch in told.scores}
    if not epochs:
        return None
    last = max(epochs)
    history.scores = {epoch: score for epoch, score in told.scores.items() if epoch <= last}
    history.losses = {epoch: loss for epoch, loss in told.losses.items() if epoch <= last}
    if history.best_epoch not in epochs:
        return None
    for epoch in {last, history.best_epoch}:
        target = output / epochs[epoch].relative_to(scratch / "output")
        target.parent.mkdir(parents=True, exist_ok=True)
        for suffix in SUFFIXES:
            shutil.copyfile(epochs[epoch].with_suffix(suffix), target.with_suffix(suffix))
    return output / epochs[last].relative_to(scratch / "output")


def clean_all(output: Path) -> None:
    """Replace every complete checkpoint with a clean file, so that Paddle opens no other.

    Raises Refused for one that holds more than a training leaves.
    """
    for stem in complete_epochs(output).values():
        for suffix in SUFFIXES:
            clean(stem.with_suffix(suffix), stem.with_suffix(suffix))
