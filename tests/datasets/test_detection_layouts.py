"""Detection sets: each layout is found by looking, its boxes are kept, and what is wrong is said."""

from __future__ import annotations

import base64
import json

import pytest
from annotation_builders import (
    BOXES,
    SETS,
    SIZE,
    boxes_of,
    coco,
    coco_set,
    index,
    labelme,
    labelme_set,
    pictures,
    rectangle,
    voc,
    voc_set,
    yolo,
    yolo_set,
)
from upload_builders import (
    examples,
    finding,
    ingested,
    noticed,
    png,
    refused,
    zipped,
)


@pytest.mark.parametrize("prefix", ["", "我的数据/"])
@pytest.mark.parametrize("files", SETS.values(), ids=SETS.keys())
def test_every_layout_gives_the_same_boxes_split_and_content(tmp_path, files, prefix):
    result, artifacts = ingested(tmp_path, zipped({prefix + name: data for name, data in files.items()}))
    assert result["task"] == "detection" and result["class_names"] == ["cat", "dog"]
    assert boxes_of(result, artifacts) == BOXES
    assert (result["split"], result["train"], result["val"]) == ("given", 3, 1)
    assert result["counts"][0] == {"name": "cat", "train": 2, "val": 0, "test": 0, "total": 2, "boxes": 3}
    assert not noticed(result)


def test_the_same_boxes_in_any_layout_are_the_same_version(tmp_path):
    hashes = set()
    for number, files in enumerate(SETS.values()):
        (tmp_path / str(number)).mkdir()
        hashes.add(ingested(tmp_path / str(number), zipped(files))[0]["content_hash"])
    assert len(hashes) == 1
    (tmp_path / "moved").mkdir()
    moved = {**BOXES, "d": [("dog", 11, 10, 8, 8)]}
    files = {**coco_set(), "annotations/instances_val2017.json": coco(moved, "d")}
    assert ingested(tmp_path / "moved", zipped(files))[0]["content_hash"] not in hashes


def test_a_detection_set_lists_images_without_a_class(tmp_path):
    _, artifacts = ingested(tmp_path, zipped(coco_set()))
    rows = index(artifacts)
    assert all(row["class_id"] is None for row in rows)


def test_class_names_of_ones_own_go_to_the_boxes(tmp_path):
    result, artifacts = ingested(tmp_path, zipped(coco_set()), class_names=["dog", "cat"], class_count=2)
    assert result["class_names"] == ["dog", "cat"]
    assert {name: sorted(boxes) for name, boxes in boxes_of(result, artifacts).items()} == BOXES


PLACES = {
    "of which one is a NaN": ((float("nan"), 1, 2, 3), None, "box-not-a-number"),
    "of which one is without end": ((1, 1, float("inf"), 3), None, "box-not-a-number"),
    "of which one is a word": (("left", 1, 2, 3), None, "box-not-a-number"),
    "written as text": (("1", "2", "10", "12"), (1, 2, 10, 12), None),
    "without a width": ((5, 5, 0, 9), None, "box-empty"),
    "with a width below nothing": ((20, 5, -10, 9), (10, 5, 10, 9), "box-inverted"),
    "outside": ((50, 5, 10, 9), None, "box-outside"),
    "far outside": ((-1e300, 5, 10, 9), None, "box-outside"),
    "over the edge": ((30, 20, 20, 20), (30, 20, 10, 10), "box-over-edge"),
    "a pixel over the edge": ((30, 20, 11, 10), (30, 20, 10, 10), None),
    "of two pixels": ((3, 3, 2, 2), (3, 3, 2, 2), "box-tiny"),
}  # fmt: skip


@pytest.mark.parametrize("place, kept, code", PLACES.values(), ids=PLACES.keys())
def test_a_box_is_corrected_or_left_out_and_its_image_named(tmp_path, place, kept, code):
    annotation = {"id": 1, "image_id": ord("a"), "category_id": 1, "bbox": list(place)}
    whole = json.loads(coco(BOXES, "bcd"))
    whole["images"].append({"id": ord("a"), "file_name": "a.png", "width": 40, "height": 30})
    whole["annotations"].append(annotation)
    result, artifacts = ingested(tmp_path, zipped({**pictures(), "x.json": json.dumps(whole).encode()}))
    assert boxes_of(result, artifacts)["a"] == ([("cat", *kept)] if kept else [])
    if code:
        assert [text.partition(":")[0] for text in examples(result, code)] == ["a.png"]


def annotation(**changes) -> dict:
    return {"id": 99, "image_id": ord("a"), "category_id": 1, "bbox": [1, 1, 9, 9], **changes}


