"""One upload that is drawn: its files, and what its author meant by them."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from PIL import Image

WIDTH, HEIGHT = 48, 40
THEMES = (
    ("ants", "bees", "wasps", "moths"),
    ("Beagle", "Pug", "Shih-Tzu", "Basset Hound"),
    ("healthy", "rust", "scab", "leaf spot"),
    ("buildings", "forest", "glacier", "sea"),
    ("猫", "狗", "兔子", "仓鼠"),
    ("crazing", "inclusion", "patches", "scratches"),
    ("apple", "banana", "Cherry_1", "Kiwi (green)"),
    ("normal", "benign", "malignant", "viral pneumonia"),
)
_FORMATS = {".png": "PNG", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP", ".gif": "GIF"}
Box = tuple[str, int, int, int, int]  # class, left, top, width, height in pixels


def layout(make: Callable[[Upload], None]) -> Callable[[Upload], None]:
    """Mark a function that draws a layout into an upload."""
    make.is_layout = True
    return make


@functools.lru_cache(maxsize=4096)
def picture(number: int, suffix: str = ".jpg", size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    """A picture unlike any other: coarse noise drawn by ``number``."""
    image = Image.frombytes("RGB", (6, 5), random.Random(number).randbytes(90))
    buffer = io.BytesIO()
    image.resize(size, Image.Resampling.NEAREST).save(buffer, _FORMATS.get(suffix.lower(), "JPEG"))
    return buffer.getvalue()


@functools.lru_cache(maxsize=4096)
def mask(number: int, colour: int = 1) -> bytes:
    """A mask of one object on black: a palette picture, nearly black to the eye."""
    values = random.Random(f"mask {number}")
    image = Image.new("L", (WIDTH, HEIGHT))
    left, top = values.randrange(20), values.randrange(16)
    image.paste(colour, (left, top, left + 8 + values.randrange(16), top + 8 + values.randrange(12)))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class Upload:
    """The files by path, and the truth about each image.

    ``labels`` has the class of each image that the author labelled, or ``boxes`` its boxes. ``splits`` is
    what the author wrote: "train", "val" or "test"; an image that is missing in it has none. ``optional``
    images may be read (with the label above) or left out. ``aliases`` are other names by which a class may
    rightly be called. ``must_not_be_ready``: no reading is certain, so one has to ask or refuse.
    ``may_refuse``: a sentence that says what to do is as right as reading it. ``any_split``: the author's
    split, if any, stands in no form that a reader has to know.
    """

    def __init__(self, name: str, seed: int = 0):
        self.name = name
        self.random = random.Random(f"{name} {seed}")
        self.files: dict[str, bytes] = {}
        self.labels: dict[str, str] = {}
        self.boxes: dict[str, list[Box]] = {}
        self.splits: dict[str, str] = {}
        self.optional: set[str] = set()
        self.aliases: dict[str, str] = {}
        self.must_not_be_ready = self.may_refuse = self.any_split = False
        self.archive = "zip"
        self._next = self.random.randrange(10**9)

    # Pictures

    def classes(self, count: int = 3) -> list[str]:
        """The names of classes, in no order."""
        return self.random.sample(self.random.choice(THEMES), count)

    def image(self, path: str, label: str | None = None, split: str | None = None) -> str:
        """Draw an image; without a label it is one that the author gave none."""
        self._next += 1
        suffix = "." + path.rpartition(".")[2]
        self.files[path] = picture(self._next, suffix)
        if label is not None:
            self.labels[path] = label
            if split is not None:
                self.splits[path] = split
        return path

    def mask(self, path: str, colour: int = 1) -> str:
        self._next += 1
        self.files[path] = mask(self._next, colour)
        return path

    def copy(self, source: str, target: str, optional: bool = False) -> None:
        """Put a file at a second place; as an image it has the same label and split."""
        self.files[target] = self.files[source]
        if source in self.labels:
            self.labels[target] = self.labels[source]
            if source in self.splits:
                self.splits[target] = self.splits[source]
        if optional:
            self.optional.add(target)

    def folders(
        self,
        above: str,
        classes: Sequence[str],
        each: int = 6,
        split: str | None = None,
        suffix: str = ".jpg",
        first: int = 0,
        labelled: bool = True,
    ) -> None:
        """Draw a folder of images for each class below ``above``."""
        for name in classes:
            for number in range(first, first + each):
                path = f"{above}{'/' if above else ''}{name}/{name}_{number:03d}{suffix}"
                self.image(path, name if labelled else None, split)

    def unlabelled(self, folder: str, count: int = 6, suffix: str = ".jpg", stem: str = "") -> list[str]:
        """Draw images that have no label."""
        return [self.image(f"{folder}/{stem}{number}{suffix}") for number in range(count)]

    def labelled(
        self,
        folder: str,
        classes: Sequence[str],
        each: int = 6,
        split: str | None = None,
        stem: Callable[[int], str] = "img_{:04d}".format,
        suffix: str = ".jpg",
        first: int = 0,
    ) -> list[tuple[str, str]]:
        """Draw images of the classes in turn, in one folder; return pairs of path and class."""
        pairs = []
        for number in range(first, first + each * len(classes)):
            name = classes[number % len(classes)]
            path = f"{folder}{'/' if folder else ''}{stem(number)}{suffix}"
            pairs.append((self.image(path, name, split), name))
        return pairs

    def boxed(
        self,
        folder: str,
        classes: Sequence[str],
        count: int = 8,
        split: str | None = None,
        stem: Callable[[int], str] = "img_{:04d}".format,
        suffix: str = ".jpg",
        first: int = 0,
    ) -> list[tuple[str, list[Box]]]:
        """Draw images with one or two boxes each; return pairs of path and boxes."""
        pairs = []
        for number in range(first, first + count):
            path = self.image(f"{folder}{'/' if folder else ''}{stem(number)}{suffix}")
            chosen = [classes[number % len(classes)]]
            if number % 3 == 0:
                chosen.append(self.random.choice(list(classes)))
            self.boxes[path] = [(name, *self._place()) for name in chosen]
            if split is not None:
                self.splits[path] = split
            pairs.append((path, self.boxes[path]))
        return pairs

    def _place(self) -> tuple[int, int, int, int]:
        left, top = self.random.randrange(1, 20), self.random.randrange(1, 16)
        return left, top, self.random.randrange(6, 24), self.random.randrange(6, 20)

    # Other files

    def text(self, path: str, content: str | Iterable[str], encoding: str = "utf-8") -> None:
        """Write a text file, from its text or its lines."""
        text = content if isinstance(content, str) else "".join(line + "\n" for line in content)
        self.files[path] = text.encode(encoding)

    def json(self, path: str, content: Any, **options: Any) -> None:
        self.text(path, json.dumps(content, ensure_ascii=False, **options))

    def table(
        self,
        path: str,
        header: Sequence[Any] | None,
        rows: Iterable[Sequence[Any]],
        delimiter: str = ",",
        encoding: str = "utf-8",
        end: str = "\n",
    ) -> None:
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end)
        if header is not None:
            writer.writerow(header)
        writer.writerows(rows)
        self.text(path, buffer.getvalue(), encoding)

    def readme(self, path: str = "README.md") -> None:
        self.text(path, "# A dataset\n\nCollected by hand. See the paper.\n")

    def inside(self, folder: str) -> None:
        """Put everything into an outer folder."""
        for name in ("files", "labels", "boxes", "splits"):
            setattr(self, name, {f"{folder}/{path}": value for path, value in getattr(self, name).items()})
        self.optional = {f"{folder}/{path}" for path in self.optional}

    # The archive

    def packed(self) -> bytes:
        return _tarred(self.files, self.archive) if self.archive.startswith("tar") else _zipped(self.files)

    def digest(self) -> str:
        """A hash of everything that was drawn."""
        seen = hashlib.sha256()
        for path in sorted(self.files):
            seen.update(path.encode() + b"\0" + hashlib.sha256(self.files[path]).digest())
        return seen.hexdigest()


def _zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _tarred(files: dict[str, bytes], kind: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{kind.partition('.')[2]}") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
