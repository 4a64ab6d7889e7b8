"""What a picture that the model was not made for is told by."""

from __future__ import annotations

import io
import random
import zipfile

from PIL import Image, ImageDraw, ImageFilter

from portal.datasets.samples import SAMPLES
from workers.contract.splits import TRAIN, VAL
from workers.datakit.likeness import Likeness
from workers.datakit.measures import measure


class Grays:
    """An index of gray values alone."""

    def __init__(self, train: list[bytes], val: list[bytes]):
        self._by_split = {TRAIN: train, VAL: val}

    def grays(self, split: str) -> list[bytes]:
        return self._by_split[split]


def digits() -> list[bytes]:
    archive = io.BytesIO()
    SAMPLES["classification"].write(archive)
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if name.endswith(".png")]
        pictures = [Image.open(io.BytesIO(opened.read(name))) for name in names]
    grays = [measure(picture.convert("L")).gray for picture in pictures]
    random.Random(1).shuffle(grays)
    return grays


def metal_part(chance: random.Random) -> bytes:
    """The gray values of a bright part with holes on a dark, uneven table."""
    picture = Image.effect_noise((128, 128), 20).point(lambda value: value - 30)
    draw = ImageDraw.Draw(picture)
    left, top, shade = chance.randint(10, 40), chance.randint(10, 40), chance.randint(150, 230)
    draw.rounded_rectangle((left, top, left + 70, top + 60), 8, fill=shade)
    for _ in range(3):
        x, y = chance.randint(left + 8, left + 60), chance.randint(top + 8, top + 50)
        draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill=40)
    return measure(picture.filter(ImageFilter.GaussianBlur(1))).gray


def test_photos_of_parts_are_unlike_digits_and_other_digits_are_not():
    grays = digits()
    known = Likeness(Grays(grays[:1000], grays[1000:1200]))
    chance = random.Random(2)
    assert all(known.unlikeness(metal_part(chance)) > 1 for _ in range(20))
    held_out = [known.unlikeness(gray) for gray in grays[1200:]]
    assert sum(value > 1 for value in held_out) <= 0.01 * len(held_out)


def test_a_training_image_is_not_unlike():
    grays = digits()
    assert Likeness(Grays(grays[:200], grays[200:260])).unlikeness(grays[7]) == 0


def test_of_a_few_images_nothing_is_told():
    grays = digits()
    for train, val in ((grays[:20], grays[20:60]), (grays[:200], grays[200:210]), (grays[:200], [])):
        assert Likeness(Grays(train, val)).unlikeness(grays[-1]) is None


def test_among_copies_of_one_image_nothing_is_told():
    gray = digits()[0]
    assert Likeness(Grays([gray] * 60, [gray] * 30)).unlikeness(bytes(256)) is None
