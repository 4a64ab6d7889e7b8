"""A table that says the class of each image."""

from __future__ import annotations

from collections.abc import Sequence

from .upload import Upload, layout

Pairs = list[tuple[str, str]]


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


def stem_of(path: str) -> str:
    return name_of(path).rpartition(".")[0]


def by_stem(pairs: Pairs) -> Pairs:
    return [(stem_of(path), label) for path, label in pairs]


def by_name(pairs: Pairs) -> Pairs:
    return [(name_of(path), label) for path, label in pairs]


def hashed(number: int) -> str:
    """A stem as Kaggle gives them: hexadecimal, of no meaning."""
    return f"{(number * 2654435761 + 12345) % 2**48:012x}"


def _ids_beside_parts(upload: Upload, table: str, titles: Sequence[str], classes: Sequence[str]) -> None:
    """Ids without a suffix in a training folder, and a test folder that a sample submission names."""
    pairs = upload.labelled("train", classes, each=7, stem=hashed, suffix=".jpg")
    upload.table(table, titles, by_stem(pairs))
    test = upload.unlabelled("test", 6, stem="f00")
    upload.table("sample_submission.csv", titles, [(stem_of(path), classes[0]) for path in test])


@layout
def ids_and_breeds(upload: Upload) -> None:
    """dog-breed-identification; its sample submission has a column a class."""
    classes = ["beagle", "boxer", "pug"]
    pairs = upload.labelled("train", classes, each=7, stem=hashed)
    upload.table("labels.csv", ["id", "breed"], by_stem(pairs))
    test = upload.unlabelled("test", 6, stem="f00")
    upload.table(
        "sample_submission.csv", ["id", *classes], [[stem_of(path), 0.33, 0.33, 0.34] for path in test]
    )


@layout
def id_codes_and_diagnoses(upload: Upload) -> None:
    """aptos-2019: numbers for classes, folders called train_images and test_images."""
    pairs = upload.labelled("train_images", list("01234"), each=4, stem=hashed, suffix=".png")
    upload.table("train.csv", ["id_code", "diagnosis"], by_stem(pairs))
    test = upload.unlabelled("test_images", 5, suffix=".png", stem="e0")
    upload.table("test.csv", ["id_code"], [[stem_of(path)] for path in test])
    rows = [[stem_of(path), 0] for path in test]
    upload.table("sample_submission.csv", ["id_code", "diagnosis"], rows)


@layout
def numbers_with_a_map_of_names(upload: Upload) -> None:
    """cassava: a JSON file names the numbers."""
    pairs = upload.labelled("train_images", list("0123"), each=4, stem=hashed)
    upload.table("train.csv", ["image_id", "label"], by_name(pairs))
    names = {"0": "Bacterial Blight", "1": "Brown Streak", "2": "Green Mottle", "3": "Healthy"}
    upload.json("label_num_to_disease_map.json", names)
    upload.aliases = names
    upload.image("test_images/2216849948.jpg")
    upload.table("sample_submission.csv", ["image_id", "label"], [["2216849948.jpg", 3]])


@layout
def images_and_ids_of_individuals(upload: Upload) -> None:
    """humpback-whale: here the column called Id is the class."""
    pairs = upload.labelled("train", ["w_1287fbc", "w_98baff9", "new_whale"], each=5, stem=hashed)
    upload.table("train.csv", ["Image", "Id"], by_name(pairs))


@layout
def a_sample_submission_of_one_value(upload: Upload) -> None:
    _ids_beside_parts(upload, "train_labels.csv", ["id", "label"], ["0", "1"])


@layout
def a_sample_submission_of_other_titles(upload: Upload) -> None:
    _ids_beside_parts(upload, "train.csv", ["image_name", "target"], ["0", "1"])


@layout
def one_hot_columns(upload: Upload) -> None:
    """plant-pathology-2020: train and test images in one folder."""
    classes = ["healthy", "multiple_diseases", "rust", "scab"]
    pairs = upload.labelled("images", classes, each=5, stem="Train_{}".format)
    rows = [[stem_of(path), *(int(name == label) for name in classes)] for path, label in pairs]
    upload.table("train.csv", ["image_id", *classes], rows)
    test = [upload.image(f"images/Test_{number}.jpg") for number in range(5)]
    upload.table("test.csv", ["image_id"], [[stem_of(path)] for path in test])
    guesses = [[stem_of(path), 0.25, 0.25, 0.25, 0.25] for path in test]
    upload.table("sample_submission.csv", ["image_id", *classes], guesses)


@layout
def one_hot_columns_of_fractions(upload: Upload) -> None:
    """ISIC: 1.0 and 0.0, and a column that nothing is in."""
    classes = ["MEL", "NV", "BCC"]
    pairs = upload.labelled("ISIC_Training_Input", classes, each=5, stem="ISIC_{:07d}".format)
    rows = [[stem_of(p), *(f"{float(name == label)}" for name in classes), "0.0"] for p, label in pairs]
    upload.table("ISIC_Training_GroundTruth.csv", ["image", *classes, "UNK"], rows)


