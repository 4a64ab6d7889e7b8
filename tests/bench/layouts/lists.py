"""Text files that list images with the ids of their classes, as PaddleX, PaddleClas and others have them."""

from __future__ import annotations

from collections.abc import Sequence

from .upload import Upload, layout

Pairs = list[tuple[str, str]]
PARTS = (("train", 5, 0), ("val", 2, 50), ("test", 2, 80))


def _draw(upload: Upload, classes: Sequence[str], folder: str = "images") -> dict[str, Pairs]:
    return {split: upload.labelled(folder, classes, each, split, first=first) for split, each, first in PARTS}


def _lines(pairs: Pairs, classes: Sequence[str], between: str = " ", base: int = 0) -> list[str]:
    return [f"{path}{between}{classes.index(label) + base}" for path, label in pairs]


def _lists(upload: Upload, names: Sequence[str | None], classes: Sequence[str], **how: str | int) -> None:
    """Write a list for each part that has a name; images of the others are in no list."""
    for name, pairs in zip(names, _draw(upload, classes).values(), strict=True):
        if name is not None:
            upload.text(name, _lines(pairs, classes, **how))
            continue
        for path, _ in pairs:
            del upload.labels[path]
            upload.splits.pop(path)


@layout
def paddlex(upload: Upload) -> None:
    classes = upload.classes(3)
    _lists(upload, ["train_list.txt", "val_list.txt", "test_list.txt"], classes)
    upload.text("labels.txt", classes)


@layout
def paddlex_with_ids_in_its_labels(upload: Upload) -> None:
    classes = upload.classes(3)
    _lists(upload, ["train.txt", "val.txt", None], classes)
    upload.text("label.txt", (f"{n} {name}" for n, name in enumerate(classes)))


@layout
def lists_called_valid(upload: Upload) -> None:
    """flowers102 on AI Studio."""
    classes = ["0", "1", "2"]
    _lists(upload, ["train.txt", "valid.txt", "test.txt"], classes)


@layout
def lists_called_eval(upload: Upload) -> None:
    classes = upload.classes(3)
    _lists(upload, ["train.txt", "eval.txt", None], classes)
    upload.text("labels.txt", classes)


@layout
def lists_called_validate(upload: Upload) -> None:
    """PaddleHub: validate_list.txt and label_list.txt."""
    classes = upload.classes(3)
    _lists(upload, ["train_list.txt", "validate_list.txt", "test_list.txt"], classes)
    upload.text("label_list.txt", classes)


@layout
def lists_called_dev(upload: Upload) -> None:
    classes = upload.classes(3)
    _lists(upload, ["train.txt", "dev.txt", "test.txt"], classes)
    upload.text("labels.txt", classes)
    upload.may_refuse = True


@layout
def lists_of_train_and_test(upload: Upload) -> None:
    """Without a validation list, the test list is what is measured on."""
    classes = upload.classes(3)
    for split, each, first in (PARTS[0], PARTS[2]):
        pairs = upload.labelled("images", classes, each, split, first=first)
        upload.text(f"{split}.txt", _lines(pairs, classes))
    upload.text("labels.txt", classes)


@layout
def one_list(upload: Upload) -> None:
    classes = upload.classes(3)
    upload.text("train_list.txt", _lines(upload.labelled("images", classes), classes))
    upload.text("labels.txt", classes)


@layout
def lists_in_a_folder_of_their_own(upload: Upload) -> None:
    classes = upload.classes(3)
    _lists(upload, ["lists/train.txt", "lists/val.txt", "lists/test.txt"], classes)
    upload.text("lists/labels.txt", classes)
    upload.inside("flowers")


@layout
def ids_from_one_with_names(upload: Upload) -> None:
    """The ids run from 1 to 3 and there are three names: read as such, never shifted."""
    classes = upload.classes(3)
    _lists(upload, ["train_list.txt", "val_list.txt", None], classes, base=1)
    upload.text("labels.txt", classes)


@layout
def ids_from_one_without_names(upload: Upload) -> None:
    _lists(upload, ["train.txt", "val.txt", None], ["1", "2", "3"], base=1)


