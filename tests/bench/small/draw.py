"""Pictures of simple classes, each a little different from the others of its class."""

from __future__ import annotations

from math import cos, pi, sin
from random import Random

from PIL import Image, ImageDraw, ImageFilter

SIDE = 64


def _canvas(shade: tuple[int, ...]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (SIDE, SIDE), shade)
    return image, ImageDraw.Draw(image)


def _near(shade: tuple[int, ...], random: Random, spread: int) -> tuple[int, ...]:
    return tuple(max(0, min(255, part + random.randint(-spread, spread))) for part in shade)


def _polygon(draw: ImageDraw.ImageDraw, corners: int, random: Random, fill: tuple[int, ...]) -> None:
    x, y, radius = (random.uniform(*span) for span in ((26, 38), (26, 38), (14, 24)))
    turn = random.uniform(0, 2 * pi)
    points = [turn + 2 * pi * corner / corners for corner in range(corners)]
    draw.polygon([(x + radius * cos(angle), y + radius * sin(angle)) for angle in points], fill=fill)


def _noise(image: Image.Image, random: Random, share: float) -> Image.Image:
    grain = Image.frombytes("RGB", image.size, random.randbytes(3 * SIDE * SIDE))
    return Image.blend(image, grain, share)


def colours(label: int, random: Random) -> Image.Image:
    """One colour for the whole picture: the set that once lost a class in int8."""
    return _canvas(_near(((200, 40, 40), (40, 180, 60), (40, 60, 200))[label], random, 30))[0]


def shades(label: int, random: Random) -> Image.Image:
    """Dark or light, all of it."""
    return _canvas(_near(((60,) * 3, (190,) * 3)[label], random, 35))[0]


def shapes(label: int, random: Random) -> Image.Image:
    """Triangle, square or disc."""
    image, draw = _canvas(_near((235, 235, 230), random, 15))
    _polygon(draw, (3, 4, 40)[label], random, _near((40, 70, 120), random, 40))
    return image


def faint_shapes(label: int, random: Random) -> Image.Image:
    """Hardly lighter than what lies behind them."""
    shade = random.randint(30, 90)
    image, draw = _canvas((shade,) * 3)
    _polygon(draw, (3, 4, 40)[label], random, (shade + 22,) * 3)
    return image


def stripes(label: int, random: Random) -> Image.Image:
    """Lines in one of four directions."""
    image, draw = _canvas(_near((230, 225, 220), random, 20))
    angle, step = label * pi / 4 + random.uniform(-0.12, 0.12), random.randint(10, 14)
    ink = _near((30, 30, 60), random, 30)
    for offset in range(-64, 65, step):
        x, y = 32 - offset * sin(angle), 32 + offset * cos(angle)
        reach = (64 * cos(angle), 64 * sin(angle))
        draw.line([(x - reach[0], y - reach[1]), (x + reach[0], y + reach[1])], fill=ink, width=4)
    return image


def signs(label: int, random: Random) -> Image.Image:
    """A round sign with a mark in it; two classes differ by their colour alone."""
    image, draw = _canvas(_near((150, 160, 170), random, 50))
    x, y, r = random.randint(28, 36), random.randint(28, 36), random.randint(18, 25)
    rim = _near((200, 30, 30) if label % 2 else (30, 60, 190), random, 25)
    draw.ellipse([x - r, y - r, x + r, y + r], fill=(245, 245, 245), outline=rim, width=6)
    h = r // 2
    if label // 2 == 0:
        draw.line([(x - h, y), (x + h, y)], fill=rim, width=5)
    elif label // 2 == 1:
        draw.polygon([(x, y - h), (x + h, y + h), (x - h, y + h)], fill=rim)
    else:
        draw.rectangle([x - h, y - h, x + h, y + h], fill=rim)
    return image


def textures(label: int, random: Random) -> Image.Image:
    """Grain of four sizes."""
    small = (64, 32, 16, 8)[label]
    grain = Image.frombytes("L", (small, small), random.randbytes(small * small))
    return grain.resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("RGB")


def parts(label: int, random: Random) -> Image.Image:
    """A bright part on a dark belt: whole, or with a notch. As from a camera over a line."""
    image, draw = _canvas(_near((25, 25, 30), random, 15))
    x, y = random.randint(14, 22), random.randint(18, 28)
    draw.rounded_rectangle([x, y, x + 30, y + 22], 4, fill=_near((210, 205, 190), random, 30))
    if label:
        draw.ellipse([x + 22, y - 6, x + 36, y + 9], fill=(25, 25, 30))
    return _noise(image.filter(ImageFilter.GaussianBlur(random.uniform(0, 1))), random, 0.08)
