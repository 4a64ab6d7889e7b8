"""More public sets: of attributes, of the same things in several folders, of lists and of JSON lines."""

from __future__ import annotations

import json

from .tables import by_name, hashed, name_of, stem_of
from .upload import Upload, layout


@layout
def faces_with_attributes(upload: Upload) -> None:
    """CelebA: a count, titles, and -1 or 1 for each attribute, between blanks."""
    rows = []
    for number in range(1, 11):
        upload.image(f"img_align_celeba/{number:06d}.jpg")
        rows.append(f"{number:06d}.jpg " + " ".join(["-1", " 1"][(number + at) % 2] for at in range(5)))
    upload.text("list_attr_celeba.txt", ["10", "Bald Bangs Chubby Male Young", *rows])
    upload.must_not_be_ready = True


@layout
def ages_in_the_names_of_files(upload: Upload) -> None:
    """UTKFace: age, gender and race in each name."""
    for number in range(12):
        upload.image(f"UTKFace/{20 + number}_{number % 2}_{number % 3}_2017010{number}.jpg.chip.jpg")
    upload.must_not_be_ready = True


@layout
def persons_seen_again(upload: Upload) -> None:
    """Market-1501: the person in each name, and folders of another kind of split."""
    for folder in ("bounding_box_train", "bounding_box_test", "query"):
        for number in range(6):
            upload.image(f"Market-1501/{folder}/{number:04d}_c1s1_{number:06d}_00.jpg")
    upload.must_not_be_ready = True


@layout
def places_of_the_world(upload: Upload) -> None:
    """Places365: absolute paths and ids in lists that are called after the set."""
    classes, lists = ["airfield", "airport", "alley"], {}
    for side, each, first in (("train", 6, 0), ("val", 3, 50)):
        lists[side] = []
        for name in classes:
            for number in range(first, first + each):
                folder = f"data_256/a/{name}" if side == "train" else "val_256"
                name_ = (
                    f"{number:08d}" if side == "train" else f"Places365_val_{first + len(lists[side]):08d}"
                )
                path = upload.image(f"{folder}/{name_}.jpg", name, side)
                written = path.removeprefix("data_256") if side == "train" else name_of(path)
                lists[side].append(f"{written} {classes.index(name)}")
    upload.text("places365_train_standard.txt", lists["train"])
    upload.text("places365_val.txt", lists["val"])
    upload.text("categories_places365.txt", (f"/a/{name} {n}" for n, name in enumerate(classes)))
    upload.aliases = {name: f"/a/{name}" for name in classes}
    upload.may_refuse = True


@layout
def species_in_coco_without_boxes(upload: Upload) -> None:
    """iNaturalist: a COCO file whose annotations have a category and no box."""
    classes = ["Corvus corax", "Parus major"]
    pairs = upload.labelled("train_val2019/Birds", classes, each=6, stem="{:08x}".format)
    images = [{"id": n, "file_name": path, "width": 48} for n, (path, _) in enumerate(pairs)]
    kinds = [{"id": n, "name": name, "supercategory": "Birds"} for n, name in enumerate(classes)]
    rows = [{"id": n, "image_id": n, "category_id": classes.index(p[1])} for n, p in enumerate(pairs)]
    upload.json("train2019.json", {"images": images, "categories": kinds, "annotations": rows})


@layout
def classes_with_a_script_beside(upload: Upload) -> None:
    """animals10: folders in Italian, and a script that translates."""
    upload.folders("raw-img", ["cane", "cavallo", "elefante"])
    upload.text("translate.py", 'translate = {"cane": "dog", "cavallo": "horse"}\n')


@layout
def surfaces_with_labels_below(upload: Upload) -> None:
    """DAGM: Train and Test below each class, and masks of its defects in a folder called Label."""
    for name in ("Class1", "Class2"):
        for folder, side, first in (("Train", "train", 1), ("Test", "test", 50)):
            for number in range(first, first + 5):
                upload.image(f"DAGM/{name}/{folder}/{number:04d}.PNG", name, side)
            upload.mask(f"DAGM/{name}/{folder}/Label/{first:04d}_label.PNG")
            upload.text(
                f"DAGM/{name}/{folder}/Label/Labels.txt",
                ["1", f"{first}\t1\t{first:04d}.PNG\t1\t{first:04d}_label.PNG"],
            )
    upload.may_refuse = True


@layout
def parts_with_masks_in_one_folder(upload: Upload) -> None:
    """KolektorSDD: a folder for each item, each image beside its mask."""
    for item in ("kos01", "kos02", "kos03"):
        for number in range(4):
            upload.image(f"{item}/Part{number}.jpg")
            upload.mask(f"{item}/Part{number}_label.png")
    upload.must_not_be_ready = True


