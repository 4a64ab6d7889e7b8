"""Exports: what goes out and comes in again is the same version, and nothing is held in memory."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile

import pytest
from annotation_builders import BOXES, SIZE, coco_set, pictures
from upload_builders import ingested, pack_reader, png, zipped

from workers.datakit.export import FORMATS, ExportError, export
from workers.datakit.index import ImageRow, Index, write_index
from workers.datakit.readers import LAYOUTS

CASES = [(name, task) for name, tasks in FORMATS.items() for task in tasks]
PICTURES = "abcefghijk"
HARD_NAMES = {"1 front": 3, "a & b <c>": 4, "no": 5, '大 猫, "x"': 3}
UPLOADS = {
    "classification": zipped({f"{name}/{i}.png": png(100 * k + i) for k, name in enumerate(HARD_NAMES)
                              for i in range(HARD_NAMES[name])}),
    "detection": zipped({**coco_set(), **pictures("images/", "efghijk"),
                         "annotations/instances_train2017.json": json.dumps({
        "images": [{"id": n, "file_name": f"{n}.png", "width": SIZE[0], "height": SIZE[1]} for n in PICTURES],
        "categories": [{"id": k, "name": name} for k, name in enumerate(["cat", "dog", *HARD_NAMES], 1)],
        "annotations": [
            {"image_id": name, "category_id": 1 if box[0] == "cat" else 2, "bbox": box[1:]}
            for name in "abc" for box in BOXES[name]
        ] + [{"image_id": "e", "category_id": k, "bbox": [k + 0.37, 3.33, 7.77, 20.01]} for k in range(3, 7)]
          + [{"image_id": name, "category_id": 1, "bbox": [2, 3, 20, 10]} for name in "fghijk"],
    }).encode()}),
}  # fmt: skip


def exported(artifacts, format: str) -> bytes:
    with Index(artifacts / "index.sqlite") as index:
        return b"".join(export(index, pack_reader(artifacts), format))


@pytest.mark.parametrize("drawn", [{}, {"split": "stratified", "test_fraction": 0.3}], ids=["", "with test"])
@pytest.mark.parametrize("format, task", CASES)
def test_an_export_that_is_uploaded_again_is_the_same_version(tmp_path, format, task, drawn):
    for name in ("first", "again"):
        (tmp_path / name).mkdir()
    result, artifacts = ingested(tmp_path / "first", UPLOADS[task], **drawn)
    assert result["task"] == task and bool(result["test"]) == bool(drawn)
    content = exported(artifacts, format)
    again, _ = ingested(tmp_path / "again", content)
    kept = ("content_hash", "task", "class_names", "counts", "images", "train", "val", "test", "bytes")
    assert {key: again[key] for key in kept} == {key: result[key] for key in kept}
    assert again["split"] == "given"
    assert {item["code"] for item in again["findings"]} <= {item["code"] for item in result["findings"]}
    assert content == exported(artifacts, format)


def test_every_format_has_the_name_of_its_layout():
    assert set(FORMATS) <= set(LAYOUTS)


def test_an_export_is_a_zip_that_every_tool_opens(tmp_path):
    _, artifacts = ingested(tmp_path, UPLOADS["detection"])
    with zipfile.ZipFile(io.BytesIO(exported(artifacts, "voc"))) as archive:
        assert archive.testzip() is None
        assert "ImageSets/Main/train.txt" in archive.namelist()


@pytest.mark.parametrize("upload, format, expected", [
    ("classification", "cvat", "no export format called 'cvat'"),
    ("classification", "coco", "cannot hold a classification set: use folders, csv, paddlex, labelme"),
    ("detection", "folders", "cannot hold a detection set: use paddlex, labelme, coco, voc, yolo"),
])  # fmt: skip
def test_what_cannot_be_exported_is_refused_before_the_first_byte(tmp_path, upload, format, expected):
    _, artifacts = ingested(tmp_path, UPLOADS[upload])
    with Index(artifacts / "index.sqlite") as index, pytest.raises(ExportError) as refusal:
        export(index, pack_reader(artifacts), format)
    assert expected in str(refusal.value) and str(refusal.value).endswith(".")


@pytest.mark.parametrize("name", ["a/b", "a\\b", ".hidden", " car", "__MACOSX"])
def test_class_names_that_are_no_folder_names_are_refused(tmp_path, name):
    write_index(tmp_path / "index.sqlite", ["ok", name], "classification", [])
    with Index(tmp_path / "index.sqlite") as index, pytest.raises(ExportError, match="name of a folder"):
        export(index, iter, "folders")


def test_memory_does_not_grow_with_the_images(tmp_path):
    size = 1024 * 1024
    images = [ImageRow(f"{n}.bmp", f"{n:064x}", "a", n * size, size, ".bmp", 1, 1, "train", class_id=0)
              for n in range(40)]  # fmt: skip
    write_index(tmp_path / "index.sqlite", ["a"], "classification", images)
    del images
    tracemalloc.start()
    with Index(tmp_path / "index.sqlite") as index:
        read = lambda wanted: ((image, bytes(image.size)) for image in wanted)  # noqa: E731
        total = sum(len(block) for block in export(index, read, "paddlex"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total > 40 * size and peak < 10 * size


def test_an_image_that_is_cut_short_in_storage_ends_the_export(tmp_path):
    _, artifacts = ingested(tmp_path, UPLOADS["classification"])
    with Index(artifacts / "index.sqlite") as index, pytest.raises(ExportError, match="damaged"):
        b"".join(export(index, lambda images: ((image, b"cut") for image in images), "csv"))
