"""Boxes on images that their EXIF data turn."""

from __future__ import annotations

import io

import pytest
from annotation_builders import index, labelme, rectangle, voc
from PIL import Image, ImageOps
from upload_builders import (
    encoded,
    examples,
    finding,
    ingested,
    noticed,
    zipped,
)

from workers.datakit.boxes import turned

WIDTH, HEIGHT = 40, 30
PLACE = (4, 6, 10, 5)


def marked(orientation: int | None = None) -> tuple[bytes, Image.Image]:
    """A picture that is black but for PLACE, and the same as its EXIF orientation shows it."""
    image = Image.new("L", (WIDTH, HEIGHT))
    image.paste(255, (PLACE[0], PLACE[1], PLACE[0] + PLACE[2], PLACE[1] + PLACE[3]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(image, "PNG", exif=exif)
    with Image.open(io.BytesIO(content)) as opened:
        return content, ImageOps.exif_transpose(opened)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_follows_the_rotation_of_what_it_was_drawn_around(orientation):
    _, upright = marked(orientation)
    left, top, right, bottom = upright.getbbox()
    assert turned(PLACE, *upright.size, orientation) == (left, top, right - left, bottom - top)


def upload(orientation: int, annotation: dict[str, bytes]) -> bytes:
    plain, _ = marked(1)
    return zipped({"a.png": marked(orientation)[0], "b.png": plain, "b.xml": voc([("x", *PLACE)], "b.png"),
                   **annotation})  # fmt: skip


def boxes(artifacts) -> list:
    return next(row["boxes"] for row in index(artifacts) if row["original"] == "a.png")


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_of_the_stored_image_are_turned_and_that_is_said(tmp_path, orientation):
    files = {"a.xml": voc([("x", *PLACE)], "a.png", (WIDTH, HEIGHT))}
    result, artifacts = ingested(tmp_path, upload(orientation, files))
    left, top, right, bottom = marked(orientation)[1].getbbox()
    assert boxes(artifacts) == [[0, left, top, right - left, bottom - top]]
    assert examples(result, "boxes-turned") == ["a.png"]


def test_boxes_of_the_upright_image_stay(tmp_path):
    files = {"a.xml": voc([("x", *PLACE)], "a.png", (HEIGHT, WIDTH))}
    result, artifacts = ingested(tmp_path, upload(6, files))
    assert boxes(artifacts) == [[0, *PLACE]]
    assert "boxes-turned" not in noticed(result)


def test_where_the_size_does_not_tell_the_boxes_stay_and_that_is_said(tmp_path):
    files = {"a.xml": voc([("x", *PLACE)], "a.png", (WIDTH, HEIGHT))}
    result, artifacts = ingested(tmp_path, upload(3, files))
    assert boxes(artifacts) == [[0, *PLACE]]
    assert finding(result, "rotation-unsure")["level"] == "warn"


def test_labelme_draws_on_the_upright_image(tmp_path):
    content, _ = marked(3)
    annotation = labelme("a", [rectangle("x", *PLACE)], imageWidth=WIDTH, imageHeight=HEIGHT)
    result, artifacts = ingested(tmp_path, zipped({"a.png": content, "a.json": annotation}))
    assert boxes(artifacts) == [[0, *PLACE]]
    assert noticed(result) == ["converted"]
