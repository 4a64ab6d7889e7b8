"""What the images of a version say about it: copies, looks, sizes, classes, boxes."""

from __future__ import annotations

import io
import random
import re
from array import array
from collections import Counter

import pytest
from PIL import Image, ImageEnhance, ImageFilter
from upload_builders import ROOT, encoded, finding, images_of, ingested, noticed, zipped

from workers.datakit.advice import ADVICE
from workers.datakit.duplicates import near_pairs
from workers.datakit.findings import MAX_EXAMPLES, Findings
from workers.datakit.histograms import statistics_of
from workers.datakit.images import normalise
from workers.datakit.index import ImageRow
from workers.datakit.judging import judge
from workers.datakit.marks import MARKS, mark
from workers.datakit.measures import measure


def scene(seed: int, size: tuple[int, int] = (200, 150)) -> Image.Image:
    """A picture with light, shade and detail, unlike that of any other seed."""
    values = random.Random(seed)
    rough = Image.frombytes("L", (8, 6), values.randbytes(48)).resize(size, Image.Resampling.BICUBIC)
    fine = Image.frombytes("L", size, values.randbytes(size[0] * size[1]))
    return Image.blend(rough, fine, 0.2)


def row(number: int = 0, image: Image.Image | None = None, **fields) -> ImageRow:
    """An image as an index has it; measured where there is a picture."""
    width, height = image.size if image else (200, 150)
    measures = measure(normalise(encoded(image, "PNG")).small)._asdict() if image else {}
    defaults = {
        "id": number, "original": f"cat/{number}.png", "sha256": f"{number:064x}", "pack": "p", "start": 0,
        "size": 100, "suffix": ".png", "width": width, "height": height, "split": "train", "class_id": 0,
    }  # fmt: skip
    return ImageRow(**{**defaults, **measures, **fields})


def codes(images: list[ImageRow]) -> dict[int, set[str]]:
    """Judge the images; return the marks by id."""
    counts = [{"name": "cat", "train": 50, "val": 50, "test": 0, "total": 100}]
    judge(images, counts, Findings())
    return {image.id: set(image.marks) for image in images if image.marks}


@pytest.fixture(scope="module")
def scenes() -> list[ImageRow]:
    return [row(number, scene(number)) for number in range(20)]


def fresh(images: list[ImageRow]) -> list[ImageRow]:
    for image in images:
        image.marks.clear()
    return list(images)


def blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(6))


