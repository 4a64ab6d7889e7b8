"""Tables written in unusual ways: titles, separators, encodings, paths, order of columns."""

from __future__ import annotations

from collections.abc import Sequence

from .tables import by_name, by_stem, hashed, name_of, stem_of
from .upload import Upload, layout


def _titled(upload: Upload, image_title: str, label_title: str, **how: str) -> None:
    pairs = upload.labelled("images", upload.classes(3))
    upload.table("data.csv", [image_title, label_title], by_name(pairs), **how)


@layout
def titles_image_id_and_class(upload: Upload) -> None:
    _titled(upload, "Image_ID", "class")


@layout
def titles_file_and_species(upload: Upload) -> None:
    _titled(upload, "file", "species")


@layout
def titles_with_blanks(upload: Upload) -> None:
    _titled(upload, "Image Name", "Disease Type")


@layout
def titles_that_nobody_knows(upload: Upload) -> None:
    _titled(upload, "photo", "brand")


@layout
def titles_in_chinese(upload: Upload) -> None:
    _titled(upload, "照片", "品种", encoding="gb18030")


@layout
def titles_in_quotes_with_a_mark_and_windows_lines(upload: Upload) -> None:
    pairs = upload.labelled("images", upload.classes(3))
    rows = (f'"{name}","{label}"\r' for name, label in by_name(pairs))
    upload.text("labels.csv", ['"Filename","Label"\r', *rows], encoding="utf-8-sig")


@layout
def utf_16_with_tabs(upload: Upload) -> None:
    """What a spreadsheet saves as Unicode text."""
    _titled(upload, "filename", "label", delimiter="\t", encoding="utf-16", end="\r\n")


@layout
def semicolons(upload: Upload) -> None:
    _titled(upload, "Filename", "ClassName", delimiter=";")


@layout
def tab_separated(upload: Upload) -> None:
    pairs = upload.labelled("img", upload.classes(3))
    upload.table("labels.tsv", ["path", "category"], pairs, delimiter="\t")


@layout
def no_titles(upload: Upload) -> None:
    upload.table("labels.csv", None, upload.labelled("images", upload.classes(3)))


@layout
def no_titles_and_the_label_first(upload: Upload) -> None:
    pairs = upload.labelled("images", upload.classes(3))
    upload.table("labels.csv", None, [(label, path) for path, label in pairs])


@layout
def no_titles_and_a_counter(upload: Upload) -> None:
    pairs = upload.labelled("images", upload.classes(2))
    upload.table("train.csv", None, [(n, path, label) for n, (path, label) in enumerate(pairs)])


@layout
def a_counter_without_a_title(upload: Upload) -> None:
    """What pandas writes with its index."""
    pairs = upload.labelled("images", upload.classes(3))
    rows = [(n, name, label) for n, (name, label) in enumerate(by_name(pairs))]
    upload.table("train.csv", ["", "filename", "label"], rows)


@layout
def parts_and_buckets(upload: Upload) -> None:
    """AutoML Vision: split, address in a bucket, label, and no titles."""
    classes = upload.classes(2)
    rows = []
    for word, split, each, first in (
        ("TRAIN", "train", 5, 0),
        ("VALIDATION", "val", 2, 50),
        ("TEST", "test", 2, 80),
    ):
        pairs = upload.labelled("img", classes, each, split, first=first)
        rows += [[word, f"gs://my-bucket/img/{name_of(path)}", label] for path, label in pairs]
    upload.table("all_data.csv", None, rows)
    upload.may_refuse = True


@layout
def mxnet_lists(upload: Upload) -> None:
    """SageMaker and MXNet: number, class id, path, with tabs, in .lst files."""
    for name, split, each, first in (("train", "train", 5, 0), ("val", "val", 2, 50)):
        pairs = upload.labelled("images", ["0", "1", "2"], each, split, first=first)
        rows = [[n, f"{label}.000000", path] for n, (path, label) in enumerate(pairs)]
        upload.table(f"{name}.lst", None, rows, delimiter="\t")
    upload.may_refuse = True


