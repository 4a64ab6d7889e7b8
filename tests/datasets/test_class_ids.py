"""Class ids that begin at 0 or at 1, in text files of boxes and in lists: one rule for both."""

from __future__ import annotations

import pytest
from annotation_builders import index, yolo_set
from upload_builders import finding, ingested, png, refused, zipped

from workers.datakit.readers.label_names import in_order

QUESTION = "say where ids begin"


def boxes(*ids: int, names: str = "bolt\nnut\n") -> bytes:
    """An image with one box for each id."""
    files = {f"images/{n}.png": png(n, (40, 30)) for n in range(len(ids))}
    files |= {f"labels/{n}.txt": f"{class_id} .5 .5 .5 .5".encode() for n, class_id in enumerate(ids)}
    return zipped({**files, "classes.txt": names.encode()})


def lists(*ids: int, names: str = "bolt\nnut\n") -> bytes:
    """Three images of each id."""
    rows = [(f"images/{class_id}_{n}.png", class_id) for class_id in ids for n in range(3)]
    files = {path: png(number) for number, (path, _) in enumerate(rows)}
    lines = "".join(f"{path} {class_id}\n" for path, class_id in rows)
    return zipped({**files, "train.txt": lines.encode(), "label.txt": names.encode()})


@pytest.mark.parametrize("upload", [boxes, lists])
@pytest.mark.parametrize(("ids", "begin"), [((0, 1), 0), ((1, 2), 1)])
def test_they_begin_where_every_id_has_a_name(tmp_path, upload, ids, begin):
    result, _ = ingested(tmp_path, upload(*ids))
    assert result["class_names"] == ["bolt", "nut"]
    assert result["reading"]["chosen"]["options"].get("ids_from", 0) == begin


@pytest.mark.parametrize("upload", [boxes, lists])
def test_an_id_that_has_no_name_is_asked_about(tmp_path, upload):
    assert QUESTION in refused(tmp_path, upload(0, 1, 2))


@pytest.mark.parametrize("upload", [boxes, lists])
def test_a_first_name_that_nothing_has_is_asked_about_unless_it_is_the_background(tmp_path, upload):
    assert "whether ids begin at 0 or at 1" in refused(tmp_path, upload(1, 2, names="bolt\nnut\nscrew\n"))
    (tmp_path / "second").mkdir()
    result, _ = ingested(tmp_path / "second", upload(1, 2, names="_background_\nbolt\nnut\n"))
    assert result["class_names"] == ["bolt", "nut"]


@pytest.mark.parametrize("upload", [boxes, lists])
@pytest.mark.parametrize(("begin", "meant"), [(0, ["nut", "screw"]), (1, ["bolt", "nut"])])
def test_a_person_says_where_they_begin(tmp_path, upload, begin, meant):
    given = upload(1, 2, names="bolt\nnut\nscrew\n")
    assert ingested(tmp_path, given, reading={"ids_from": begin})[0]["class_names"] == meant


def test_boxes_of_an_id_without_a_name_are_left_out_when_a_person_says_where_ids_begin(tmp_path):
    files = {**yolo_set(), "labels/train/a.txt": b"2 .5 .5 .1 .1\n0 .5 .5 .2 .2\n"}
    result, artifacts = ingested(tmp_path, zipped(files), reading={"ids_from": 0})
    found = finding(result, "class-id-out-of-range")
    assert (found["level"], found["count"]) == ("error", 1)
    assert found["examples"][0]["text"] == "labels/train/a.txt: 2 .5 .5 .1 .1"
    kept = next(row for row in index(artifacts) if row["original"].endswith("a.png"))
    assert kept["boxes"] == [[0, 16, 12, 8, 6]] and result["class_names"] == ["cat", "dog"]


def test_ids_that_a_yaml_file_writes_out_are_not_shifted(tmp_path):
    upload = {f"images/{n}.png": png(n, (40, 30)) for n in range(4)}
    upload |= {f"labels/{n}.txt": b"%d .5 .5 .5 .5" % (1 + n % 2) for n in range(4)}
    yaml = b"train: images\nval: images\nnames: {0: person, 1: bolt, 2: nut}\n"
    assert ingested(tmp_path, zipped({**upload, "data.yaml": yaml}))[0]["class_names"] == ["bolt", "nut"]


def test_names_without_images_say_nothing_about_where_ids_begin():
    assert in_order(["bolt", "nut"], "classes.txt", set()).ids_from is None
    assert in_order(["bolt", "nut"], "classes.txt", {1}).doubts == []
