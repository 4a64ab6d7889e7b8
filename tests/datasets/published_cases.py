"""Uploads in layouts that people publish and that were once misread, each with what it must become.

Drawn with the same pen as those of the bench (``tests/bench/layouts``), which varies them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tests.bench.layouts.coco import coco
from tests.bench.layouts.labelme import labelme
from tests.bench.layouts.tables import by_name, by_stem, hashed, name_of, stem_of
from tests.bench.layouts.upload import Upload
from tests.bench.layouts.voc import voc


@dataclasses.dataclass(frozen=True)
class Case:
    """What must come of an upload: its classes with their number of images, and how many images train and
    validate where the split is the author's own; or, where ``says`` is given, a sentence with these words."""

    draw: Callable[[Upload], None]
    classes: dict[str, int]
    split: tuple[int, int] | None = None
    says: tuple[str, ...] = ()


CASES: dict[str, Case] = {}


def case(
    classes: dict[str, int], split: tuple[int, int] | None = None, says: tuple[str, ...] = ()
) -> Callable:
    def add(draw: Callable[[Upload], None]) -> Callable[[Upload], None]:
        CASES[draw.__name__] = Case(draw, classes, split, says)
        return draw

    return add


# Folders that are no classes


@case({"buildings": 12, "forest": 12, "sea": 12}, split=(18, 6))
def intel(upload: Upload) -> None:
    classes = ["buildings", "forest", "sea"]
    upload.folders("seg_train/seg_train", classes, each=8, split="train")
    upload.folders("seg_test/seg_test", classes, each=4, split="test", first=50)
    upload.unlabelled("seg_pred/seg_pred", 6)


@case({"cats": 12, "dogs": 12}, split=(12, 4))
def cats_and_dogs(upload: Upload) -> None:
    upload.folders("training_set/training_set", ["cats", "dogs"], each=8, split="train")
    upload.folders("test_set/test_set", ["cats", "dogs"], each=4, split="test", first=50)


@case({"ants": 12, "bees": 12}, split=(16, 8))
def splits_and_a_figure(upload: Upload) -> None:
    upload.folders("d/train", ["ants", "bees"], each=8, split="train")
    upload.folders("d/val", ["ants", "bees"], each=4, split="val", first=50)
    upload.image("d/docs/figure1.png")
    upload.readme("d/README.md")


@case({"ants": 12, "bees": 12}, split=(16, 8))
def splits_and_unlabelled_images(upload: Upload) -> None:
    upload.folders("d/train", ["ants", "bees"], each=8, split="train")
    upload.folders("d/val", ["ants", "bees"], each=4, split="val", first=50)
    upload.unlabelled("d/predict", 5)


@case({"Apple___scab": 12, "Tomato___healthy": 12}, split=(16, 8))
def a_flat_test_folder(upload: Upload) -> None:
    classes = ["Apple___scab", "Tomato___healthy"]
    upload.folders("train", classes, each=8, split="train")
    upload.folders("valid", classes, each=4, split="val", first=50)
    upload.unlabelled("test", 5)


@case({"cat": 6, "dog": 6})
def imagenet_of_cvat(upload: Upload) -> None:
    upload.folders("", ["cat", "dog"], each=6)
    upload.unlabelled("no_label", 4)
    upload.text("synsets.txt", ["cat", "dog"])


@case({}, says=("masks",))
def images_and_masks(upload: Upload) -> None:
    for number in range(12):
        upload.image(f"seg/images/{number}.jpg")
        upload.mask(f"seg/masks/{number}.png")


@case({"cat": 10, "dog": 10}, split=(12, 8))
def masks_beside_the_folders_of_a_split(upload: Upload) -> None:
    for split, each, first in (("train", 6, 0), ("val", 4, 50)):
        upload.folders(split, ["cat", "dog"], each=each, split=split, first=first)
    for path, split in upload.splits.items():
        upload.mask(f"{split}_masks/{stem_of(path)}.png")


@case({}, says=("cat_masks", "folders"))
def masks_beside_folders_that_may_be_classes(upload: Upload) -> None:
    upload.folders("", ["cat", "dog"], each=6)
    for path in upload.labels:
        upload.mask(f"cat_masks/{stem_of(path)}.png")


# Tables that are the truth, or are not


@case({"Black-grass": 8, "Charlock": 8})
def a_submission_beside_class_folders(upload: Upload) -> None:
    upload.folders("train", ["Black-grass", "Charlock"], each=8)
    rows = [[name_of(path), "Sugar beet"] for path in upload.unlabelled("test", 6, suffix=".png")]
    upload.table("sample_submission.csv", ["file", "species"], rows)


