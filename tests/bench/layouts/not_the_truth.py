"""Tables that are not the truth, or not all of it, and truths that are no classes."""

from __future__ import annotations

from .tables import by_name, by_stem, hashed, name_of, stem_of
from .upload import Upload, layout


@layout
def predictions_beside_class_folders(upload: Upload) -> None:
    """The answers of an earlier model, some of them wrong, name the images of the class folders."""
    classes = upload.classes(3)
    upload.folders("data", classes)
    rows = [[p, classes[n % 3], 0.9] for n, p in enumerate(upload.labels)]
    upload.table("data/predictions.csv", ["filename", "prediction", "score"], rows)


@layout
def results_of_a_model_beside_a_table(upload: Upload) -> None:
    classes = upload.classes(2)
    pairs = upload.labelled("images", classes, each=8)
    upload.table("train.csv", ["filename", "label"], by_name(pairs))
    wrong = [[name, classes[n % 3 == 0], 0.7] for n, (name, _) in enumerate(by_name(pairs))]
    upload.table("output/predictions.csv", ["filename", "label", "confidence"], wrong)


@layout
def a_submission_beside_splits(upload: Upload) -> None:
    classes = upload.classes(3)
    upload.folders("train", classes, split="train")
    upload.folders("val", classes, each=3, split="val", first=50)
    test = upload.unlabelled("test", 6)
    rows = [[name_of(path), classes[n % 3]] for n, path in enumerate(test)]
    upload.table("submission_final.csv", ["filename", "label"], rows)


@layout
def a_table_of_a_part_of_the_class_folders(upload: Upload) -> None:
    """A list of images that were checked again covers a fifth of the set."""
    upload.folders("set", upload.classes(3), each=10)
    some = list(upload.labels.items())[::5]
    upload.table("set/checked.csv", ["filename", "label"], [(name_of(p), "ok") for p, _ in some])


@layout
def a_description_of_class_folders(upload: Upload) -> None:
    upload.folders("birds/train", classes := upload.classes(3), split="train")
    upload.folders("birds/valid", classes, each=2, split="val", first=50)
    rows = [[n, name, 224, 224, 1.0] for n, name in enumerate(classes)]
    upload.table("birds/class_dict.csv", ["class_index", "class", "height", "width", "scale by"], rows)


@layout
def checksums_of_class_folders(upload: Upload) -> None:
    upload.folders("set", upload.classes(3))
    rows = [[path, len(upload.files[path]), hashed(n)] for n, path in enumerate(upload.labels)]
    upload.table("manifest.csv", ["path", "size", "md5"], rows)


@layout
def a_table_that_agrees_with_class_folders(upload: Upload) -> None:
    upload.folders("set", upload.classes(3))
    upload.table("labels.csv", ["filepath", "label"], list(upload.labels.items()))


@layout
def a_table_against_class_folders(upload: Upload) -> None:
    """Every label of the table contradicts the folder; nobody can tell which is right."""
    classes = upload.classes(3)
    upload.folders("set", classes)
    rows = [[p, classes[(classes.index(label) + 1) % 3]] for p, label in upload.labels.items()]
    upload.table("labels.csv", ["filepath", "label"], rows)
    upload.must_not_be_ready = True