def added(key: str, *rows: dict) -> bytes:
    whole = json.loads(coco(BOXES))
    whole[key] += rows
    return zipped({**pictures(), "coco.json": json.dumps(whole).encode()})


CODES = {
    "COCO, a category that nothing has": (
        added("categories", {"id": 3, "name": "cow"}), "unused-categories", "warn", "cow"),
    "COCO, a category that is not named": (
        added("annotations", annotation(category_id=7)), "unknown-categories", "error", "category id 7"),
    "COCO, an image that is missing": (
        added("images", {"id": 7, "file_name": "gone.png"}), "missing-images", "warn", "gone.png"),
    "COCO, an annotation for another image": (
        added("annotations", annotation(image_id=7)), "annotations-without-image", "warn", "image id 7"),
    "COCO, an annotation without a box": (
        added("annotations", annotation(bbox=[1])), "annotations-without-box", "warn", "annotation 99"),
    "COCO, a crowd": (added("annotations", annotation(iscrowd=1)), "crowds-left-out", "info", None),
    "COCO, ids as text": (
        added("annotations", annotation(image_id="97", category_id="1")), "ids-as-text", "info", "97"),
    "COCO, an image id twice": (
        added("images", {"id": 97, "file_name": "b.png"}), "same-image-id", "warn", "b.png (97)"),
    "COCO, one image under two ids": (
        added("images", {"id": 7, "file_name": "b.png"}), "annotated-twice", "warn", "b.png"),
    "COCO, a category twice": (
        added("categories", {"id": 3, "name": "cat"}), "same-category-twice", "warn", "coco.json"),
    "COCO, a box twice": (
        added("annotations", annotation(bbox=[1, 2, 10, 12])), "box-twice", "warn", "a.png"),
    "COCO, another size": (
        zipped({**coco_set(), "images/a.png": png(5, (20, 10))}), "size-differs", "warn",
        "images/a.png: 20×10, annotated as 40×30"),
    "COCO, an image in no list": (
        zipped({**coco_set(), "images/z.png": png(5)}), "unlisted-images", "info", "images/z.png"),
    "VOC, an XML that is none": (
        zipped({**voc_set(), "VOC2007/Annotations/a.xml": b"<annotation>"}), "bad-xml", "warn", None),
    "VOC, an XML of something else": (
        zipped({**voc_set(), "pom.xml": b"<project/>"}), "other-xml", "info", "pom.xml"),
    "VOC, an image that is missing": (
        zipped({**voc_set(), "e.xml": voc([], "e.png")}), "missing-images", "warn", "e.png"),
    "VOC, an object without a box": (
        zipped({**voc_set(), "VOC2007/Annotations/a.xml": voc([], "a.png").replace(
            b"</annotation>", b"<object><name>cat</name></object></annotation>")}),
        "annotations-without-box", "warn", "VOC2007/Annotations/a.xml"),
    "VOC, an image without objects": (
        zipped({**voc_set(), "VOC2007/Annotations/d.xml": voc([], "d.png")}),
        "images-without-boxes", "info", "VOC2007/JPEGImages/d.png"),
    "VOC, text in place of a number": (
        zipped({**voc_set(), "VOC2007/Annotations/d.xml": voc([], "d.png").replace(
            b"</annotation>",
            b"<object><name>cat</name><bndbox><xmin>a</xmin></bndbox></object></annotation>")}),
        "box-not-a-number", "warn", "VOC2007/JPEGImages/d.png"),
    "YOLO, a class id below nothing": (
        zipped({**yolo_set(), "labels/train/a.txt": b"-1 .5 .5 .1 .1\n"}), "class-id-out-of-range", "error",
        None),
    "YOLO, half a class": (
        zipped({**yolo_set(), "labels/train/a.txt": b"0.5 .5 .5 .1 .1\n"}), "bad-lines", "warn", None),
    "YOLO, labels that are no text": (
        zipped({**yolo_set(), "labels/train/a.txt": b"\xff\xfe\x00\x81"}), "bad-lines", "warn", None),
    "YOLO, a line too short": (
        zipped({**yolo_set(), "labels/train/a.txt": b"0 .5 .5\n"}), "bad-lines", "warn", None),
    "YOLO, pixels in place of parts": (
        zipped({**yolo_set(), "labels/train/a.txt": b"0 20 15 8 6\n"}), "box-outside", "warn", None),
    "YOLO, a NaN": (
        zipped({**yolo_set(), "labels/train/a.txt": b"0 nan .5 .1 .1\n"}), "box-not-a-number", "warn", None),
    "YOLO, an outline": (
        zipped({**yolo_set(), "labels/train/a.txt": b"0 .1 .1 .5 .1 .5 .5\n"}), "outlines-boxed", "info",
        None),
    "YOLO, a score": (
        zipped({**yolo_set(), "labels/train/a.txt": b"0 .5 .5 .1 .1 .99\n"}), "scores-left-out", "info",
        None),
    "YOLO, labels without an image": (
        zipped({**yolo_set(), "labels/train/z.txt": b"0 .5 .5 .1 .1\n"}), "annotations-without-image", "warn",
        "labels/train/z.txt"),
    "YOLO, another number of classes": (
        zipped({**yolo_set(), "data.yaml": b"train: x\nnc: 3\nnames: [cat, dog]\n"}),
        "class-count-differs", "warn", None),
    "YOLO, no names": (
        zipped({name: data for name, data in yolo_set().items() if name != "data.yaml"}),
        "no-label-file", "warn", None),
    "LabelMe, an outline": (
        zipped({**labelme_set(), "train/a.json": labelme("a", [
            {"label": "cat", "shape_type": "polygon", "points": [[1, 1], [9, 4], [5, 12]]}])}),
        "outlines-boxed", "info", "train/a.json"),
    "LabelMe, a line": (
        zipped({**labelme_set(), "train/a.json": labelme("a", [
            {"label": "cat", "shape_type": "line", "points": [[1, 1], [9, 4]]}])}),
        "shapes-left-out", "info", "train/a.json: line"),
    "LabelMe, points that are none": (
        zipped({**labelme_set(), "train/a.json": labelme("a", [
            {"label": "cat", "shape_type": "rectangle", "points": [[1], None]}])}),
        "box-not-a-number", "warn", "train/a.png"),
    "LabelMe, a shape without a label": (
        zipped({**labelme_set(), "train/a.json": labelme("a", [rectangle("", 1, 1, 5, 5)])}),
        "shapes-without-label", "warn", "train/a.json"),
    "LabelMe, a JSON that is none": (
        zipped({**labelme_set(), "train/a.json": labelme("a", [])[:-5]}), "bad-json", "warn", None),
    "LabelMe, another JSON": (
        zipped({**labelme_set(), "package.json": b"{}"}), "other-json", "info", "package.json"),
    "classes spelled in two ways": (
        zipped({**labelme_set(), "train/a.json": labelme("a", [rectangle("Cat", 1, 1, 5, 5)])}),
        "class-name-collision", "error", None),
}  # fmt: skip


