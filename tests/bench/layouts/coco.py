"""COCO's JSON files and what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .upload import HEIGHT, WIDTH, Box, Upload, layout

Pairs = list[tuple[str, list[Box]]]


def coco(pairs: Pairs, classes: Sequence[str], below: str = "", first: int = 1) -> dict[str, Any]:
    """A COCO file whose paths begin below the folder ``below``; ids of categories begin at ``first``."""
    images, annotations = [], []
    for number, (path, boxes) in enumerate(pairs, 1):
        written = path.removeprefix(below)
        images.append({"id": number, "file_name": written, "width": WIDTH, "height": HEIGHT})
        for name, *place in boxes:
            row = {"id": len(annotations) + 1, "image_id": number, "category_id": classes.index(name) + first}
            row |= {"bbox": place, "area": place[2] * place[3], "iscrowd": 0, "segmentation": []}
            annotations.append(row)
    categories = [{"id": n, "name": name, "supercategory": ""} for n, name in enumerate(classes, first)]
    return {"images": images, "annotations": annotations, "categories": categories}


@layout
def coco_2017(upload: Upload) -> None:
    classes = upload.classes(3)
    for name, split, first in (("train2017", "train", 0), ("val2017", "val", 50)):
        pairs = upload.boxed(name, classes, split=split, stem="{:012d}".format, first=first)
        content = coco(pairs, classes, f"{name}/")
        upload.json(f"annotations/instances_{name}.json", content)
        captions = [{"id": n, "image_id": n, "caption": "A thing."} for n in range(1, 9)]
        upload.json(
            f"annotations/captions_{name}.json", {"images": content["images"], "annotations": captions}
        )
    upload.unlabelled("test2017", 3)


@layout
def coco_of_roboflow(upload: Upload) -> None:
    """A first category of no box stands for all of them."""
    classes = ["pests", "aphid", "beetle"]
    for folder, split, first in (("train", "train", 0), ("valid", "val", 50), ("test", "test", 80)):
        pairs = upload.boxed(folder, classes[1:], split=split, stem="p{0}_jpg.rf.{0:08x}".format, first=first)
        upload.json(f"{folder}/_annotations.coco.json", coco(pairs, classes, f"{folder}/", first=0))
    upload.text("README.roboflow.txt", "Exported.\n")


@layout
def coco_with_the_same_names_in_subfolders(upload: Upload) -> None:
    classes = upload.classes(2)
    pairs = upload.boxed("images/a", classes, stem="{:03d}".format)
    pairs += upload.boxed("images/b", classes, stem="{:03d}".format)
    upload.json("annotations/instances_default.json", coco(pairs, classes, "images/"))


@layout
def coco_beside_its_images(upload: Upload) -> None:
    """labelme2coco."""
    classes = upload.classes(2)
    pairs = upload.boxed("out/JPEGImages", classes)
    upload.json("out/annotations.json", coco(pairs, classes, "out/"))
    for path, _ in pairs:
        upload.image(path.replace("JPEGImages", "Visualization"))


@layout
def coco_with_names_that_begin_with_numbers(upload: Upload) -> None:
    classes = ["1 Euro", "2 Euro", "50 Cent"]
    upload.json("annotations.json", coco(upload.boxed("images", classes), classes))


@layout
def coco_of_paddle(upload: Upload) -> None:
    """PaddleX: images in one folder, train.json and val.json in another."""
    classes = ["划痕", "凹坑"]
    for name, split, first in (("train", "train", 0), ("val", "val", 50)):
        pairs = upload.boxed("images", classes, split=split, first=first)
        upload.json(f"annotations/instance_{name}.json", coco(pairs, classes, "images/"))


@layout
def coco_with_answers_of_a_model(upload: Upload) -> None:
    """The answers are a list of boxes with scores: no truth."""
    classes = upload.classes(2)
    pairs = upload.boxed("images", classes)
    upload.json("annotations/instances.json", coco(pairs, classes, "images/"))
    answers = [{"image_id": n, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.4} for n in range(1, 9)]
    upload.json("results/bbox_results.json", answers)


@layout
def coco_cut_off(upload: Upload) -> None:
    classes = upload.classes(2)
    upload.json("annotations/instances_default.json", coco(upload.boxed("images", classes), classes))
    path = "annotations/instances_default.json"
    upload.files[path] = upload.files[path][:-300]
    upload.must_not_be_ready = True


@layout
def coco_without_boxes_of_its_test(upload: Upload) -> None:
    classes = upload.classes(2)
    for name, split, first in (("train", "train", 0), ("val", "val", 50)):
        pairs = upload.boxed(name, classes, split=split, first=first)
        upload.json(f"annotations/{name}.json", coco(pairs, classes, f"{name}/"))
    test = [(path, []) for path in upload.unlabelled("test", 4)]
    upload.json("annotations/image_info_test.json", coco(test, classes, "test/"))
    upload.boxes |= {path: [] for path, _ in test}
    upload.splits |= {path: "test" for path, _ in test}
    upload.optional |= {path for path, _ in test}


@layout
def coco_beside_class_folders(upload: Upload) -> None:
    """Crops of the objects lie in class folders beside the annotated images: either could be meant."""
    classes = ["bolt", "nut"]
    pairs = upload.boxed("images", classes, count=10)
    upload.json("annotations.json", coco(pairs, classes, "images/"))
    upload.folders("crops", classes, labelled=False)
    upload.may_refuse = True