@layout
def ids_from_one_with_numbered_names(upload: Upload) -> None:
    classes = upload.classes(3)
    _lists(upload, ["train.txt", "val.txt", None], classes, base=1)
    upload.text("label.txt", (f"{n} {name}" for n, name in enumerate(classes, 1)))


@layout
def more_ids_than_names(upload: Upload) -> None:
    """The list uses four ids, and three names are given: one class would be named wrongly."""
    classes = upload.classes(4)
    upload.text("train_list.txt", _lines(upload.labelled("images", classes), classes))
    upload.text("labels.txt", classes[1:])
    upload.must_not_be_ready = True


@layout
def names_that_begin_with_numbers_in_labels(upload: Upload) -> None:
    """Each line is a name; read as ids and names they would be "Euro" twice."""
    classes = ["1 Euro", "2 Euro", "50 Cent"]
    _lists(upload, ["train.txt", "val.txt", None], classes)
    upload.text("labels.txt", classes)


@layout
def names_that_begin_with_their_number(upload: Upload) -> None:
    """Do the names of the second line begin with 1, or is its id 1? The ids of the list agree with both."""
    classes = upload.classes(3)
    _lists(upload, ["train.txt", "val.txt", None], classes)
    upload.text("label_list.txt", (f"{n}\t{name}" for n, name in enumerate(classes)))


@layout
def names_before_ids_in_labels(upload: Upload) -> None:
    classes = ["daisy", "rose", "tulip"]
    _lists(upload, ["train.txt", "val.txt", None], classes)
    upload.text("labels.txt", (f"{name} {n}" for n, name in enumerate(classes)))
    upload.may_refuse = True


@layout
def names_instead_of_ids(upload: Upload) -> None:
    classes = ["daisy", "rose", "tulip"]
    for split, pairs in _draw(upload, classes).items():
        upload.text(f"{split}.txt", (f"{path} {label}" for path, label in pairs))
    upload.may_refuse = True


@layout
def tabs_backslashes_and_blanks(upload: Upload) -> None:
    classes = upload.classes(3)
    pairs = upload.labelled("my images", classes, stem="photo {}".format)
    lines = (f".\\my images\\{path.rpartition('/')[2]}\t{classes.index(label)}" for path, label in pairs)
    upload.text("train_list.txt", lines)
    upload.text("labels.txt", classes)


@layout
def commas_in_lists(upload: Upload) -> None:
    classes = upload.classes(3)
    _lists(upload, ["train.txt", "val.txt", None], classes, between=",")
    upload.text("labels.txt", classes)
    upload.may_refuse = True


@layout
def lists_in_gbk(upload: Upload) -> None:
    classes = ["划痕", "凹坑"]
    for split, pairs in _draw(upload, classes, "图片").items():
        upload.text(f"{split}_list.txt", _lines(pairs, classes), encoding="gb18030")
    upload.text("labels.txt", classes, encoding="gb18030")


@layout
def paths_of_another_machine_in_lists(upload: Upload) -> None:
    classes = upload.classes(3)
    for split, pairs in _draw(upload, classes).items():
        lines = (f"/home/aistudio/data/sets/{line}" for line in _lines(pairs, classes))
        upload.text(f"{split}_list.txt", lines)
    upload.text("labels.txt", classes)


@layout
def lists_over_class_folders(upload: Upload) -> None:
    """The lists' split is the author's, and folders agree with the classes."""
    classes = ["daisy", "rose", "tulip"]
    upload.folders("", classes, each=8)
    listed: dict[str, Pairs] = {"train": [], "val": []}
    for number, (path, label) in enumerate(upload.labels.items()):
        split = "val" if number % 4 == 3 else "train"
        upload.splits[path] = split
        listed[split].append((path, label))
    for split, pairs in listed.items():
        upload.text(f"{split}_list.txt", _lines(pairs, classes))
    upload.text("labels.txt", classes)