@pytest.mark.parametrize("upload, code, level, example", CODES.values(), ids=CODES.keys())
def test_what_is_wrong_with_annotations_is_a_finding(tmp_path, upload, code, level, example):
    found = finding(ingested(tmp_path, upload)[0], code)
    assert found["level"] == level and "{" not in found["message"] and found["message"].endswith(".")
    if example:
        assert example in [text["text"] for text in found["examples"]]


YAML_BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n" % (b + 1, b + 1, *([b] * 8)) for b in range(97, 110)
) + b"names: *n\ntrain: x\n"  # fmt: skip
XML_BOMB = (
    b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (c + 1, b"&%c;" % c * 10) for c in range(97, 110))
    + b"]><annotation><filename>&n;</filename></annotation>"
)
FOREIGN_FILE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>'

REFUSED = {
    "an XML bomb": (zipped({**voc_set(), "VOC2007/Annotations/a.xml": XML_BOMB}), "XML bombs"),
    "an XML that reads a file": (
        zipped({**voc_set(), "VOC2007/Annotations/a.xml": FOREIGN_FILE}), "XML bombs"),
    "an XML without end": (
        zipped({**voc_set(), "VOC2007/Annotations/a.xml": b"<annotation>" + b" " * 5_000_000}), "4.0 MB"),
    "a YAML bomb": (zipped({**yolo_set(), "data.yaml": YAML_BOMB}), "no list of class names"),
    "YOLO names that are none": (
        zipped({**yolo_set(), "data.yaml": b"train: x\nnames: 7\n"}), "no list of class names"),
    "YOLO ids without end": (
        zipped({**yolo_set(), "data.yaml": b"train: x\nnames: {999999999: cat}\n"}),
        "no list of class names"),
    "COCO without its images": (
        zipped({"z.png": png(1), "x.json": coco(BOXES)}), "None of the images"),
    "COCO with no images at all": (zipped({"x.json": coco(BOXES)}), "holds no images"),
    "COCO without boxes": (
        zipped({**pictures(), "x.json": coco(BOXES, annotations=[])}), "no box that can be used"),
    "COCO whose lists are none": (
        zipped({**pictures(), "x.json": coco(BOXES, images="many")}), "no list called 'images'"),
    "COCO cut short": (zipped({**pictures(), "x.json": coco(BOXES)[:-9]}), "not valid JSON"),
    "COCO nested without end": (
        zipped({**pictures(), "x.json": b'{"images":0,"annotations":0,"categories":' + b"[" * 99_999}),
        "nested too deep"),
    "COCO with a number of 10,000 digits": (
        zipped({**pictures(), "x.json": coco(BOXES).replace(b"[1, 2,", b"[1" + b"0" * 10_000 + b", 2,")}),
        "not valid JSON"),
    "COCO that is not text": (
        zipped({**pictures(), "x.json": b'\xff\xff"images" "annotations" "categories"'}),
        "not readable text"),
    "a class name with a control character": (
        zipped({**pictures(), "x.json": coco(BOXES, categories=[{"id": 1, "name": "a\nb"}])}),
        "control character"),
    "LabelMe shapes and flags": (
        zipped({**labelme_set(), "train/a.json": labelme("a", [], flags={"cat": True})}),
        "labelme-boxes or labelme-flags"),
    "a CSV of boxes on other images": (
        zipped({**pictures(), "x.csv": b"filename,class,xmin,ymin,xmax,ymax\nz.png,cat,1,1,2,2\n"}),
        "None of the images"),
}  # fmt: skip


