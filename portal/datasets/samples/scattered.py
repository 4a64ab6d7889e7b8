"""The sample for detection: the bundled digits scattered over cluttered canvases, generated on request.

The same seed gives the same images. ``digits.md`` documents the origin of the digits.
"""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path
from typing import IO, Any

from PIL import Image, ImageDraw, ImageFilter

HERE = Path(__file__).parent
CANVASES, SEED = 600, 0
SIDE = 128  # pixels of a canvas
SMALLEST, LARGEST = 30, 52  # pixels of a digit
MOST_DIGITS = 6
BARE = 0.06  # share of canvases without a digit
CLUTTER = (5, 10)  # shapes on a canvas, minimum and maximum
# Brightness of each colour, minimum and maximum: of both ends of the background, of shapes and of digits.
DARK, DIM, SHAPES, INK = (0, 40), (70, 115), (0, 170), (170, 255)
QUALITY = 88  # of the JPEG files
NAMES = [str(number) for number in range(10)]
Box = list[int]  # left, top, width, height


def write(target: IO[bytes], canvases: int = CANVASES, seed: int = SEED) -> None:
    """Write a zip in COCO format: a folder of images and a file of boxes."""
    chance = random.Random(seed)  # noqa: S311 (images, no secrets)
    digits = _digits()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for number in range(1, canvases + 1):
            canvas, boxes = _canvas(chance, digits)
            name = f"canvas-{number:04d}.jpg"
            content = io.BytesIO()
            canvas.save(content, "JPEG", quality=QUALITY)
            archive.writestr(_entry(f"images/{name}"), content.getvalue())
            images.append({"id": number, "file_name": name, "width": SIDE, "height": SIDE})
            for box in boxes:
                annotations.append(_annotation(len(annotations) + 1, number, *box))
        categories = [{"id": number, "name": name} for number, name in enumerate(NAMES)]
        found = {"images": images, "annotations": annotations, "categories": categories}
        archive.writestr(_entry("annotations.json"), json.dumps(found))


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))


def _annotation(number: int, image: int, label: int, box: Box) -> dict[str, Any]:
    area = box[2] * box[3]
    return {"id": number, "image_id": image, "category_id": label, "bbox": box, "area": area, "iscrowd": 0}


def _digits() -> list[tuple[int, Image.Image]]:
    """Each digit's class and image, 8 × 8 pixels, bright ink on black."""
    with zipfile.ZipFile(HERE / "digits.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".png"))
        return [(int(name.split("/")[-2]), _opened(archive.read(name))) for name in names]


def _opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("L")


def _canvas(chance: random.Random, digits: list[tuple[int, Image.Image]]) -> tuple[Image.Image, list]:
    """A canvas, and ``(class, box)`` of each digit on it."""
    canvas = _ground(chance)
    draw = ImageDraw.Draw(canvas)
    for _ in range(chance.randint(*CLUTTER)):
        _clutter(chance, draw)
    canvas = canvas.filter(ImageFilter.GaussianBlur(chance.uniform(0, 0.7)))
    taken: list[tuple[int, Box]] = []
    wanted = 0 if chance.random() < BARE else chance.randint(1, MOST_DIGITS)
    for label, digit in chance.choices(digits, k=wanted):
        box = _place(chance, canvas, digit, [box for _, box in taken])
        if box:
            taken.append((label, box))
    return canvas, taken


def _ground(chance: random.Random) -> Image.Image:
    """A gradient between two colours in a random direction."""
    ground = Image.linear_gradient("L").resize((SIDE * 2, SIDE * 2)).rotate(chance.uniform(0, 360))
    edge = SIDE // 2
    mask = ground.crop((edge, edge, edge + SIDE, edge + SIDE))
    return Image.composite(_plain(_colour(chance, DARK)), _plain(_colour(chance, DIM)), mask)


def _plain(colour: tuple[int, ...]) -> Image.Image:
    return Image.new("RGB", (SIDE, SIDE), colour)


def _colour(chance: random.Random, brightness: tuple[int, int]) -> tuple[int, ...]:
    return tuple(chance.randint(*brightness) for _ in range(3))


def _clutter(chance: random.Random, draw: ImageDraw.ImageDraw) -> None:
    """A line, arc, ellipse or rectangle at a random place, at most as thick as the ink."""
    x, y = (sorted(chance.randint(-20, SIDE + 20) for _ in range(2)) for _ in range(2))
    colour, width = _colour(chance, SHAPES), chance.randint(1, 4)
    match chance.randrange(4):
        case 0:
            draw.line((x[0], chance.choice(y), x[1], chance.choice(y)), colour, width)
        case 1:
            draw.arc((x[0], y[0], x[1], y[1]), chance.randint(0, 360), chance.randint(0, 360), colour, width)
        case 2:
            draw.ellipse((x[0], y[0], x[1], y[1]), outline=colour, width=width)
        case 3:
            draw.rectangle((x[0], y[0], x[1], y[1]), outline=colour, width=width)


def _place(chance: random.Random, canvas: Image.Image, digit: Image.Image, taken: list[Box]) -> Box | None:
    """Draw a digit at a free place; return its box, None without room."""
    side = chance.randint(SMALLEST, LARGEST)
    ink = digit.resize((side, side), Image.Resampling.BICUBIC)
    ink = ink.rotate(chance.uniform(-12, 12), Image.Resampling.BICUBIC)
    left, top, right, bottom = ink.point(lambda value: 255 if value > 60 else 0).getbbox()
    for _ in range(20):
        x, y = (chance.randint(0, SIDE - size) for size in (right - left, bottom - top))
        box = [x, y, right - left, bottom - top]
        if not any(_touch(box, other) for other in taken):
            canvas.paste(_colour(chance, INK), (x, y), ink.crop((left, top, right, bottom)))
            return box
    return None


def _touch(box: Box, other: Box) -> bool:
    return all(
        box[axis] < other[axis] + other[axis + 2] and other[axis] < box[axis] + box[axis + 2]
        for axis in (0, 1)
    )
