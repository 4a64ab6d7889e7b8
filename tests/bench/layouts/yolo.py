"""YOLO's text files and what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence

from .upload import HEIGHT, WIDTH, Box, Upload, layout
from .voc import stem


def lines(boxes: list[Box], classes: Sequence[str], base: int = 0, score: str = "") -> list[str]:
    return [
        f"{classes.index(name) + base} {(x + w / 2) / WIDTH:.6f} {(y + h / 2) / HEIGHT:.6f} "
        f"{w / WIDTH:.6f} {h / HEIGHT:.6f}{score}"
        for name, x, y, w, h in boxes
    ]


def _write(upload: Upload, classes: Sequence[str], images: str, labels: str, **how: object) -> list[str]:
    paths = []
    for path, boxes in upload.boxed(images, classes, **how):
        upload.text(f"{labels}/{stem(path)}.txt", lines(boxes, classes))
        paths.append(path)
    return paths


@layout
def yolo_of_ultralytics(upload: Upload) -> None:
    classes = upload.classes(3)
    for split, first in (("train", 0), ("val", 50)):
        _write(upload, classes, f"images/{split}", f"labels/{split}", split=split, first=first)
        upload.files[f"labels/{split}.cache"] = b"\x93NUMPY"
    names = "".join(f"  {n}: '{name}'\n" for n, name in enumerate(classes))
    upload.text("data.yaml", f"path: ../datasets/x\ntrain: images/train\nval: images/val\nnames:\n{names}")


@layout
def yolo_of_roboflow(upload: Upload) -> None:
    classes = ["aphid", "beetle"]
    for folder, split, first in (("train", "train", 0), ("valid", "val", 50), ("test", "test", 80)):
        stem_of = "p{0}_jpg.rf.{0:08x}".format
        _write(
            upload, classes, f"{folder}/images", f"{folder}/labels", split=split, stem=stem_of, first=first
        )
    upload.text(
        "data.yaml", "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['aphid', 'beetle']\n"
    )
    upload.text("README.dataset.txt", "x\n")


@layout
def yolo_of_darknet(upload: Upload) -> None:
    classes = ["bolt", "nut"]
    paths = _write(upload, classes, "obj_train_data", "obj_train_data")
    upload.text("obj.names", classes)
    upload.text("obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n")
    upload.text("train.txt", (f"data/{path}" for path in paths))


@layout
def yolo_with_classes_txt(upload: Upload) -> None:
    """labelImg: the names stand beside the boxes."""
    classes = upload.classes(2)
    _write(upload, classes, "images", "images")
    upload.text("images/classes.txt", classes)


@layout
def yolo_of_label_studio(upload: Upload) -> None:
    classes = ["nut", "bolt"]
    _write(upload, classes, "images", "labels", stem="a1b2c3d4-IMG_{}".format)
    upload.text("classes.txt", classes)
    upload.json(
        "notes.json", {"categories": [{"id": 0, "name": "nut"}, {"id": 1, "name": "bolt"}], "info": {}}
    )


@layout
def yolo_with_names_that_begin_with_numbers(upload: Upload) -> None:
    classes = ["1 Euro", "2 Euro", "50 Cent"]
    _write(upload, classes, "images", "labels")
    upload.text("classes.txt", classes)


@layout
def yolo_with_numbered_names(upload: Upload) -> None:
    """Each line of classes.txt is an id and a name."""
    classes = ["bolt", "nut", "washer"]
    _write(upload, classes, "images", "labels")
    upload.text("classes.txt", (f"{n} {name}" for n, name in enumerate(classes)))


@layout
def yolo_labels_with_a_prefix(upload: Upload) -> None:
    classes = ["bolt", "nut"]
    for number, (path, boxes) in enumerate(upload.boxed("images", classes)):
        upload.text(f"labels/{number:08x}-{stem(path)}.txt", lines(boxes, classes))
    upload.text("classes.txt", classes)
    upload.may_refuse = True


@layout
def yolo_ids_from_one(upload: Upload) -> None:
    """Two names and the ids 1 and 2: read by position they name one class wrongly and lose the other."""
    classes = ["bolt", "nut"]
    for path, boxes in upload.boxed("images", classes):
        upload.text(f"labels/{stem(path)}.txt", lines(boxes, classes, base=1))
    upload.text("classes.txt", classes)


@layout
def yolo_ids_from_one_with_yaml(upload: Upload) -> None:
    classes = ["bolt", "nut", "washer"]
    for path, boxes in upload.boxed("train/images", classes):
        upload.text(f"train/labels/{stem(path)}.txt", lines(boxes, classes, base=1))
    upload.text("data.yaml", "train: train/images\nval: train/images\nnc: 3\nnames: [bolt, nut, washer]\n")


@layout
def yolo_ids_from_one_with_numbered_names(upload: Upload) -> None:
    classes = ["bolt", "nut", "washer"]
    for path, boxes in upload.boxed("images", classes):
        upload.text(f"labels/{stem(path)}.txt", lines(boxes, classes, base=1))
    upload.text("classes.txt", (f"{n} {name}" for n, name in enumerate(classes, 1)))


@layout
def yolo_of_more_ids_than_names(upload: Upload) -> None:
    classes = ["bolt", "nut", "washer"]
    _write(upload, classes, "images", "labels", count=9)
    upload.text("classes.txt", classes[:2])
    upload.must_not_be_ready = True


@layout
def yolo_without_boxes_of_the_background(upload: Upload) -> None:
    """A name for the background stands first, and no box has its id."""
    classes = ["bolt", "nut"]
    for path, boxes in upload.boxed("images", classes):
        upload.text(f"labels/{stem(path)}.txt", lines(boxes, classes, base=1))
    upload.text("classes.txt", ["_background_", *classes])


@layout
def yolo_without_boxes_of_the_first_name(upload: Upload) -> None:
    """Do ids begin at 1, and is the last class without boxes, or the first one?"""
    classes = ["bolt", "nut"]
    for path, boxes in upload.boxed("images", classes):
        upload.text(f"labels/{stem(path)}.txt", lines(boxes, classes, base=1))
    upload.text("classes.txt", [*classes, "washer"])
    upload.must_not_be_ready = True


@layout
def yolo_with_backgrounds(upload: Upload) -> None:
    """Images without objects have an empty file, or none."""
    _write(upload, ["bolt", "nut"], "images", "labels", count=10)
    for number in range(4):
        path = upload.image(f"images/background_{number}.jpg")
        upload.boxes[path] = []
        if number % 2:
            upload.text(f"labels/background_{number}.txt", "")
    upload.text("data.yaml", "train: images\nval: images\nnc: 2\nnames: [bolt, nut]\n")


@layout
def yolo_with_answers_of_a_model(upload: Upload) -> None:
    """``yolo predict`` wrote labels of the same names, with scores."""
    classes = ["bolt", "nut"]
    for path, boxes in upload.boxed("data/images", classes):
        upload.text(f"data/labels/{stem(path)}.txt", lines(boxes, classes))
        wrong = [(name, x + 2, y + 2, w, h) for name, x, y, w, h in boxes]
        upload.text(f"runs/detect/predict/labels/{stem(path)}.txt", lines(wrong, classes, score=" 0.71"))
    upload.text("data/data.yaml", "train: images\nval: images\nnames: [bolt, nut]\n")


@layout
def yolo_classification_folders(upload: Upload) -> None:
    """Ultralytics' classification sets are folders, though a YAML file may lie beside."""
    classes = upload.classes(3)
    for folder, split, each, first in (("train", "train", 5, 0), ("val", "val", 2, 50)):
        upload.folders(f"cls/{folder}", classes, each, split, first=first)
    upload.text("cls/data.yaml", "train: train\nval: val\nnames: [" + ", ".join(map(repr, classes)) + "]\n")