@pytest.mark.parametrize("upload, expected", REFUSED.values(), ids=REFUSED.keys())
def test_it_refuses_annotations_that_cannot_be_used(tmp_path, upload, expected):
    message = refused(tmp_path, upload)
    assert expected in message
    assert message.endswith(".") and "\n" not in message and len(message) < 400


FOREIGN = {
    "an XML beside COCO": ({**coco_set(), "a.xml": voc([], "a.png")}, "COCO", "Pascal VOC (a.xml)"),
    "a JSON beside YOLO": (
        {**yolo_set(), "images/train/a.json": labelme("a", [])}, "YOLO", "LabelMe (images/train/a.json)"),
    "a list beside COCO": (
        {**coco_set(), "train.txt": b"images/a.png 0\n"}, "COCO", "PaddleX lists (train.txt)"),
    "a table of boxes beside Pascal VOC": (
        {**voc_set(), "data/labels.csv": b"filename,class,xmin,ymin,xmax,ymax\na.png,cat,1,1,2,2\n"},
        "Pascal VOC", "table of boxes"),
    "a COCO file cut short beside Pascal VOC": (
        {**voc_set(), "x.json": coco(BOXES)[:-9]}, "Pascal VOC", "COCO (x.json)"),
    "a LabelMe file that is none beside YOLO": (
        {**yolo_set(), "odd.json": b'{"imagePath": "", "shapes": ['}, "YOLO", "LabelMe (odd.json)"),
}  # fmt: skip


@pytest.mark.parametrize("files, layout, left_out", FOREIGN.values(), ids=FOREIGN.keys())
def test_one_foreign_file_does_not_refuse_a_whole_set(tmp_path, files, layout, left_out):
    result, artifacts = ingested(tmp_path, zipped(files))
    assert result["layout"] == layout and boxes_of(result, artifacts) == BOXES
    assert examples(result, "other-formats")[0].startswith(left_out)


def test_of_two_layouts_the_person_chooses_one(tmp_path):
    moved = {name: [(label, x + 4, y, w, h) for label, x, y, w, h in boxes] for name, boxes in BOXES.items()}
    files = {**voc_set(), "coco.json": coco(moved), "VOC2007/JPEGImages/e.png": png(1)}
    message = refused(tmp_path, zipped(files))
    assert "COCO (coco.json) and Pascal VOC (VOC2007/Annotations/a.xml)" in message
    assert "choose the format coco or voc" in message
    for layout, name in (("coco", "COCO"), ("voc", "Pascal VOC")):
        (tmp_path / layout).mkdir()
        result, artifacts = ingested(tmp_path / layout, zipped(files), layout=layout)
        expected = moved if layout == "coco" else BOXES
        kept = {name for name, boxes in expected.items() if all(x + w <= 40 for _, x, _, w, _ in boxes)}
        found = boxes_of(result, artifacts)
        assert result["layout"] == name and {key: found[key] for key in kept} == {
            key: expected[key] for key in kept
        }


