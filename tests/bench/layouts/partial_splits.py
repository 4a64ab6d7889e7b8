"""Sets with a split of their own in which some images stand in no split."""

from __future__ import annotations

from .tables import by_name
from .upload import Upload, layout
from .voc import stem, voc
from .yolo import lines


def _with_column(upload: Upload, sizes: dict[str, int]) -> list[list[str]]:
    """Draw a table's rows with the given number of images a class in each split; "" is none."""
    classes, rows, first = upload.classes(2), [], 0
    for side, each in sizes.items():
        pairs = upload.labelled("images", classes, each=each, split=side or None, first=first)
        rows += [[*row, side] for row in by_name(pairs)]
        first += len(pairs)
    return rows


@layout
def a_split_column_with_an_empty_field(upload: Upload) -> None:
    rows = _with_column(upload, {"train": 12, "val": 4})
    path = upload.image("images/late.jpg", rows[0][1])
    upload.optional.add(path)
    upload.table("labels.csv", ["filename", "label", "split"], [*rows, ["late.jpg", rows[0][1], ""]])


@layout
def a_split_column_that_is_half_empty(upload: Upload) -> None:
    rows = _with_column(upload, {"train": 6, "val": 3, "": 9})
    upload.table("labels.csv", ["filename", "label", "split"], rows)
    upload.must_not_be_ready = True


@layout
def a_split_column_that_marks_validation_alone(upload: Upload) -> None:
    rows = _with_column(upload, {"train": 8, "val": 3})
    marked = [[name, label, side if side == "val" else ""] for name, label, side in rows]
    upload.table("labels.csv", ["filename", "label", "split"], marked)


@layout
def a_table_of_all_beside_tables_of_splits(upload: Upload) -> None:
    classes, rows = upload.classes(2), []
    for split, each, first in (("train", 8, 0), ("val", 3, 50)):
        pairs = upload.labelled("images", classes, each=each, split=split, first=first)
        upload.table(f"splits/{split}.csv", ["filename", "label"], by_name(pairs))
        rows += by_name(pairs)
    upload.table("all_labels.csv", ["filename", "label"], rows)


@layout
def yolo_with_a_figure_at_the_top(upload: Upload) -> None:
    classes = upload.classes(2)
    for split, first in (("train", 0), ("val", 50)):
        for path, boxes in upload.boxed(f"images/{split}", classes, split=split, first=first):
            upload.text(f"labels/{split}/{stem(path)}.txt", lines(boxes, classes))
    upload.image("results.png")
    upload.text("data.yaml", f"train: images/train\nval: images/val\nnames: {classes}\n")


@layout
def voc_whose_lists_miss_an_image(upload: Upload) -> None:
    classes = upload.classes(2)
    for split, count, first in (("train", 9, 0), ("val", 9, 50), (None, 1, 90)):
        pairs = upload.boxed("JPEGImages", classes, count=count, split=split, first=first)
        for path, boxes in pairs:
            upload.text(f"Annotations/{stem(path)}.xml", voc(path, boxes))
        if split is None:
            upload.optional |= {path for path, _ in pairs}
        else:
            upload.text(f"ImageSets/Main/{split}.txt", (stem(path) for path, _ in pairs))
