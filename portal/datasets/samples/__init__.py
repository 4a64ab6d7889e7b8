"""The bundled samples, one per task, for trying Slipway without images of one's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from portal.datasets.samples import scattered


@dataclass(frozen=True)
class Sample:
    """``write`` writes the archive ``file_name`` of the dataset ``name``; ``preset`` suits it."""

    name: str
    file_name: str
    preset: str
    write: Callable[[IO[bytes]], None]


def _write_digits(target: IO[bytes]) -> None:
    with (Path(__file__).parent / "digits.zip").open("rb") as archive:
        shutil.copyfileobj(archive, target)


SAMPLES = {
    "classification": Sample("Handwritten digits", "digits.zip", "fast", _write_digits),
    "detection": Sample("Scattered digits", "scattered-digits.zip", "detection-fast", scattered.write),
}
