"""A whole set with a file of another format in it, which belongs to it or not."""

from __future__ import annotations

from .coco import coco
from .labelme import labelme
from .tables import by_name, name_of
from .upload import Upload, layout
from .voc import stem, voc
from .yolo import lines


@layout
def one_xml_in_class_folders(upload: Upload) -> None:
    upload.folders("set", ["bolt", "nut"], each=8)
    first = next(iter(upload.labels))
    upload.text(f"set/bolt/{stem(first)}.xml", voc(first, [("scratch", 5, 5, 20, 20)]))


@layout
def one_labelme_file_in_class_folders(upload: Upload) -> None:
    upload.folders("set", ["bolt", "nut"], each=8)
    first = next(iter(upload.labels))
    upload.text(f"set/bolt/{stem(first)}.json", labelme(name_of(first), [("scratch", 5, 5, 20, 20)]))


@layout
def a_table_of_boxes_beside_class_folders(upload: Upload) -> None:
    upload.folders("set/train", ["bolt", "nut"], split="train")
    upload.folders("set/val", ["bolt", "nut"], each=3, split="val", first=50)
    titles = ["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"]
    rows = [[name_of(path), 48, 40, label, 5, 5, 20, 20] for path, label in list(upload.labels.items())[:3]]
    upload.table("set/boxes.csv", titles, rows)


@layout
def classes_txt_beside_class_folders(upload: Upload) -> None:
    upload.folders("set", ["bolt", "nut"])
    upload.text("set/classes.txt", ["bolt", "nut"])
    upload.text("set/notes.txt", ["taken with the old camera"])


@layout
def a_broken_json_beside_class_folders(upload: Upload) -> None:
    upload.folders("set", ["bolt", "nut"])
    upload.text("set/index.json", '{"images": [{"id": 1, "file_na')


@layout
def a_broken_xml_beside_class_folders(upload: Upload) -> None:
    upload.folders("set", ["bolt", "nut"])
    upload.text("set/export.xml", "<annotation><filename>")


@layout
def lists_of_a_toolkit_beside_class_folders(upload: Upload) -> None:
    """requirements.txt and train.txt of an earlier project, which lists other files."""
    upload.folders("set", ["bolt", "nut"])
    upload.text("train.txt", (f"old/{n}.jpg {n % 3}" for n in range(9)))
    upload.text("requirements.txt", "paddlex==3.0\n")


@layout
def a_broken_json_beside_coco(upload: Upload) -> None:
    classes = ["bolt", "nut"]
    pairs = upload.boxed("images", classes)
    upload.json("annotations/instances.json", coco(pairs, classes, "images/"))
    upload.text("annotations/instances_old.json", '{"images": [], "annotations": [], "categories": [')


@layout
def a_hostile_xml_beside_yolo(upload: Upload) -> None:
    """An XML file that declares entities is read by nobody, and ends nothing."""
    classes = ["bolt", "nut"]
    for path, boxes in upload.boxed("images", classes):
        upload.text(f"labels/{stem(path)}.txt", lines(boxes, classes))
    upload.text("classes.txt", classes)
    upload.text(
        "index.xml", '<!DOCTYPE a [<!ENTITY b "c">]><annotation><filename>&b;</filename></annotation>'
    )


@layout
def package_json_beside_yolo(upload: Upload) -> None:
    classes = ["bolt", "nut"]
    for split, first in (("train", 0), ("val", 50)):
        for path, boxes in upload.boxed(f"{split}/images", classes, split=split, first=first):
            upload.text(f"{split}/labels/{stem(path)}.txt", lines(boxes, classes))
    upload.text("data.yaml", "train: train/images\nval: val/images\nnames: [bolt, nut]\n")
    upload.json("package.json", {"name": "viewer", "images": [], "annotations": {}, "categories": 3})
    upload.text("docker-compose.yml", "services: {web: {image: x}}\n")


@layout
def a_table_of_classes_beside_coco(upload: Upload) -> None:
    classes = ["bolt", "nut"]
    for name, split, first in (("train", "train", 0), ("valid", "val", 50)):
        pairs = upload.boxed(name, classes, split=split, first=first)
        upload.json(f"{name}/_annotations.coco.json", coco(pairs, classes, f"{name}/"))
    upload.table("classes.csv", ["id", "name"], [[1, "bolt"], [2, "nut"]])


@layout
def a_plain_text_called_csv(upload: Upload) -> None:
    upload.folders("set", ["bolt", "nut"])
    upload.files["set/log.csv"] = bytes(range(256)) * 8


@layout
def a_table_with_a_thousand_columns(upload: Upload) -> None:
    """Features of each image beside its label."""
    pairs = upload.labelled("images", ["bolt", "nut"], each=8)
    titles = ["filename", "label", *(f"f{n}" for n in range(998))]
    rows = [[name, label, *([0.25] * 998)] for name, label in by_name(pairs)]
    upload.table("features.csv", titles, rows)
    upload.may_refuse = True