@layout
def pixels_in_a_table(upload: Upload) -> None:
    """Fashion-MNIST on Kaggle: the table holds the pixels; a picture shows some of them."""
    upload.table("fashion-mnist_train.csv", ["label", *(f"pixel{n}" for n in range(1, 65))],
                 [[n % 10, *([0] * 64)] for n in range(20)])  # fmt: skip
    upload.image("sprite.png")
    upload.must_not_be_ready = True


@layout
def image_folder_with_labels_in_json_lines(upload: Upload) -> None:
    """Hugging Face: metadata.jsonl in each split's folder."""
    classes = upload.classes(3)
    for folder, side, each, first in (("train", "train", 5, 0), ("validation", "val", 2, 50)):
        pairs = upload.labelled(f"data/{folder}", classes, each, side, first=first)
        rows = (f'{{"file_name": "{name}", "label": "{label}"}}' for name, label in by_name(pairs))
        upload.text(f"data/{folder}/metadata.jsonl", rows)


@layout
def image_folder_with_captions(upload: Upload) -> None:
    """Hugging Face: each text is another one, so no class."""
    rows = []
    for number in range(10):
        path = upload.image(f"train/{number:04d}.png")
        rows.append([name_of(path), f"a photo of thing number {number} on a table"])
    upload.table("train/metadata.csv", ["file_name", "text"], rows)
    upload.must_not_be_ready = True


@layout
def image_folder_with_objects(upload: Upload) -> None:
    """Hugging Face: boxes and categories as lists in JSON lines."""
    rows = []
    for path, boxes in upload.boxed("train", ["bolt", "nut"]):
        found = {
            "bbox": [list(place) for _, *place in boxes],
            "categories": [["bolt", "nut"].index(n) for n, *_ in boxes],
        }
        rows.append({"file_name": name_of(path), "objects": found})
    upload.text("train/metadata.jsonl", (json.dumps(row) for row in rows))
    upload.may_refuse = True


@layout
def plants_in_colour_grey_and_segmented(upload: Upload) -> None:
    """PlantVillage: the same classes three times."""
    for folder in ("color", "grayscale", "segmented"):
        for name in ("Apple___Black_rot", "Apple___healthy"):
            for number in range(5):
                upload.image(f"plantvillage dataset/{folder}/{name}/{number}.JPG", name)
    upload.may_refuse = True


@layout
def new_plant_diseases(upload: Upload) -> None:
    """A set in a folder of its own name twice, with "(Augmented)", and a flat test beside."""
    top = "New Plant Diseases Dataset(Augmented)/New Plant Diseases Dataset(Augmented)"
    classes = ["Apple___Apple_scab", "Tomato___healthy"]
    for folder, side, each, first in (("train", "train", 6, 0), ("valid", "val", 3, 50)):
        upload.folders(f"{top}/{folder}", classes, each, side, ".JPG", first)
    for number in range(3):
        upload.image(f"test/test/AppleScab{number}.JPG")


@layout
def hashed_names_in_a_list_with_urls(upload: Upload) -> None:
    """A crawl: names of files are hashes, the table has the address as well."""
    pairs = upload.labelled("photos", upload.classes(3), stem=hashed)
    rows = [[f"https://example.org/p/{n}.jpg", name_of(path), label] for n, (path, label) in enumerate(pairs)]
    upload.table("index.csv", ["url", "filename", "label"], rows)


@layout
def medical_images_by_patient(upload: Upload) -> None:
    """BreakHis-like: kinds, then patients, then magnifications."""
    for name in ("benign", "malignant"):
        for patient in (f"SOB_{name[0].upper()}_14-1", f"SOB_{name[0].upper()}_14-2"):
            for scale in ("40X", "100X"):
                for number in range(2):
                    upload.image(f"BreaKHis/{name}/{patient}/{scale}/{patient}-{number}.png", name)
    upload.may_refuse = True


@layout
def tiles_by_patient(upload: Upload) -> None:
    """IDC: a folder for each patient, and 0 and 1 below."""
    for patient in ("10253", "10254", "10255"):
        for label in ("0", "1"):
            for number in range(4):
                upload.image(f"IDC/{patient}/{label}/{patient}_x{number}_class{label}.png", label)
    upload.may_refuse = True


@layout
def names_that_stand_in_two_folders(upload: Upload) -> None:
    """A table of one of two folders whose images have the same names: which one?"""
    pairs = upload.labelled("north", ["frog", "truck"], stem="{}".format, first=1)
    upload.table("labels.csv", ["id", "label"], [(stem_of(path), label) for path, label in pairs])
    for path, _ in pairs:
        upload.image(path.replace("north", "south"))
    upload.must_not_be_ready = True


@layout
def names_that_stand_in_another_folder_too(upload: Upload) -> None:
    """Some names stand in a second folder: these labels are lost unless somebody says which is meant."""
    pairs = upload.labelled("north", ["frog", "truck"], stem="{}".format, first=1)
    upload.table("labels.csv", ["filename", "label"], by_name(pairs))
    for path, _ in pairs[:3]:
        upload.image(path.replace("north", "south"))
    upload.must_not_be_ready = True
