"""LabelMe's JSON files, with shapes or with flags."""

from __future__ import annotations

import json

from .upload import HEIGHT, WIDTH, Box, Upload, layout
from .voc import stem


def labelme(path: str, boxes: list[Box], **changes: object) -> str:
    shapes = [
        {"label": name, "shape_type": "rectangle", "points": [[x, y], [x + w, y + h]], "flags": {}}
        for name, x, y, w, h in boxes
    ]
    whole = {"version": "5.2.1", "flags": {}, "shapes": shapes, "imagePath": path, "imageData": None}
    whole |= {"imageHeight": HEIGHT, "imageWidth": WIDTH} | changes
    return json.dumps(whole, ensure_ascii=False)


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


@layout
def labelme_side_by_side(upload: Upload) -> None:
    for path, boxes in upload.boxed("labelled", upload.classes(2)):
        upload.text(f"labelled/{stem(path)}.json", labelme(name_of(path), boxes))


@layout
def labelme_in_chinese(upload: Upload) -> None:
    """Paths of Windows, and files in GBK."""
    for path, boxes in upload.boxed("图片", ["划痕", "凹坑"], stem="样品{}".format):
        text = labelme(f"..\\图片\\{name_of(path)}", boxes)
        upload.text(f"标注/{stem(path)}.json", text, encoding="gb18030")


@layout
def labelme_in_splits(upload: Upload) -> None:
    for folder, split, first in (("train", "train", 0), ("val", "val", 50)):
        for path, boxes in upload.boxed(f"{folder}/images", ["bolt", "nut"], split=split, first=first):
            upload.text(f"{folder}/json/{stem(path)}.json", labelme(f"../images/{name_of(path)}", boxes))


@layout
def labelme_flags(upload: Upload) -> None:
    classes = upload.classes(3)
    for path, label in upload.labelled("images", classes):
        flags = {name: name == label for name in classes}
        upload.text(f"images/{stem(path)}.json", labelme(name_of(path), [], flags=flags))


@layout
def labelme_beside_class_folders(upload: Upload) -> None:
    """Boxes were drawn on all images of sorted folders: boxes and folders name the same classes."""
    for label in ("bolt", "nut"):
        for path, _ in upload.boxed(f"parts/{label}", [label], count=6):
            boxes = upload.boxes[path]
            upload.text(path.replace(".jpg", ".json"), labelme(name_of(path), boxes))
    upload.may_refuse = True


@layout
def labelme_cut_off_throughout(upload: Upload) -> None:
    for number in range(10):
        path = upload.image(f"d/{number}.jpg")
        upload.text(f"d/{number}.json", labelme(name_of(path), [("x", 5, 5, 20, 20)])[:-40])
    upload.must_not_be_ready = True


@layout
def labelme_with_one_file_cut_off(upload: Upload) -> None:
    pairs = upload.boxed("d", ["bolt", "nut"], count=12)
    for path, boxes in pairs:
        upload.text(f"d/{stem(path)}.json", labelme(name_of(path), boxes))
    broken = pairs[4][0]
    upload.files[f"d/{stem(broken)}.json"] = b'{"version": "5.2.1", "imagePath": "x.jpg", "shapes": ['
    del upload.boxes[broken]


@layout
def labelme_with_pictures_of_its_masks(upload: Upload) -> None:
    """labelme_json_to_dataset: a folder for each file, with copies of the image."""
    for path, boxes in upload.boxed("data", ["bolt", "nut"]):
        upload.text(f"data/{stem(path)}.json", labelme(name_of(path), boxes))
        folder = f"data/{stem(path)}_json"
        upload.image(f"{folder}/img.png")
        upload.mask(f"{folder}/label.png")
        upload.image(f"{folder}/label_viz.png")
        upload.text(f"{folder}/label_names.txt", ["_background_", "bolt", "nut"])
