"""The ten sets: 20 to 200 images, 2 to 10 classes, and images apart to measure on."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from PIL import Image

from tests.bench.small import draw
from workers.contract.splits import TEST, TRAIN, VAL

DIGITS = Path(__file__).resolve().parents[3] / "portal" / "datasets" / "samples" / "digits.zip"
Draw = Callable[[int], Image.Image]
MEASURED = 200  # images apart from the set, so that a point is two of them


@dataclass(frozen=True)
class SmallSet:
    """``images`` of all ``classes`` together, a fifth of them to choose the best epoch."""

    name: str
    classes: int
    images: int
    source: Callable[[Random], Draw]

    @property
    def class_names(self) -> list[str]:
        return [f"class {number}" for number in range(self.classes)]

    def stage(self, folder: Path, seed: int) -> Path:
        """Write the set as training and conversion read it."""
        draw, each = self.source(Random(f"{self.name} {seed}")), self.images // self.classes
        kept = max(1, each // 5)
        counts = {TRAIN: each - kept, VAL: kept, TEST: MEASURED // self.classes}
        (folder / "images").mkdir(parents=True)
        for split, count in counts.items():
            lines = []
            for label in range(self.classes):
                for number in range(count):
                    name = f"images/{split}-{label}-{number}.png"
                    draw(label).save(folder / name)
                    lines.append(f"{name} {label}\n")
            (folder / f"{split}.txt").write_text("".join(lines), encoding="utf-8")
        labels = "".join(f"{number} {name}\n" for number, name in enumerate(self.class_names))
        (folder / "label.txt").write_text(labels, encoding="utf-8")
        return folder


def drawn(one: Callable[[int, Random], Image.Image]) -> Callable[[Random], Draw]:
    return lambda random: lambda label: one(label, random)


def sampled(*labels: int) -> Callable[[Random], Draw]:
    """Scans of these digits from the bundled sample, none of them twice."""

    def source(random: Random) -> Draw:
        scans = [random.sample(scans, len(scans)) for scans in map(_scans, labels)]
        return lambda label: scans[label].pop()

    return source


@cache
def _scans(digit: int) -> list[Image.Image]:
    with zipfile.ZipFile(DIGITS) as archive:
        names = sorted(name for name in archive.namelist() if name.startswith(f"{digit}/"))
        return [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names]


SETS = (
    SmallSet("shades", 2, 20, drawn(draw.shades)),
    SmallSet("parts", 2, 40, drawn(draw.parts)),
    SmallSet("colours", 3, 60, drawn(draw.colours)),
    SmallSet("alike digits", 3, 60, sampled(3, 5, 8)),
    SmallSet("stripes", 4, 80, drawn(draw.stripes)),
    SmallSet("shapes", 3, 90, drawn(draw.shapes)),
    SmallSet("faint shapes", 3, 90, drawn(draw.faint_shapes)),
    SmallSet("signs", 6, 120, drawn(draw.signs)),
    SmallSet("textures", 4, 160, drawn(draw.textures)),
    SmallSet("digits", 10, 200, sampled(*range(10))),
)
