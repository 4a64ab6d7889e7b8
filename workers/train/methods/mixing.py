"""One dataset of labelled and unlabelled images, as a folder of links. Standard library only."""

from __future__ import annotations

from pathlib import Path

from workers.contract import InputError
from workers.contract.messages import msg
from workers.contract.splits import SPLITS, TRAIN
from workers.train.parameters import UNLABELLED

LABELS = "label.txt"
IMAGES, MORE = "images", "more"


def mix(dataset: Path, unlabelled: Path, target: Path) -> int:
    """Create ``target``: ``dataset`` with all images of ``unlabelled`` added to its training images.

    Return the number of added images. Both are staged datasets; any labels of the second are ignored. Raises
    InputError if it has no images.
    """
    more = sorted(path.name for path in (unlabelled / IMAGES).iterdir())
    if not more:
        raise InputError(msg("The dataset of images without labels is empty: choose another one."))
    target.mkdir(parents=True)
    (target / IMAGES).symlink_to(dataset / IMAGES, target_is_directory=True)
    (target / MORE).symlink_to(unlabelled / IMAGES, target_is_directory=True)
    for name in (LABELS, *(f"{split}.txt" for split in SPLITS)):
        if (dataset / name).is_file():
            (target / name).write_bytes((dataset / name).read_bytes())
    with (target / f"{TRAIN}.txt").open("a", encoding="utf-8") as listing:
        listing.writelines(f"{MORE}/{name} {UNLABELLED}\n" for name in more)
    return len(more)