@case({"0": 12, "1": 12})
def a_submission_beside_a_table(upload: Upload) -> None:
    pairs = upload.labelled("train", ["0", "1"], each=12, stem=hashed, suffix=".tif")
    upload.table("train_labels.csv", ["id", "label"], by_stem(pairs))
    test = upload.unlabelled("test", 16, suffix=".tif", stem="0001388")
    upload.table("sample_submission.csv", ["id", "label"], [[stem_of(path), 0] for path in test])


@case({"beagle": 10, "pug": 10})
def dog_breeds(upload: Upload) -> None:
    pairs = upload.labelled("train", ["beagle", "pug"], each=10, stem=hashed)
    upload.table("labels.csv", ["id", "breed"], by_stem(pairs))
    test = upload.unlabelled("test", 5, stem="00384")
    upload.table(
        "sample_submission.csv", ["id", "beagle", "pug"], [[stem_of(path), 0.5, 0.5] for path in test]
    )


@case({"0": 10, "1": 10})
def diagnoses(upload: Upload) -> None:
    pairs = upload.labelled("train_images", ["0", "1"], each=10, stem=hashed, suffix=".png")
    upload.table("train.csv", ["id_code", "diagnosis"], by_stem(pairs))
    test = upload.unlabelled("test_images", 5, suffix=".png", stem="00384")
    upload.table("test.csv", ["id_code"], [[stem_of(path)] for path in test])


@case({"a": 6, "b": 6})
def three_columns_without_titles(upload: Upload) -> None:
    pairs = upload.labelled("images", ["a", "b"], stem=str)
    upload.table("train.csv", None, [(n, path, label) for n, (path, label) in enumerate(pairs)])


@case({"a": 6, "b": 6})
def addresses_for_paths(upload: Upload) -> None:
    pairs = upload.labelled("images", ["a", "b"], stem=str)
    rows = [(f"https://example.com/x/{name}?token=1", label) for name, label in by_name(pairs)]
    upload.table("train.csv", ["image_url", "label"], rows)


@case({"Pertengahan": 7, "Tahap Akhir": 7, "Telur Mati": 7}, split=(12, 6))
def roboflow_classes(upload: Upload) -> None:
    classes = ["Pertengahan", "Tahap Akhir", "Telur Mati"]
    name = "2022_{0}_jpg.rf.{0:032x}".format
    for folder, each, first in (("train", 4, 0), ("valid", 2, 100), ("test", 1, 200)):
        pairs = upload.labelled(folder, classes, each, stem=name, first=first)
        rows = [", ".join([name_of(path), *("01"[label == c] for c in classes)]) for path, label in pairs]
        upload.text(f"{folder}/_classes.csv", ["filename, " + ", ".join(classes), *rows])
    upload.text("README.roboflow.txt", "x")


@case({"cars": 8, "motorcycle": 8}, split=(10, 2))
def edge_impulse(upload: Upload) -> None:
    everything = []
    for folder, each, first in (("training", 6, 0), ("testing", 2, 100)):
        name = "cars.{0}.jpg.4f{0:06x}.ingestion-74d7fb5b5c-xtr9q".format
        pairs = upload.labelled(folder, ["cars", "motorcycle"], each, stem=name, first=first)
        files = [
            {
                "path": path,
                "name": stem_of(path),
                "category": folder,
                "label": {"type": "label", "label": label},
            }
            for path, label in pairs
        ]
        everything += files
        upload.json(f"{folder}/info.labels", {"version": 1, "files": files})
        empty = {"version": 1, "type": "bounding-box-labels", "boundingBoxes": {}}
        upload.json(f"{folder}/bounding_boxes.labels", empty)
    upload.json("info.labels", {"version": 1, "files": everything})
    upload.text("README.txt", "Edge Impulse export")


@case({"ok": 10, "defect": 10})
def label_studio_choices(upload: Upload) -> None:
    pairs = upload.labelled("images", ["ok", "defect"], each=10, stem="{0:08x}-IMG_{0}".format)
    titles = ["annotation_id", "annotator", "choice", "created_at", "id", "image", "lead_time", "updated_at"]
    time = "2024-01-01T00:00:00Z"
    rows = [
        [n, 1, c, time, n, f"/data/upload/1/{name}", 3.2, time] for n, (name, c) in enumerate(by_name(pairs))
    ]
    upload.table("project-1-at-2024-01-01.csv", titles, rows)


# Lists