@layout
def one_hot_of_roboflow(upload: Upload) -> None:
    """A table in each split's folder, blanks after commas, titles with blanks."""
    classes = ["Pertengahan", "Tahap Akhir", "Telur Mati"]
    for folder, split, each, first in (
        ("train", "train", 5, 0),
        ("valid", "val", 2, 50),
        ("test", "test", 1, 80),
    ):
        pairs = upload.labelled(
            folder, classes, each, split, stem="2022_{0}_jpg.rf.{0:032x}".format, first=first
        )
        lines = [
            f"{name_of(path)}, " + ", ".join(str(int(name == label)) for name in classes)
            for path, label in pairs
        ]
        upload.text(f"{folder}/_classes.csv", ["filename, " + ", ".join(classes), *lines])
    upload.text("README.roboflow.txt", "Exported.\n")


@layout
def one_hot_with_rows_of_two(upload: Upload) -> None:
    """Some rows have two classes, or none; one image, one class is what can be used."""
    classes = ["cat", "dog"]
    pairs = upload.labelled("train", classes, each=8, stem="a{}_jpg.rf.0a1b".format)
    rows = [[name_of(path), *(int(name == label) for name in classes), 0] for path, label in pairs]
    for number, marks in ((90, [1, 1, 0]), (91, [0, 0, 0]), (92, [0, 0, 1])):
        path = upload.image(f"train/a{number}_jpg.rf.0a1b.jpg")
        rows.append([name_of(path), *marks])
    upload.table("train/_classes.csv", ["filename", *classes, "Unlabeled"], rows)
    upload.may_refuse = True


@layout
def a_split_column(upload: Upload) -> None:
    """sports-classification in short: a table describes the class folders that lie beside it."""
    classes = upload.classes(3)
    rows = []
    for folder, split, each, first in (
        ("train", "train", 5, 0),
        ("valid", "val", 2, 50),
        ("test", "test", 1, 80),
    ):
        upload.folders(folder, classes, each, split, first=first)
        mine = [(path, label) for path, label in upload.labels.items() if path.startswith(folder)]
        rows += [[classes.index(label), path, label, folder] for path, label in mine]
    upload.table("sports.csv", ["class id", "filepaths", "labels", "data set"], rows)


@layout
def a_split_column_and_one_folder(upload: Upload) -> None:
    classes = upload.classes(3)
    rows = []
    for word, split, each, first in (
        ("train", "train", 5, 0),
        ("val", "val", 2, 50),
        ("test", "test", 2, 80),
    ):
        pairs = upload.labelled("images", classes, each, split, first=first)
        rows += [[name_of(path), label, word] for path, label in pairs]
    upload.random.shuffle(rows)
    upload.table("metadata.csv", ["filename", "label", "split"], rows)


@layout
def a_column_that_says_is_valid(upload: Upload) -> None:
    """fastai: True and False, beside paths into class folders."""
    classes = ["n01440764", "n02102040", "n02979186"]
    rows = []
    for folder, split, each, first in (("train", "train", 5, 0), ("val", "val", 2, 50)):
        upload.folders(f"imagenette2/{folder}", classes, each, split, suffix=".JPEG", first=first)
    for path, label in upload.labels.items():
        rows.append([path.removeprefix("imagenette2/"), label, path.startswith("imagenette2/val")])
    upload.table("imagenette2/noisy_imagenette.csv", ["path", "noisy_labels_0", "is_valid"], rows)


@layout
def a_table_for_each_split(upload: Upload) -> None:
    classes = upload.classes(3)
    for name, split, each, first in (
        ("train", "train", 5, 0),
        ("val", "val", 2, 50),
        ("test", "test", 2, 80),
    ):
        pairs = upload.labelled("images", classes, each, split, first=first)
        upload.table(f"{name}.csv", ["filename", "label"], by_name(pairs))


@layout
def metadata_of_an_image_folder(upload: Upload) -> None:
    """Hugging Face ImageFolder: a metadata.csv in each split's folder."""
    classes = upload.classes(2)
    for folder, split, each, first in (("train", "train", 6, 0), ("test", "test", 2, 50)):
        pairs = upload.labelled(f"data/{folder}", classes, each, split, first=first)
        upload.table(f"data/{folder}/metadata.csv", ["file_name", "label"], by_name(pairs))


@layout
def metadata_in_json_lines(upload: Upload) -> None:
    classes = upload.classes(2)
    for folder, split, each, first in (("train", "train", 6, 0), ("test", "test", 2, 50)):
        pairs = upload.labelled(f"data/{folder}", classes, each, split, first=first)
        lines = (f'{{"file_name": "{name_of(path)}", "label": "{label}"}}' for path, label in pairs)
        upload.text(f"data/{folder}/metadata.jsonl", lines)
    upload.may_refuse = True


@layout
def images_in_two_parts_with_metadata(upload: Upload) -> None:
    """HAM10000: ids, the class in ``dx``, and other columns of words."""
    classes = ["akiec", "bcc", "mel", "nv"]
    pairs = upload.labelled("HAM10000_images_part_1", classes, 4, stem="ISIC_{:07d}".format)
    pairs += upload.labelled("HAM10000_images_part_2", classes, 3, stem="ISIC_{:07d}".format, first=40)
    places = ("back", "face", "ear")
    rows = [
        [
            f"HAM_{n:07d}",
            stem_of(path),
            label,
            ("histo", "consensus")[n % 2],
            40 + n % 30,
            "male",
            places[n % 3],
        ]
        for n, (path, label) in enumerate(pairs)
    ]
    titles = ["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"]
    upload.table("HAM10000_metadata.csv", titles, rows)
    upload.may_refuse = True
