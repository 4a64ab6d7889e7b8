"""An upload that can be read in more than one way, from the command line: nothing is guessed."""

import json

import pytest

from portal.datasets.models import Dataset, DatasetVersion
from tests.cli.conftest import make_images
from tests.factories import png

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("portal")]
VOC = """<annotation><filename>{name}.png</filename><size><width>16</width><height>16</height>
<depth>3</depth></size><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object>
</annotation>"""


@pytest.fixture
def boxes(tmp_path):
    """Images with boxes in two formats that contradict each other."""
    folder = tmp_path / "boxes"
    folder.mkdir()
    images = []
    for number in range(6):
        (folder / f"{number}.png").write_bytes(png((40 * number, 9, 7)))
        (folder / f"{number}.xml").write_text(VOC.format(name=number))
        images.append({"id": number, "file_name": f"{number}.png", "width": 16, "height": 16})
    marks = [{"id": n, "image_id": n, "category_id": 1, "bbox": [8, 8, 4, 4], "area": 16} for n in range(6)]
    told = {"images": images, "annotations": marks, "categories": [{"id": 1, "name": "dog"}]}
    (folder / "coco.json").write_text(json.dumps(told))
    return folder


def test_an_upload_in_doubt_ends_with_a_code_of_its_own_and_says_what_to_do(slipway, boxes):
    answer = slipway("dataset", "push", boxes, "--name", "Boxes")
    assert answer.code == 7
    assert "COCO" in answer.err and "Pascal VOC" in answer.err
    assert "slipway dataset confirm Boxes@v1 --format FORMAT" in answer.err
    assert len(answer.err.strip().splitlines()[-1]) > 20
    assert DatasetVersion.objects.get().in_review
    # What is in doubt is not what a run or an export takes.
    assert slipway("dataset", "export", "Boxes").code == 4


def test_the_doubt_is_settled_by_a_format(slipway, boxes):
    slipway("dataset", "push", boxes, "--name", "Boxes")
    answer = slipway("dataset", "confirm", "Boxes", "--format", "coco", "--json")
    assert answer.code == 0, answer.err
    assert (answer.json["state"], answer.json["class_names"]) == ("ready", ["dog"])
    assert Dataset.objects.get().reading["options"] == {"as": "coco"}
    # The next upload is read as this one was, unless it says otherwise.
    (boxes / "5.png").write_bytes(png((240, 9, 7)))
    answer = slipway("dataset", "push", boxes, "--name", "Boxes", "--json")
    assert answer.code == 0 and answer.json["class_names"] == ["dog"]
    assert answer.json["reading"]["remembered"]["version"] == 1
    answer = slipway("dataset", "push", boxes, "--name", "Boxes", "--format", "voc", "--json")
    assert answer.code == 0 and answer.json["class_names"] == ["cat"]
    assert slipway("dataset", "push", boxes, "--name", "Boxes", "--fresh").code == 7


def test_said_at_once_the_format_leaves_no_doubt(slipway, boxes):
    answer = slipway("dataset", "push", boxes, "--name", "Boxes", "--format", "voc", "--json")
    assert answer.code == 0 and answer.json["state"] == "ready"


def test_a_dry_run_prints_the_reading_and_makes_no_version(slipway, boxes, pets):
    answer = slipway("dataset", "push", pets, "--name", "Pets", "--dry-run")
    assert answer.code == 0, answer.err
    assert answer.json["chosen"]["format"] == "folders" and answer.json["certain"]
    assert [row["name"] for row in answer.json["chosen"]["classes"]] == ["cat", "dog"]
    answer = slipway("dataset", "push", boxes, "--dry-run", "--json")
    assert answer.code == 7 and not answer.json["certain"]
    assert not DatasetVersion.objects.exists() and not Dataset.objects.exists()
    assert slipway("dataset", "push", pets, "--dry-run", "--no-wait").code == 2


def test_a_dry_run_of_what_cannot_be_used_leaves_nothing_either(slipway, tmp_path):
    answer = slipway("dataset", "push", make_images(tmp_path / "one", classes=["cat"]), "--dry-run")
    assert answer.code == 6
    assert not DatasetVersion.objects.exists()


def test_a_person_is_waited_for_when_that_is_asked_for(slipway, pets):
    answer = slipway("dataset", "push", pets, "--name", "Pets", "--review")
    assert answer.code == 7 and "10 images" in answer.out
    assert slipway("dataset", "reading", "Pets").json["state"] == "review"
    assert slipway("dataset", "confirm", "Pets").code == 0
    assert slipway("dataset", "show", "Pets", "--json").json["state"] == "ready"
    assert slipway("dataset", "confirm", "Pets").code == 4
    assert slipway("dataset", "confirm", "Pets@v1").code == 6


def test_an_upload_is_discarded(slipway, pets):
    slipway("dataset", "push", pets, "--name", "Pets", "--review")
    assert slipway("dataset", "discard", "Pets").code == 0
    assert not DatasetVersion.objects.exists()


def test_a_role_that_is_none_is_refused_before_anything_is_sent(slipway, pets):
    answer = slipway("dataset", "push", pets, "--role", "cat")
    assert answer.code == 2 and "seg_train=split:train" in answer.err
    assert slipway("dataset", "push", pets, "--role", "cat=split:papyrus").code == 6
    assert not DatasetVersion.objects.exists()
