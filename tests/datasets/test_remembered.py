"""An upload is read as the dataset's earlier versions were; one that does not fit is asked about."""

import pytest
from annotation_builders import BOXES, coco, voc_set
from upload_builders import ingested, png, two_classes, zipped

MOVED = {name: [(label, x + 4, y, w, h) for label, x, y, w, h in boxes] for name, boxes in BOXES.items()}
BOTH = {**voc_set(), "coco.json": coco(MOVED), "VOC2007/JPEGImages/e.png": png(1)}


def read(tmp_path, files, options, format, said=None):
    remembered = {"options": options, "format": format, "version": 1}
    result, _ = ingested(tmp_path, zipped(files), doubt="wait", remembered=remembered, reading=said)
    return result


@pytest.mark.parametrize("key, name", [("coco", "COCO"), ("voc", "Pascal VOC")])
def test_what_was_confirmed_settles_the_same_doubt_again(tmp_path, key, name):
    result = read(tmp_path, BOTH, {"as": key}, key)
    assert (result["layout"], result["certain"]) == (name, True)


def test_what_is_said_now_goes_before_what_is_remembered(tmp_path):
    result = read(tmp_path, BOTH, {"as": "coco"}, "coco", said={"as": "voc"})
    assert (result["layout"], result["certain"]) == ("Pascal VOC", True)


def test_an_upload_that_does_not_fit_is_looked_at_anew_and_asked_about(tmp_path):
    result = read(tmp_path, two_classes(), {"as": "coco"}, "coco")
    assert (result["layout"], result["certain"]) == ("class folders", False)
    assert "Earlier versions of this dataset were read as COCO" in result["reading"]["question"]


def test_another_format_than_before_is_asked_about_although_nothing_was_said(tmp_path):
    result = read(tmp_path, voc_set(), {}, "folders")
    assert not result["certain"] and "read as Pascal VOC" in result["reading"]["question"]


def test_the_same_format_as_before_is_no_question(tmp_path):
    assert read(tmp_path, two_classes(), {}, "folders")["certain"]


@pytest.mark.parametrize(
    "remembered", [{"options": {"as": "papyrus"}, "format": "papyrus"}, {"options": 3}, []]
)
def test_what_this_release_does_not_understand_is_forgotten(tmp_path, remembered):
    result, _ = ingested(tmp_path, zipped(two_classes()), remembered=remembered)
    assert result["certain"]
