"""Make ``digits.zip``, the bundled sample. Run by hand, where scikit-learn and Pillow are installed:

    python portal/datasets/samples/make_digits.py portal/datasets/samples/digits.zip

``digits.md`` says where the images come from and under which licence.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections import Counter

from PIL import Image
from sklearn.datasets import load_digits

# The sums of 4×4 blocks of a two-colour scan: 0 to 16.
MAX_VALUE = 16
DATE = (1998, 7, 1, 0, 0, 0)


def main(path: str) -> None:
    digits = load_digits()
    numbers: Counter[int] = Counter()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for values, label in zip(digits.images, digits.target, strict=True):
            numbers[label] += 1
            name = f"{label}/{numbers[label]:03d}.png"
            archive.writestr(zipfile.ZipInfo(name, DATE), png(values))


def png(values) -> bytes:
    """Return an 8×8 array of 0 to 16 as a gray 8-bit PNG, white ink on black as in the original."""
    gray = bytes(round(float(value) * 255 / MAX_VALUE) for row in values for value in row)
    buffer = io.BytesIO()
    Image.frombytes("L", (8, 8), gray).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":
    main(sys.argv[1])
