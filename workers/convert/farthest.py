"""Farthest-point sampling of calibration images: each is the one farthest from those chosen before."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from workers.convert.images import load_image

CANDIDATES = 2000  # images considered, so that a large dataset does not take minutes
SIDE = 16  # pixels of the thumbnails that are compared


def choose(folder: Path, names: list[str], count: int, seed: int) -> list[str]:
    """Return at most ``count`` of the images below ``folder``, deterministic by seed."""
    shuffled = random.Random(seed).sample(sorted(names), min(len(names), CANDIDATES))
    if len(shuffled) <= count:
        return shuffled
    thumbnails = [load_image(folder / name, (SIDE, SIDE), "rgb").reshape(-1) for name in shuffled]
    return [shuffled[number] for number in order(np.asarray(thumbnails, np.float32), count)]


def order(points: np.ndarray, count: int) -> list[int]:
    """Return ``count`` rows of ``points``, starting with the first, each the farthest from those before
    it.
    """
    chosen = [0]
    distance = np.full(len(points), np.inf, np.float32)
    while len(chosen) < count:
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return chosen