def test_two_layouts_that_say_the_same_are_no_question(tmp_path):
    result, artifacts = ingested(tmp_path, zipped({**voc_set(), "coco.json": coco(BOXES)}))
    assert boxes_of(result, artifacts) == BOXES and "other-formats" in noticed(result)


def test_class_folders_may_be_chosen_against_annotations(tmp_path):
    files = {**pictures("cat/", "ab"), **pictures("dog/", "cd"), "x.json": coco(BOXES)}
    result, _ = ingested(tmp_path, zipped(files), layout="folders")
    assert (result["task"], result["layout"]) == ("classification", "class folders")


def test_a_layout_that_is_none_or_not_there_is_refused(tmp_path):
    assert "There is no format called 'kitti'" in refused(tmp_path, zipped(coco_set()), layout="kitti")
    (tmp_path / "two").mkdir()
    assert "no file of the upload is in it" in refused(tmp_path / "two", zipped(pictures()), layout="coco")


def test_other_files_of_coco_beside_the_instances_are_not_read(tmp_path):
    files = {**coco_set(), "annotations/person_keypoints_train2017.json": coco(BOXES, "abc")}
    result, _ = ingested(tmp_path, zipped(files))
    assert not noticed(result)


def test_an_outline_without_a_box_gives_the_box_around_it(tmp_path):
    files = {**pictures(), "x.json": coco(BOXES, annotations=[
        annotation(bbox=None, segmentation=[[2, 3, 12, 3, 12, 13]])])}  # fmt: skip
    result, artifacts = ingested(tmp_path, zipped(files))
    assert boxes_of(result, artifacts)["a"] == [("cat", 2, 3, 10, 10)]


def test_images_of_one_name_in_two_splits_are_told_apart(tmp_path):
    files = {"train/1.png": png(1, SIZE), "val/1.png": png(2, SIZE)}
    for split, box in (("train", [1, 1, 9, 9]), ("val", [2, 2, 8, 8])):
        image = {"id": 1, "file_name": "1.png", "width": 40, "height": 30}
        files[f"annotations/instances_{split}.json"] = coco(
            BOXES, images=[image], annotations=[annotation(image_id=1, bbox=box)]
        )
    _, artifacts = ingested(tmp_path, zipped(files))
    rows = {row["original"]: row["boxes"] for row in index(artifacts)}
    assert rows == {"train/1.png": [[0, 1, 1, 9, 9]], "val/1.png": [[0, 2, 2, 8, 8]]}


def test_yolo_names_are_read_from_classes_txt_and_lists_give_the_split(tmp_path):
    files = pictures("obj_train_data/")
    files |= {f"obj_train_data/{name}.txt": yolo(boxes) for name, boxes in BOXES.items()}
    files |= {"classes.txt": b"cat\ndog\n", "train.txt": b"data/a.png\ndata/b.png\ndata/c.png\n"}
    files["val.txt"] = b"data\\d.png\r\n"
    files = {name.replace("obj_train_data", "obj"): data for name, data in files.items()}
    result, artifacts = ingested(tmp_path, zipped(files))
    assert boxes_of(result, artifacts) == BOXES and (result["split"], result["val"]) == ("given", 1)


def test_labelme_written_on_windows_and_embedded_images_are_read(tmp_path):
    files = pictures("images/", "ab")
    for name in "ab":
        shapes = [rectangle(*box) for box in BOXES[name]]
        files[f"annotations/{name}.json"] = labelme(name, shapes, imagePath=f"..\\images\\{name}.png")
    for name in "cd":
        content = base64.b64encode(png(100 + ord(name), SIZE)).decode()
        shapes = [rectangle(*box) for box in BOXES[name]]
        files[f"annotations/{name}.json"] = labelme(name, shapes, imageData=content)
    files["annotations/e.json"] = labelme("e", [rectangle("dog", 1, 1, 9, 9)], imageData="no picture")
    result, artifacts = ingested(tmp_path, zipped(files))
    assert boxes_of(result, artifacts) == BOXES
    assert "annotations/e.json" in examples(result, "undecodable")[0]


def test_corners_of_labelme_come_in_any_order_and_circles_are_boxed(tmp_path):
    shapes = [
        {"label": "cat", "shape_type": "rectangle", "points": [[11, 14], [1, 2]]},
        {"label": "dog", "shape_type": "circle", "points": [[20, 15], [23, 19]]},
    ]
    result, artifacts = ingested(tmp_path, zipped({**pictures("", "a"), "a.json": labelme("a", shapes)}))
    assert boxes_of(result, artifacts)["a"] == [("cat", 1, 2, 10, 12), ("dog", 15, 10, 10, 10)]
