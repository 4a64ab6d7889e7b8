"""A staged dataset of boxes, and a spec that trains a detector on it."""

from __future__ import annotations

import json
from pathlib import Path

from workers.train.yaml_files import CONFIGS, load_yaml

from .conftest import make_spec, png

SIDE = 64  # pixels of an image
RECIPE = load_yaml(CONFIGS / "models" / "picodet_xs.yaml")
NAMES = ["方块", "a long name"]


def stage_boxes(
    folder: Path, train: list[list[int]], val: list[list[int]], test: list[list[int]] = ()
) -> Path:
    """Stage gray images, one for each list of the classes of its boxes."""
    (folder / "images").mkdir(parents=True)
    (folder / "annotations").mkdir()
    number = 0
    for split, wanted in (("train", train), ("val", val), ("test", test)):
        images, annotations = [], []
        for labels in wanted:
            number += 1
            name = f"{number:06d}.png"
            (folder / "images" / name).write_bytes(png(SIDE, SIDE, 40 * number % 256))
            images.append({"id": number, "file_name": name, "width": SIDE, "height": SIDE})
            for place, label in enumerate(labels):
                box = [4 + 20 * place, 8, 16, 24]
                annotations.append(
                    {"id": len(annotations) + 1, "image_id": number, "category_id": label, "bbox": box,
                     "area": box[2] * box[3], "iscrowd": 0, "segmentation": []}
                )  # fmt: skip
        if wanted:
            categories = [
                {"id": label, "name": name, "supercategory": ""} for label, name in enumerate(NAMES)
            ]
            content = {"categories": categories, "images": images, "annotations": annotations}
            (folder / "annotations" / f"instance_{split}.json").write_text(json.dumps(content))
            (folder / f"{split}.txt").write_text("".join(f"images/{one['file_name']}\n" for one in images))
    return folder


def box_spec(dataset: Path, **params) -> dict:
    """A spec of the smallest detector; keyword arguments replace its parameters."""
    wanted = {"task": "detection", "recipe": RECIPE, "input_size": [192, 192], "augmentation": "signs"}
    return make_spec(dataset, NAMES, **{**wanted, **params})
