"""Folders named after days, sessions, hashes or augmentation, above, below or beside those of classes."""

from __future__ import annotations

from .tables import by_name, hashed, stem_of
from .upload import Upload, layout


def _below(upload: Upload, folders: tuple[str, ...]) -> None:
    for name in upload.classes(3):
        for folder in folders:
            for number in range(4):
                upload.image(f"set/{name}/{folder}/{number}.jpg", name)


@layout
def days_with_times_below_classes(upload: Upload) -> None:
    _below(upload, ("20240103_081500", "20240104_093000", "20240105_070000"))


@layout
def numbered_sessions_below_classes(upload: Upload) -> None:
    _below(upload, ("session_1", "session_2"))


@layout
def hashes_below_classes(upload: Upload) -> None:
    _below(upload, ("3f2a9c1b", "b8810dd4e2"))


@layout
def days_below_the_classes_of_splits(upload: Upload) -> None:
    for name in upload.classes(2):
        for split, day, each in (("train", "2024-01-03", 6), ("val", "2024-01-04", 3)):
            for number in range(each):
                upload.image(f"{split}/{name}/{day}/{number}.jpg", name, split)


@layout
def days_of_one_class_alone(upload: Upload) -> None:
    for number, name in enumerate(upload.classes(3)):
        for day in ("2024-01-03", "2024-01-04"):
            for image in range(4):
                upload.image(f"{name}/{day}/{image}.jpg" if not number else f"{name}/{day}_{image}.jpg", name)


@layout
def days_that_hold_images(upload: Upload) -> None:
    """Nothing tells what is on them."""
    for day in ("2024-01-03", "2024-01-04", "2024-01-05"):
        upload.unlabelled(f"shots/{day}", 5)
    upload.must_not_be_ready = True


@layout
def days_above_classes(upload: Upload) -> None:
    """Are the classes below the days? They have the same names in each; one has to ask, or to know."""
    classes = upload.classes(2)
    for first, day in enumerate(("2024-01-03", "2024-01-04")):
        upload.folders(f"shots/{day}", classes, each=4, first=10 * first)
    upload.may_refuse = True


@layout
def a_table_beside_days(upload: Upload) -> None:
    classes, rows = upload.classes(2), []
    for first, day in enumerate(("2024-01-03", "2024-01-04")):
        rows += upload.labelled(f"shots/{day}", classes, first=20 * first)
    upload.table("labels.csv", ["filename", "label"], by_name(rows))


@layout
def a_table_beside_shards_of_two_letters(upload: Upload) -> None:
    rows = []
    for number, (path, label) in enumerate(upload.labelled("tmp", upload.classes(3))):
        name = hashed(number * 7919 + 5)
        target = f"images/{name[-2:]}/{name}.jpg"
        upload.files[target], upload.labels[target] = upload.files.pop(path), upload.labels.pop(path)
        rows.append((stem_of(target), label))
    upload.table("labels.csv", ["id", "label"], rows)


@layout
def augmented_beside_flat_classes(upload: Upload) -> None:
    classes = upload.classes(2)
    upload.folders("", classes)
    upload.folders("augmented", classes, first=50, labelled=False)


@layout
def original_and_augmented(upload: Upload) -> None:
    classes = upload.classes(3)
    upload.folders("Mango/Original Dataset", classes)
    upload.folders("Mango/Augmented Dataset", classes, each=9, first=50, labelled=False)


@layout
def a_folder_of_the_same_classes_under_another_name(upload: Upload) -> None:
    classes = upload.classes(3)
    upload.folders("set", classes)
    upload.folders("set/rotated", classes, first=50, labelled=False)
    upload.must_not_be_ready = True


@layout
def classes_of_augmentation_and_of_nothing(upload: Upload) -> None:
    """Here what is learned is whether a picture was augmented."""
    upload.folders("", ["augmented", "plain"])
