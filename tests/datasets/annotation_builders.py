"""Detection sets made for tests: two pictures' worth of boxes, written as each layout writes them."""

from __future__ import annotations

import json
from pathlib import Path

from upload_builders import (
    index,
    png,
)

SIZE = (40, 30)
Boxes = dict[str, list[tuple[str, float, float, float, float]]]  # image name: (class, left, top, w, h)
BOXES: Boxes = {
    "a": [("cat", 1, 2, 10, 12), ("dog", 20, 5, 15.5, 20.25)],
    "b": [("dog", 0, 0, 40, 30)],
    "c": [("cat", 4, 4, 6, 6), ("cat", 12, 4, 6, 6)],
    "d": [("dog", 10, 10, 8, 8)],
}
SPLITS = {"a": "train", "b": "train", "c": "train", "d": "val"}


def pictures(folder: str = "", names: str = "abcd", by_split: bool = False) -> dict[str, bytes]:
    return {
        f"{SPLITS[name] + '/' if by_split else ''}{folder}{name}.png": png(100 + ord(name), SIZE)
        for name in names
    }


def coco(boxes: Boxes, names: str = "abcd", **changes) -> bytes:
    """A COCO file; ``changes`` replace its lists."""
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    ids = {"cat": 1, "dog": 2}
    images = [{"id": ord(n), "file_name": f"{n}.png", "width": SIZE[0], "height": SIZE[1]} for n in names]
    annotations = [
        {"id": 10 * ord(name) + k, "image_id": ord(name), "category_id": ids[box[0]], "bbox": list(box[1:]),
         "iscrowd": 0, "segmentation": [[1, 1, 5, 1, 5, 5]]}
        for name in names for k, box in enumerate(boxes[name])
    ]  # fmt: skip
    whole = {"images": images, "annotations": annotations, "categories": categories}
    return json.dumps({**whole, **changes}).encode()


def coco_set(**changes) -> dict[str, bytes]:
    return {
        **pictures("images/"),
        "annotations/instances_train2017.json": coco(BOXES, "abc", **changes),
        "annotations/instances_val2017.json": coco(BOXES, "d"),
    }


def voc(boxes: list[tuple], filename: str, size: tuple[int, int] = SIZE) -> bytes:
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin>"
        f"<xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>"
        for name, x, y, w, h in boxes
    )
    shape = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    return f"<annotation><filename>{filename}</filename>{shape}{objects}</annotation>".encode()


def voc_set() -> dict[str, bytes]:
    files = pictures("VOC2007/JPEGImages/")
    files |= {f"VOC2007/Annotations/{name}.xml": voc(boxes, f"{name}.png") for name, boxes in BOXES.items()}
    return files | {
        "VOC2007/ImageSets/Main/train.txt": b"a\nb\nc\n",
        "VOC2007/ImageSets/Main/val.txt": b"d\n",
        "VOC2007/ImageSets/Main/trainval.txt": b"a\nb\nc\nd\n",
        "VOC2007/ImageSets/Main/cat_train.txt": b"a 1\nb -1\nc 1\n",
    }


def yolo(boxes: list[tuple], names: tuple[str, ...] = ("cat", "dog")) -> bytes:
    width, height = SIZE
    return "".join(
        f"{names.index(name)} {(x + w / 2) / width:.9g} {(y + h / 2) / height:.9g} "
        f"{w / width:.9g} {h / height:.9g}\n"
        for name, x, y, w, h in boxes
    ).encode()


def yolo_set(style: str = "images/train") -> dict[str, bytes]:
    files = {"data.yaml": b"train: images/train\nval: images/val\nnc: 2\nnames: [cat, dog]\n"}
    for name, boxes in BOXES.items():
        split = SPLITS[name]
        image, label = {
            "images/train": (f"images/{split}/{name}.png", f"labels/{split}/{name}.txt"),
            "train/images": (f"{split}/images/{name}.png", f"{split}/labels/{name}.txt"),
            "side by side": (f"{split}/{name}.png", f"{split}/{name}.txt"),
        }[style]
        files |= {image: png(100 + ord(name), SIZE), label: yolo(boxes)}
    return files


def labelme(name: str, shapes: list[dict], **changes) -> bytes:
    whole = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": f"{name}.png",
             "imageData": None, "imageHeight": SIZE[1], "imageWidth": SIZE[0]}  # fmt: skip
    return json.dumps({**whole, **changes}).encode()


def rectangle(label: str, x: float, y: float, w: float, h: float) -> dict:
    return {"label": label, "shape_type": "rectangle", "points": [[x, y], [x + w, y + h]], "flags": {}}


def labelme_set() -> dict[str, bytes]:
    files = pictures(by_split=True)
    for name, boxes in BOXES.items():
        files[f"{SPLITS[name]}/{name}.json"] = labelme(name, [rectangle(*box) for box in boxes])
    return files


SETS = {
    "COCO": coco_set(),
    "Pascal VOC": voc_set(),
    "YOLO, images/train": yolo_set(),
    "YOLO, train/images": yolo_set("train/images"),
    "YOLO, side by side": yolo_set("side by side"),
    "LabelMe": labelme_set(),
}


def boxes_of(result: dict, artifacts: Path) -> Boxes:
    """Return the boxes by the images' names, as BOXES has them."""
    found: Boxes = {}
    for row in index(artifacts):
        name = row["original"].rpartition("/")[2].rpartition(".")[0]
        found[name] = [(result["class_names"][box[0]], *box[1:]) for box in row["boxes"]]
    return found
