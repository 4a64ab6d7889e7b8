"""Small archives for benchmarks; each is another one by its seed."""

from __future__ import annotations

import io
import random
import zipfile

from PIL import Image


def small_zip(seed: int = 0, images: int = 6) -> bytes:
    """Class folders ``cat`` and ``dog`` with pictures of 24 × 24 noise, which no two archives share."""
    noise, buffer = random.Random(seed), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("cat", "dog"):
            for number in range(images):
                archive.writestr(f"{name}/{seed}-{number}.png", small_png(noise))
    return buffer.getvalue()


def small_png(noise: random.Random | None = None) -> bytes:
    """A picture of 24 × 24 noise."""
    picture = io.BytesIO()
    Image.frombytes("RGB", (24, 24), (noise or random.Random(0)).randbytes(24 * 24 * 3)).save(picture, "PNG")
    return picture.getvalue()