@layout
def labels_of_kitti(upload: Upload) -> None:
    """Text files of the images' names that are no YOLO: name first, corners in pixels."""
    for number in range(8):
        upload.image(f"training/image_2/{number:06d}.png")
        line = "Car 0.00 0 -1.57 5.00 6.00 30.00 28.00 1.6 1.5 3.9 1.0 1.7 10.2 -1.5"
        upload.text(f"training/label_2/{number:06d}.txt", [line])
    upload.must_not_be_ready = True


@layout
def labels_of_dota(upload: Upload) -> None:
    """Text files with four corners, a name and a difficulty."""
    for number in range(8):
        upload.image(f"train/images/P{number:04d}.png")
        head = ["imagesource:GoogleEarth", "gsd:0.146"]
        upload.text(f"train/labelTxt/P{number:04d}.txt", [*head, "5 5 30 5 30 25 5 25 plane 0"])
    upload.must_not_be_ready = True


@layout
def labels_of_visdrone(upload: Upload) -> None:
    """left,top,width,height,score,class,truncation,occlusion in pixels."""
    for number in range(8):
        upload.image(f"VisDrone2019-DET-train/images/0000_{number}.jpg")
        upload.text(f"VisDrone2019-DET-train/annotations/0000_{number}.txt", ["5,6,20,22,1,4,0,0"])
    upload.must_not_be_ready = True