@layout
def addresses_in_the_web(upload: Upload) -> None:
    pairs = upload.labelled("images", upload.classes(2), stem=hashed)
    rows = [[f"https://cdn.example.com/a/b/{name}?token=x&w=9", label] for name, label in by_name(pairs)]
    upload.table("export.csv", ["image_url", "label"], rows)


@layout
def paths_of_another_machine(upload: Upload) -> None:
    pairs = upload.labelled("data/pics", upload.classes(2))
    rows = [[f"C:\\Users\\Li\\Desktop\\data\\pics\\{name}", label] for name, label in by_name(pairs)]
    upload.table("data/labels.csv", ["filepath", "label"], rows)


@layout
def paths_of_a_notebook(upload: Upload) -> None:
    pairs = upload.labelled("train", upload.classes(2))
    rows = [[f"../input/my-set/train/{name}", label] for name, label in by_name(pairs)]
    upload.table("train.csv", ["image_path", "label"], rows)


@layout
def numbers_for_names_of_files(upload: Upload) -> None:
    """Facial tasks on Kaggle: 17 means 17.jpg."""
    pairs = upload.labelled("faces", upload.classes(2), each=8, stem=str)
    upload.table("train.csv", ["id", "emotion"], by_stem(pairs))


@layout
def numbers_that_lost_their_zeros(upload: Upload) -> None:
    """A spreadsheet made 17 of 000017."""
    pairs = upload.labelled("images", upload.classes(2), each=8, stem="{:06d}".format, first=1)
    upload.table("labels.csv", ["image", "label"], [(int(stem), label) for stem, label in by_stem(pairs)])
    upload.may_refuse = True


@layout
def images_spread_over_folders_by_hash(upload: Upload) -> None:
    pairs = []
    for number, (path, label) in enumerate(upload.labelled("tmp", upload.classes(3))):
        target = f"photos/{number % 4:x}/{hashed(number)}.jpg"
        upload.files[target], upload.labels[target] = upload.files.pop(path), upload.labels.pop(path)
        pairs.append((stem_of(target), label))
    upload.table("meta/labels.csv", ["photo_id", "label"], pairs)


@layout
def a_number_and_a_name_for_each_class(upload: Upload) -> None:
    classes = upload.classes(3)
    pairs = upload.labelled("images", classes)
    rows = [[name, classes.index(label), label] for name, label in by_name(pairs)]
    upload.table("train.csv", ["filename", "label", "class_name"], rows)
    upload.aliases = {name: str(number) for number, name in enumerate(classes)}


@layout
def some_rows_without_a_label(upload: Upload) -> None:
    """The unlabelled images stand in the same table with an empty field."""
    pairs = by_name(upload.labelled("images", upload.classes(3), each=8))
    pairs += [(name_of(path), "") for path in upload.unlabelled("images", 5, stem="later_")]
    upload.table("labels.csv", ["filename", "label"], pairs)


@layout
def columns_of_sizes_beside_the_label(upload: Upload) -> None:
    pairs = upload.labelled("images", upload.classes(3))
    rows = [[name, 48, 40, 3, label, "2024-05-01"] for name, label in by_name(pairs)]
    upload.table("annotations.csv", ["filename", "width", "height", "channels", "class", "created"], rows)


def _regions(
    upload: Upload, folder: str, split: str, first: int, wanted: Sequence[str]
) -> list[list[object]]:
    rows = []
    for number, label in enumerate(wanted, first):
        in_class = f"/{label}" if folder == "Train" else ""
        path = upload.image(f"{folder}{in_class}/{number:05d}.png", label, split)
        rows.append([48, 40, 5, 5, 43, 35, label, path])
    return rows


@layout
def traffic_signs(upload: Upload) -> None:
    """GTSRB on Kaggle: a region of interest in each row, and pictures of the signs beside."""
    titles = ["Width", "Height", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId", "Path"]
    upload.table("Train.csv", titles, _regions(upload, "Train", "train", 0, list("012") * 5))
    upload.table("Test.csv", titles, _regions(upload, "Test", "test", 100, list("012") * 2))
    signs = [upload.image(f"Meta/{number}.png") for number in range(3)]
    upload.table("Meta.csv", ["Path", "ClassId", "ShapeId"], [[p, n, 1] for n, p in enumerate(signs)])
    upload.may_refuse = True
