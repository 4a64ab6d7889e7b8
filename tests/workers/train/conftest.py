"""Fixtures of the training worker's tests: a recipe, a staged data set and a spec that trains on it."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

RECIPE = {
    "name": "pp_lcnet_x0_25",
    "title": "PP-LCNet x0.25",
    "task": "classification",
    "model": "PP-LCNet_x0_25",
    "architecture": "PPLCNet_x0_25",
    "input_size": [224, 224],
    "input_sizes": [[64, 64], [96, 64], [224, 224]],
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "defaults": {"weight_decay": 0.00003, "warmup_epochs": 2, "label_smoothing": 0.1},
}


def png(width: int, height: int, shade: int) -> bytes:
    """Return a grey PNG of one shade, made with the standard library only."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([shade]) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def stage(folder: Path, class_names: list[str], train: int, val: int) -> Path:
    """Stage a data set whose classes differ in brightness, with that many images of each class."""
    (folder / "images").mkdir(parents=True)
    lines: dict[str, list[str]] = {"train": [], "val": []}
    for label in range(len(class_names)):
        for part, count in (("train", train), ("val", val)):
            for number in range(count):
                name = f"images/{part}-{label}-{number}.png"
                shade = label * 255 // max(1, len(class_names) - 1)
                (folder / name).write_bytes(png(8 + number % 3, 8, shade))
                lines[part].append(f"{name} {label}\n")
    for part, content in lines.items():
        (folder / f"{part}.txt").write_text("".join(content), encoding="utf-8")
    labels = "".join(f"{number} {name}\n" for number, name in enumerate(class_names))
    (folder / "label.txt").write_text(labels, encoding="utf-8")
    return folder


def make_spec(dataset: Path, class_names: list[str], **params) -> dict:
    """Return a train spec as the portal writes it; keyword arguments replace its parameters."""
    inputs = {"dataset": str(dataset), "pretrained": None, "resume": None}
    inputs.update({name: params.pop(name) for name in tuple(params) if name in inputs})
    return {
        "schema": 1,
        "kind": "train",
        "inputs": inputs,
        "params": {
            "task": "classification",
            "recipe": RECIPE,
            "num_classes": len(class_names),
            "class_names": class_names,
            "input_size": [64, 64],
            "epochs": 12,
            "batch_size": 64,
            "learning_rate": 0.1,
            "augmentation": "symbols",
            "seed": 0,
            "checkouts": {},
            "device": "cpu",
            "pretrained_notice": None,
            **params,
        },
    }


@pytest.fixture
def dataset(tmp_path):
    """A staged data set of two classes, 200 training and 8 validation images each."""
    return stage(tmp_path / "dataset", ["off", "on"], train=200, val=8)


@pytest.fixture
def spec(dataset):
    return make_spec(dataset, ["off", "on"])