@case({"0": 12, "1": 12, "2": 12}, split=(18, 9))
def a_list_called_valid(upload: Upload) -> None:
    for name, each, first in (("train", 6, 0), ("valid", 3, 18), ("test", 3, 27)):
        pairs = upload.labelled("jpg", ["0", "1", "2"], each, stem="image_{:05d}".format, first=first)
        upload.text(f"{name}.txt", (f"{path} {label}" for path, label in pairs))


@case({"daisy": 9, "rose": 9, "tulip": 9}, split=(18, 9), says=("labels.txt", "1"))
def ids_from_one(upload: Upload) -> None:
    classes = ["daisy", "rose", "tulip"]
    for name, each, first in (("train_list", 6, 0), ("val_list", 3, 18)):
        pairs = upload.labelled("images", classes, each, stem=str, first=first)
        upload.text(f"{name}.txt", (f"{path} {classes.index(label) + 1}" for path, label in pairs))
    upload.text("labels.txt", classes)


# Boxes


@case({"nut": 14})
def a_table_of_boxes_beside_voc(upload: Upload) -> None:
    rows = []
    for path, _ in upload.boxed("images", ["nut"], 14, stem="r{}".format):
        upload.text(f"annotations/{stem_of(path)}.xml", voc(path, [("nut", 10, 10, 20, 20)]))
        rows.append([name_of(path), 48, 40, "nut", 10, 10, 30, 30])
    titles = ["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"]
    upload.table("data/raccoon_labels.csv", titles, rows)


@case({"1 Euro": 6, "2 Euro": 6, "50 Cent": 6})
def names_that_begin_with_numbers(upload: Upload) -> None:
    for number in range(18):
        upload.image(f"images/{number}.jpg")
        upload.text(f"labels/{number}.txt", f"{number % 3} 0.5 0.5 0.4 0.4\n")
    upload.text("classes.txt", ["1 Euro", "2 Euro", "50 Cent"])


@case({"cat": 8, "dog": 8})
def equal_names_in_subfolders(upload: Upload) -> None:
    pairs = []
    for number in range(16):
        path = upload.image(f"images/{'ab'[number // 8]}/{number % 8:03d}.jpg")
        pairs.append((path, [(("cat", "dog")[number % 2], 10, 10, 20, 20)]))
    upload.json("annotations/instances_default.json", coco(pairs, ["cat", "dog"], "images/"))


@case({"cat": 7, "dog": 7}, says=("annotations.xml", "CVAT"))
def boxes_of_cvat(upload: Upload) -> None:
    images = ""
    for number in range(14):
        name = name_of(upload.image(f"images/{number}.jpg"))
        box = f'<box label="{("cat", "dog")[number % 2]}" xtl="10" ytl="10" xbr="30" ybr="30"></box>'
        images += f'<image id="{number}" name="{name}" width="48" height="40">{box}</image>'
    upload.text("annotations.xml", f"<annotations><version>1.1</version>{images}</annotations>")


@case({"螺母": 14})
def voc_in_gbk(upload: Upload) -> None:
    for path, _ in upload.boxed("JPEGImages", ["螺母"], 14, stem=str):
        text = voc(path, [("螺母", 10, 10, 20, 20)], '<?xml version="1.0" encoding="GBK"?>\n')
        upload.text(f"Annotations/{stem_of(path)}.xml", text, encoding="gbk")


@case({"nut": 14})
def voc_with_visualization(upload: Upload) -> None:
    for path, _ in upload.boxed("d/JPEGImages", ["nut"], 14, stem="{:04d}".format):
        upload.text(f"d/Annotations/{stem_of(path)}.xml", voc(path, [("nut", 10, 10, 20, 20)]))
        upload.image(f"d/AnnotationsVisualization/{name_of(path)}")
    upload.text("d/class_names.txt", ["_background_", "nut"])


@case({}, says=("JSON", "d/0.json"))
def labelme_cut_off(upload: Upload) -> None:
    for number in range(14):
        upload.image(f"d/{number}.jpg")
        upload.text(f"d/{number}.json", labelme(f"{number}.jpg", [("x", 5, 5, 20, 20)])[:-40])


@case({"nut": 7, "bolt": 7}, says=("14 label files", "labels/"))
def yolo_labels_with_a_prefix(upload: Upload) -> None:
    for number in range(14):
        upload.image(f"images/IMG_{number}.jpg")
        upload.text(f"labels/{number:08x}-IMG_{number}.txt", f"{number % 2} 0.5 0.5 0.3 0.3\n")
    upload.text("classes.txt", ["nut", "bolt"])
    upload.json("notes.json", {"categories": [{"id": 0, "name": "nut"}, {"id": 1, "name": "bolt"}]})