@layout
def two_tables_that_disagree(upload: Upload) -> None:
    classes = upload.classes(2)
    pairs = by_name(upload.labelled("images", classes, each=8))
    upload.table("labels_anna.csv", ["filename", "label"], pairs)
    other = [(name, classes[(n // 3) % 2]) for n, (name, _) in enumerate(pairs)]
    upload.table("labels_bob.csv", ["filename", "label"], other)
    upload.must_not_be_ready = True


@layout
def two_tables_that_agree(upload: Upload) -> None:
    pairs = by_name(upload.labelled("images", upload.classes(2), each=8))
    upload.table("labels.csv", ["filename", "label"], pairs)
    upload.table("labels_backup.csv", ["filename", "label"], pairs)


@layout
def a_table_of_a_part_of_the_images(upload: Upload) -> None:
    """A third of the images are labelled so far."""
    pairs = by_name(upload.labelled("images", upload.classes(2), each=5))
    upload.unlabelled("images", 20, stem="todo_")
    upload.table("labels.csv", ["filename", "label"], pairs)
    upload.may_refuse = True


@layout
def tags_of_several_words(upload: Upload) -> None:
    """planet: an image has several tags."""
    tags = ["haze primary", "clear primary road", "clear primary", "cloudy"]
    images = upload.unlabelled("train-jpg", 16, stem="train_")
    rows = [[stem_of(path), tags[n % 4]] for n, path in enumerate(images)]
    upload.table("train_classes.csv", ["image_name", "tags"], rows)
    upload.must_not_be_ready = True


@layout
def findings_between_bars(upload: Upload) -> None:
    """NIH chest X-rays: several findings in a field, and other columns of words."""
    found = ["Cardiomegaly|Emphysema", "No Finding", "Hernia", "Effusion|Hernia"]
    images = upload.unlabelled("images_001/images", 16, suffix=".png", stem="000000")
    rows = [[name_of(p), found[n % 4], n, n // 2, 58, "M", "PA"] for n, p in enumerate(images)]
    titles = ["Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender",
              "View Position"]  # fmt: skip
    upload.table("Data_Entry_2017.csv", titles, rows)
    upload.must_not_be_ready = True


@layout
def attributes_of_faces(upload: Upload) -> None:
    """celebA: forty columns of 1 and -1, several true at once."""
    titles = ["5_o_Clock_Shadow", "Bald", "Male", "Smiling", "Young"]
    images = upload.unlabelled("img_align_celeba", 16, stem="0000")
    rows = [[name_of(p), *(1 if (n >> k) % 2 else -1 for k in range(5))] for n, p in enumerate(images)]
    upload.table("list_attr_celeba.csv", ["image_id", *titles], rows)
    upload.must_not_be_ready = True


@layout
def several_columns_of_labels(upload: Upload) -> None:
    """FairFace: any of three columns could be meant."""
    images = upload.unlabelled("train", 18)
    rows = [
        [
            path,
            ("20-29", "30-39", "3-9")[n % 3],
            ("Male", "Female")[n % 2],
            ("White", "Black", "Indian")[n // 6],
        ]
        for n, path in enumerate(images)
    ]
    upload.table("fairface_label_train.csv", ["file", "age", "gender", "race"], rows)
    upload.must_not_be_ready = True


@layout
def captions(upload: Upload) -> None:
    images = upload.unlabelled("Images", 8)
    rows = [[name_of(p), f"A dog number {n} runs over the grass ."] for n, p in enumerate(images)]
    upload.table("captions.txt", ["image", "caption"], rows)
    upload.table("captions.csv", ["image", "caption"], rows)
    upload.must_not_be_ready = True


@layout
def a_measured_number(upload: Upload) -> None:
    """petfinder-pawpularity: a number to predict, not a class."""
    images = upload.unlabelled("train", 20, stem="p")
    rows = [[stem_of(path), 1 + n // 2 * 3.5] for n, path in enumerate(images)]
    upload.table("train.csv", ["Id", "Pawpularity"], rows)
    upload.must_not_be_ready = True


@layout
def a_spreadsheet(upload: Upload) -> None:
    upload.unlabelled("images", 10)
    upload.files["labels.xlsx"] = b"PK\3\4rubbish"
    upload.must_not_be_ready = True


@layout
def a_map_of_names_in_json(upload: Upload) -> None:
    pairs = upload.labelled("images", upload.classes(2), each=8)
    upload.json("labels.json", dict(by_name(pairs)))
    upload.may_refuse = True


@layout
def a_list_of_records_in_json(upload: Upload) -> None:
    pairs = upload.labelled("images", upload.classes(2), each=8)
    upload.json("annotations.json", [{"image": name, "label": label} for name, label in by_name(pairs)])
    upload.may_refuse = True


@layout
def labels_of_images_that_are_not_there(upload: Upload) -> None:
    """The table is of other images altogether."""
    upload.unlabelled("images", 12)
    rows = [[f"other_{n}.jpg", ("a", "b")[n % 2]] for n in range(12)]
    upload.table("labels.csv", ["filename", "label"], rows)
    upload.must_not_be_ready = True


@layout
def patients_beside_the_label(upload: Upload) -> None:
    """A column of groups has as few values as a label has."""
    pairs = upload.labelled("slides", upload.classes(2), each=8, stem=hashed)
    rows = [[stem, ("H1", "H2", "H3")[n % 3], label] for n, (stem, label) in enumerate(by_stem(pairs))]
    upload.table("train.csv", ["image_id", "hospital", "label"], rows)


@layout
def guesses_under_a_plain_name(upload: Upload) -> None:
    """A submission that is called baseline.csv: its images are those of the test folder."""
    pairs = upload.labelled("train", ["0", "1"], each=10, stem=hashed)
    upload.table("labels.csv", ["id", "label"], by_stem(pairs))
    test = upload.unlabelled("test", 8, stem="e0")
    upload.table("baseline.csv", ["id", "label"], [[stem_of(path), n % 2] for n, path in enumerate(test)])
    upload.may_refuse = True


@layout
def a_table_of_the_flat_test_beside_class_folders(upload: Upload) -> None:
    """The labels of the test stand in the table alone: they must not be lost without a word."""
    upload.folders("train", ["ants", "bees"], split="train")
    test = [upload.image(f"test/{number}.jpg") for number in range(6)]
    rows = [[path.rpartition("/")[2], ["ants", "bees"][number % 2]] for number, path in enumerate(test)]
    upload.table("test_labels.csv", ["filename", "label"], rows)
    upload.must_not_be_ready = True