@layout
def lists_of_paths_in_class_folders(upload: Upload) -> None:
    """Food-101: a line is class and image, without a suffix; the folder is the class."""
    classes = ["apple_pie", "baklava", "caesar_salad"]
    upload.folders("food-101/images", classes, each=8)
    lines: dict[str, list[str]] = {"train": [], "test": []}
    for number, path in enumerate(upload.labels):
        split = "test" if number % 4 == 3 else "train"
        upload.splits[path] = split
        lines[split].append(path.removeprefix("food-101/images/").removesuffix(".jpg"))
    for split, paths in lines.items():
        upload.text(f"food-101/meta/{split}.txt", paths)
        by_class = {name: [path for path in paths if path.startswith(name)] for name in classes}
        upload.json(f"food-101/meta/{split}.json", by_class)
    upload.text("food-101/meta/classes.txt", classes)
    upload.text("food-101/meta/labels.txt", (name.replace("_", " ").capitalize() for name in classes))
    upload.any_split = upload.may_refuse = True


@layout
def lists_that_name_other_images(upload: Upload) -> None:
    upload.unlabelled("images", 12)
    upload.text("train.txt", (f"pics/{n}.jpg {n % 2}" for n in range(12)))
    upload.must_not_be_ready = True


@layout
def a_validation_list_of_an_imagenet(upload: Upload) -> None:
    """Training images in class folders, validation images in one, with a list that names their classes."""
    classes = ["n01440764", "n01443537", "n01484850"]
    upload.folders("imagenet/train", classes, each=6, split="train", suffix=".JPEG")
    stem = "ILSVRC2012_val_{:08d}".format
    pairs = upload.labelled("imagenet/val", classes, 2, "val", stem=stem, suffix=".JPEG", first=1)
    upload.text("imagenet/val.txt", (f"{path.rpartition('/')[2]} {classes.index(c)}" for path, c in pairs))
    upload.may_refuse = True


@layout
def a_validation_table_of_an_imagenet(upload: Upload) -> None:
    """imagenet-object-localization: the table gives class and places."""
    classes = ["n01440764", "n01443537", "n01484850"]
    upload.folders("ILSVRC/Data/CLS-LOC/train", classes, each=6, split="train", suffix=".JPEG")
    folder, stem = "ILSVRC/Data/CLS-LOC/val", "ILSVRC2012_val_{:08d}".format
    pairs = upload.labelled(folder, classes, 2, "val", stem=stem, suffix=".JPEG", first=1)
    rows = [[path.rpartition("/")[2][:-5], f"{label} 5 5 30 30 "] for path, label in pairs]
    upload.table("LOC_val_solution.csv", ["ImageId", "PredictionString"], rows)
    upload.text("LOC_synset_mapping.txt", (f"{name} some fish, a fish" for name in classes))
    upload.may_refuse = True


@layout
def tiny_imagenet(upload: Upload) -> None:
    classes = ["n01443537", "n01629819", "n01641577"]
    top = "tiny-imagenet-200"
    for name in classes:
        boxes = []
        for number in range(6):
            upload.image(f"{top}/train/{name}/images/{name}_{number}.JPEG", name, "train")
            boxes.append(f"{name}_{number}.JPEG\t0\t10\t63\t58")
        upload.text(f"{top}/train/{name}/{name}_boxes.txt", boxes)
    pairs = upload.labelled(f"{top}/val/images", classes, 2, "val", stem="val_{}".format, suffix=".JPEG")
    lines = (f"{path.rpartition('/')[2]}\t{label}\t0\t32\t44\t62" for path, label in pairs)
    upload.text(f"{top}/val/val_annotations.txt", lines)
    upload.unlabelled(f"{top}/test/images", 4, suffix=".JPEG", stem="test_")
    upload.text(f"{top}/wnids.txt", classes)
    upload.text(f"{top}/words.txt", (f"{name}\tfish, a fish" for name in classes))
    upload.may_refuse = True


@layout
def lists_with_the_split_behind(upload: Upload) -> None:
    classes = upload.classes(3)
    _lists(upload, ["list_train.txt", "list_val.txt", None], classes)
    upload.text("labels.txt", classes)
