"""Classification sets that are annotated rather than sorted: LabelMe flags and CSV tables."""

from __future__ import annotations

import pytest
from annotation_builders import index, labelme
from upload_builders import (
    examples,
    finding,
    ingested,
    noticed,
    png,
    refused,
    zipped,
)

LABELS = {"a": "cat", "b": "cat", "c": "dog", "d": "dog", "e": "cat", "f": "dog"}


def images(folder: str = "images/", names: str = "abcdef") -> dict[str, bytes]:
    return {f"{folder}{name}.png": png(ord(name)) for name in names}


def flagged(name: str, *raised: str, **changes) -> bytes:
    flags = {flag: flag in raised for flag in ("cat", "dog", "cow")}
    return labelme(name, [], flags=flags, imagePath=f"..\\images\\{name}.png", **changes)


def flag_set() -> dict[str, bytes]:
    return images() | {f"annotations/{name}.json": flagged(name, label) for name, label in LABELS.items()}


def labels_of(result: dict, artifacts) -> dict[str, str]:
    return {
        row["original"].rpartition("/")[2].partition(".")[0]: result["class_names"][row["class_id"]]
        for row in index(artifacts)
    }


def test_labelme_flags_are_classes(tmp_path):
    result, artifacts = ingested(tmp_path, zipped(flag_set()))
    assert (result["task"], result["layout"]) == ("classification", "LabelMe flags")
    assert labels_of(result, artifacts) == LABELS and noticed(result) == []


def test_flags_txt_gives_the_order_of_the_classes(tmp_path):
    files = {**flag_set(), "flags.txt": b"dog\ncow\ncat\n"}
    result, artifacts = ingested(tmp_path, zipped(files))
    assert result["class_names"] == ["dog", "cat"] and labels_of(result, artifacts) == LABELS
    assert examples(result, "empty-classes") == ["cow"]


def test_images_with_no_flag_or_two_are_named(tmp_path):
    files = flag_set() | images(names="gh")
    files |= {"annotations/g.json": flagged("g"), "annotations/h.json": flagged("h", "cat", "dog")}
    result, _ = ingested(tmp_path, zipped(files))
    assert result["images"] == 6
    assert examples(result, "no-flag") == ["annotations/g.json"]
    assert examples(result, "two-labels") == ["annotations/h.json: cat, dog"]


def test_lists_of_labelme_files_give_the_split(tmp_path):
    files = flag_set() | {
        "train_anno_list.txt": "".join(f"annotations/{name}.json\n" for name in "abcd").encode(),
        "val_anno_list.txt": b"annotations\\e.json\r\nannotations\\f.json\r\n",
    }
    result, _ = ingested(tmp_path, zipped(files))
    assert (result["split"], result["train"], result["val"]) == ("given", 4, 2)


ROWS = [(f"images/{name}.png", label) for name, label in LABELS.items()]


def table(*lines: str) -> dict[str, bytes]:
    return images() | {"labels.csv": "\n".join(lines).encode()}


TABLES = {
    "with titles": table("path,label", *(f"{path},{label}" for path, label in ROWS)),
    "without titles": table(*(f"{path},{label}" for path, label in ROWS)),
    "the label first": table(*(f"{label},{path}" for path, label in ROWS)),
    "titles not known": table("Bild,Art", *(f"{path},{label}" for path, label in ROWS)),
    "Chinese titles": table("文件名,标签", *(f"{path},{label}" for path, label in ROWS)),
    "semicolons": table("filename;class", *(f"{path};{label}" for path, label in ROWS)),
    "tabs": table("filename\tclass", *(f"{path}\t{label}" for path, label in ROWS)),
    "quotes and other columns": table(
        "id,note,Image,Label", *(f'{i},"a, b","{path}","{label}"' for i, (path, label) in enumerate(ROWS))
    ),
    "names alone": table("file,label", *(f"{path[7:]},{label}" for path, label in ROWS)),
    "names without a suffix": table("id,label", *(f"{path[7:-4]},{label}" for path, label in ROWS)),
    "Windows paths": table("path,label", *(f"C:\\data\\images\\{p[7:]},{label}\r" for p, label in ROWS)),
    "empty lines and blanks": table("path , label", "", *(f" {path} , {label} " for path, label in ROWS), ""),
    "UTF-16": images()
    | {"labels.csv": "\n".join(["path,label", *(f"{p},{label}" for p, label in ROWS)]).encode("utf-16")},
}


@pytest.mark.parametrize("files", TABLES.values(), ids=TABLES.keys())
def test_a_table_of_path_and_label_is_read_however_it_is_written(tmp_path, files):
    result, artifacts = ingested(tmp_path, zipped(files))
    assert (result["task"], result["layout"]) == ("classification", "CSV")
    assert labels_of(result, artifacts) == LABELS and noticed(result) == []


def test_a_split_column_or_a_table_for_each_split_is_the_given_split(tmp_path):
    sides = ["train", "Train", "training", "train", "val", "valid"]
    lines = [f"{path},{label},{side}" for (path, label), side in zip(ROWS, sides, strict=True)]
    for name, files in {
        "column": table("path,label,split", *lines),
        "tables": images()
        | {
            "train.csv": "\n".join(f"{p},{label}" for p, label in ROWS[:4]).encode(),
            "val.csv": "\n".join(f"{p},{label}" for p, label in ROWS[4:]).encode(),
        },
    }.items():
        (tmp_path / name).mkdir()
        result, _ = ingested(tmp_path / name, zipped(files))
        assert (result["split"], result["train"], result["val"]) == ("given", 4, 2)


def test_rows_that_are_no_rows_and_images_that_are_missing_are_reported(tmp_path):
    rows = (f"{path},{label}" for path, label in ROWS)
    extra = ("images/a.png,dog", "images/gone.png,cat", "images/b.png,", "images/c.png,dog")
    result, _ = ingested(tmp_path, zipped(table("path,label", *rows, *extra)))
    assert examples(result, "two-labels") == ["images/a.png"]
    assert examples(result, "missing-images") == ["images/gone.png"]
    assert finding(result, "bad-lines")["count"] == 1 and finding(result, "listed-twice")["count"] == 1
    assert result["images"] == 5


def test_a_table_of_other_things_does_not_hide_class_folders(tmp_path):
    files = {f"{label}/{name}.png": png(ord(name)) for name, label in LABELS.items()}
    files["people.csv"] = b"name,class\nAnna,7b\nOtto,7c\n"
    assert ingested(tmp_path, zipped(files))[0]["layout"] == "class folders"


REFUSED = {
    "a field without end": (
        table("path,label", 'images/a.png,"' + "x" * 200_000), "no table that can be read"),
    "a table whose images are missing": (
        {"z.png": png(1), "labels.csv": b"path,label\na.png,cat\n"}, "None of the images"),
    "flags whose images are missing": (
        {"z.png": png(1), "a.json": flagged("a", "cat")}, "None of the images"),
    "one class": (table(*(f"{path},cat" for path, _ in ROWS)), "only one class (cat)"),
    "labels of blanks": (
        table("path,label", *(f"{path},\u2028" for path, _ in ROWS)), "no column of it says their class"),
}  # fmt: skip


@pytest.mark.parametrize("files, expected", REFUSED.values(), ids=REFUSED.keys())
def test_it_refuses_labels_that_cannot_be_used(tmp_path, files, expected):
    message = refused(tmp_path, zipped(files))
    assert expected in message and message.endswith(".") and "\n" not in message