LOOKS = {
    "blank": Image.new("RGB", (200, 150), (240, 240, 239)),
    "dark": ImageEnhance.Brightness(scene(70)).enhance(0.08),
    "bright": scene(71).point(lambda value: 225 + value // 12),
    "blurred": blurred(scene(72)),
    "tiny-image": scene(73, (60, 12)),
    "huge-image": None,
    "odd-size": scene(75, (1400, 900)),
    "odd-aspect": scene(76, (200, 40)),
}


@pytest.mark.parametrize("code", LOOKS)
def test_an_image_that_stands_out_is_marked_and_no_other(scenes, code):
    fields = {"width": 7000, "height": 5000} if code == "huge-image" else {}
    images = [*fresh(scenes), row(99, LOOKS[code], **fields)]
    found = codes(images)
    assert set(found) == {99} and code in found[99]
    assert found[99] <= {code, "odd-size", "odd-aspect"}


@pytest.mark.parametrize("alter", [
    lambda image: ImageEnhance.Brightness(image).enhance(0.08), blurred, lambda image: image.resize((14, 12)),
    lambda image: image.resize((300, 30)), lambda image: Image.new("L", image.size, 7),
])  # fmt: skip
def test_what_is_true_of_the_whole_set_is_its_nature(alter):
    found = codes([row(number, alter(scene(number))) for number in range(10)])
    assert not {code for marks in found.values() for code in marks} & set(LOOKS)


def test_exact_copies_are_told_apart_by_what_they_harm():
    same = [
        row(1, sha256="a"), row(2, sha256="a"),
        row(3, sha256="b"), row(4, sha256="b", class_id=1),
        row(5, sha256="c"), row(6, sha256="c", split="val"), row(7, sha256="d"),
    ]  # fmt: skip
    found = codes(same)
    assert found == {
        1: {"copy-in-class"}, 2: {"copy-in-class"}, 3: {"copy-in-two-classes"}, 4: {"copy-in-two-classes"},
        5: {"copy-in-both-splits"}, 6: {"copy-in-both-splits"},
    }  # fmt: skip
    assert same[0].marks["copy-in-class"] == "= cat/2.png"


NEAR = {
    "saved again": lambda image: Image.open(io.BytesIO(encoded(image, "JPEG", quality=50))),
    "made smaller": lambda image: image.resize((120, 90)),
    "made larger": lambda image: image.resize((500, 375)),
    "cropped a little": lambda image: image.crop((1, 0, 199, 150)),
    "blurred a little": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
}


@pytest.mark.parametrize("alter", NEAR.values(), ids=NEAR.keys())
def test_a_near_copy_is_found_on_either_side_of_the_split(scenes, alter):
    first, second = scene(7), scene(8)
    copies = [row(50, alter(first)), row(51, alter(second), split="val")]
    originals = [row(60, first), row(61, second)]
    images = [*fresh(scenes)[10:], *copies, *originals]
    found = codes(images)
    assert found == {
        50: {"near-copy"}, 60: {"near-copy"},
        51: {"near-copy-in-both-splits"}, 61: {"near-copy-in-both-splits"},
    }  # fmt: skip


def test_blank_pages_and_tiny_pictures_are_no_near_copies():
    blank = [row(n, Image.new("L", (200, 150), 200 + n % 2)) for n in range(10)]
    tiny = [row(100 + n, scene(n, (8, 8))) for n in range(10)]
    assert list(near_pairs([*blank, *tiny])) == []


@pytest.mark.parametrize("alike", ["hash", "nothing", "everything"])
def test_looking_for_near_copies_stays_linear_where_all_are_alike(alike):
    base = row(0, scene(1))

    def many(count: int) -> list[ImageRow]:
        images = []
        for number in range(count):
            dhash = base.dhash if alike != "nothing" else hash(f"{number}") & 0x7FFFFFFFFFFFFFFF
            gray = base.gray if alike == "everything" else bytes((number * k) % 256 for k in range(256))
            images.append(row(number, dhash=dhash, gray=gray, contrast=60.0, brightness=120.0))
        return images

    compared = Counter()
    for count in (500, 4000):
        for _ in near_pairs(many(count)):
            compared[count] += 1
    assert compared[4000] <= 17 * 4000
    if alike == "everything":
        assert compared[4000] > 4000


def test_classes_that_are_small_or_unequal_or_on_one_side_are_named():
    findings = Findings()
    counts = [
        {"name": "cat", "train": 180, "val": 20, "test": 0, "total": 200},
        {"name": "dog", "train": 12, "val": 3, "test": 0, "total": 15},
        {"name": "cow", "train": 4, "val": 0, "test": 0, "total": 4},
        {"name": "Cow ", "train": 0, "val": 30, "test": 0, "total": 30},
    ]
    judge([row(1)], counts, findings)
    found = {item["code"]: item for item in findings.as_list()}
    assert {code: item["count"] for code, item in found.items()} == {
        "class-name-collision": 1, "no-train-images": 1, "no-val-images": 1, "small-classes": 1,
        "unequal-classes": 2,
    }  # fmt: skip
    assert found["small-classes"]["examples"] == [{"image": None, "text": "cow: 4"}]
    assert [item["level"] for item in findings.as_list()][:2] == ["error", "error"]


def test_images_without_boxes_and_with_tiny_ones_are_marked():
    images = [
        row(1, class_id=None, boxes=array("d", [0, 1, 1, 50, 50, 0, 5, 5, 2, 30])),
        row(2, class_id=None, boxes=array("d")),
        row(3, class_id=None, boxes=array("d", [0, 1, 1, 50, 50])),
    ]
    assert codes(images) == {1: {"box-tiny"}, 2: {"images-without-boxes"}}
    assert images[0].marks["box-tiny"] == "1 of 2 boxes"


def test_marks_of_how_an_image_came_in_stay_and_others_are_judged_anew():
    image = row(1)
    mark(image, "converted", "converted from CMYK")
    mark(image, "near-copy", "≈ gone.png")
    assert codes([image]) == {1: {"converted"}}


def test_examples_are_drawn_over_the_whole_set_and_name_their_images():
    images = [row(number) for number in range(1, 101)]
    for image in images:
        mark(image, "converted", "converted from GIF")
    findings = Findings()
    findings.count_marks(images)
    found = findings.as_list()[0]
    assert (found["count"], len(found["examples"])) == (100, MAX_EXAMPLES)
    assert found["message"] == "100 images were converted to plain 8-bit images." and found["advice"]
    assert found["examples"][1] == {"image": 11, "text": "cat/11.png: converted from GIF"}


def test_every_finding_in_the_source_says_what_to_do():
    used = set()
    for path in [
        *(ROOT / "portal" / "datasets").rglob("*.py"),
        *(ROOT / "workers" / "datakit").rglob("*.py"),
    ]:
        text = path.read_text()
        used |= set(re.findall(r'add\(\s*"(?:error|warn|info)",\s+"([a-z0-9-]+)"', text))
        used |= set(re.findall(r'(?:reading|chosen)\.left_out\(\s*"([a-z0-9-]+)"', text))
    assert used == set(ADVICE)
    assert all(text.endswith(".") for text in ADVICE.values())
    for code, kind in MARKS.items():
        for form in (kind.message.id, kind.message.plural):
            assert "{count} " in form and form.endswith("."), code
        assert kind.advice.endswith(".") and kind.level in ("error", "warn", "info"), code


def test_histograms_count_every_image_once_and_stay_small():
    images = [row(n, width=2 ** (n % 14), height=3, size=10**(n % 9), brightness=float(n % 256),
                  sharpness=n * 7.0) for n in range(1000)]  # fmt: skip
    found = statistics_of(images)
    for name in ("long_side", "aspect", "brightness", "sharpness", "file_bytes"):
        assert sum(found[name]["counts"]) == 1000
        assert len(found[name]["edges"]) == len(found[name]["counts"]) + 1
    assert len(found["sizes"]) == 10 and "box_area" not in found
    assert len(str(found)) < 3000


def test_a_value_stands_in_the_bin_that_begins_with_it():
    found = statistics_of([row(1, width=64, height=64)])["long_side"]
    assert found["edges"][found["counts"].index(1)] == 64


def test_boxes_have_histograms_of_their_own():
    boxes = array("d", [0, 0, 0, 100, 75, 0, 0, 0, 200, 150])
    found = statistics_of([row(1, class_id=None, boxes=boxes), row(2, class_id=None, boxes=array("d"))])
    assert found["boxes_per_image"]["counts"][:4] == [1, 0, 1, 0]
    assert sum(found["box_area"]["counts"]) == 2 and found["box_area"]["counts"][-1] == 1


def test_an_upload_with_all_of_it_is_told_so_with_the_images(tmp_path):
    pictures = {f"{'cat' if n % 2 else 'dog'}/{n}.png": encoded(scene(n), "PNG") for n in range(20)}
    odd = {
        "cat/dark.png": encoded(LOOKS["dark"], "PNG"),
        "dog/copy.png": pictures["dog/4.png"],
        "cat/torn.png": pictures["dog/6.png"][:2000],
        "cat/blur.jpg": encoded(blurred(scene(44)), "JPEG"),
    }
    result, artifacts = ingested(tmp_path, zipped(pictures | odd))
    assert set(noticed(result)) == {"dark", "copy-in-class", "truncated", "blurred"}
    by_id = {image.id: image for image in images_of(artifacts)}
    example = finding(result, "dark")["examples"][0]
    assert by_id[example["image"]].original == "cat/dark.png" and "brightness" in example["text"]
    assert finding(result, "truncated")["examples"][0]["image"] is None
    assert result["statistics"]["sizes"] == [[200, 150, 23]]
