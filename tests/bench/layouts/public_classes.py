"""Public sets of classes, as their archives are laid out."""

from __future__ import annotations

from .tables import name_of, stem_of
from .upload import Upload, layout

PARTS = (("train", 6, 0), ("test", 3, 50))


@layout
def caltech_101(upload: Upload) -> None:
    """A folder of backgrounds counts as one more class."""
    classes = ["accordion", "airplanes", "anchor"]
    upload.folders("101_ObjectCategories", classes)
    upload.folders("101_ObjectCategories", ["BACKGROUND_Google"])
    upload.files["caltech101/Annotations.tar"] = b"annotations"


@layout
def oxford_pets(upload: Upload) -> None:
    """Lines of name, class id, species and breed; ids from 1, and no file of class names."""
    breeds = ["Abyssinian", "beagle", "Bengal"]
    rows = {}
    for split, each, first in (("trainval", 5, 1), ("test", 3, 50)):
        rows[split] = []
        for number, breed in enumerate(breeds, 1):
            for image in range(first, first + each):
                side = "train" if split == "trainval" else "test"
                path = upload.image(f"images/{breed}_{image}.jpg", breed, side)
                rows[split].append(f"{stem_of(path)} {number} 1 {number}")
                upload.mask(f"annotations/trimaps/{stem_of(path)}.png")
        upload.text(f"annotations/{split}.txt", rows[split])
    upload.text(
        "annotations/list.txt", ["#Image CLASS-ID SPECIES BREED ID", *rows["trainval"], *rows["test"]]
    )
    upload.may_refuse = True


@layout
def stanford_dogs(upload: Upload) -> None:
    """Folders of synsets and names; the boxes are XML files without a suffix."""
    for folder in ("n02085620-Chihuahua", "n02085782-Japanese_spaniel"):
        for number in range(6):
            path = upload.image(f"Images/{folder}/{folder[:9]}_{number}.jpg", folder)
            upload.text(f"Annotation/{folder}/{stem_of(path)}", "<annotation><object></object></annotation>")


@layout
def stanford_cars_with_matlab(upload: Upload) -> None:
    upload.unlabelled("cars_train", 8)
    upload.unlabelled("cars_test", 4)
    upload.files["devkit/cars_train_annos.mat"] = b"MATLAB 5.0 MAT-file" + bytes(200)
    upload.must_not_be_ready = True


@layout
def flowers_102_with_matlab(upload: Upload) -> None:
    upload.unlabelled("jpg", 9, stem="image_0000")
    upload.files["imagelabels.mat"] = b"MATLAB 5.0 MAT-file" + bytes(200)
    upload.files["setid.mat"] = b"MATLAB 5.0 MAT-file" + bytes(200)
    upload.must_not_be_ready = True


@layout
def birds_200(upload: Upload) -> None:
    """CUB-200: numbered images, labels and split in files of their own; folders say the classes as well."""
    classes = ["001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Sooty_Albatross"]
    top, images, labels, split = "CUB_200_2011", [], [], []
    for class_id, name in enumerate(classes, 1):
        for number in range(8):
            side = "train" if number < 5 else "test"
            path = upload.image(f"{top}/images/{name}/{name[4:]}_{number:04d}.jpg", name, side)
            images.append(f"{len(images) + 1} {path.removeprefix(f'{top}/images/')}")
            labels.append(f"{len(images)} {class_id}")
            split.append(f"{len(images)} {int(number < 5)}")
    upload.text(f"{top}/images.txt", images)
    upload.text(f"{top}/image_class_labels.txt", labels)
    upload.text(f"{top}/train_test_split.txt", split)
    upload.text(f"{top}/classes.txt", (f"{n} {name}" for n, name in enumerate(classes, 1)))
    upload.text(f"{top}/bounding_boxes.txt", (f"{n} 5.0 6.0 20.0 20.0" for n in range(1, len(images) + 1)))
    upload.any_split = True


@layout
def food_101(upload: Upload) -> None:
    """Lists of paths without a suffix in meta/, beside class folders."""
    classes = ["apple_pie", "baby_back_ribs", "baklava"]
    lists = {}
    for split, each, first in PARTS:
        lists[split] = []
        for name in classes:
            for number in range(first, first + each):
                upload.image(f"food-101/images/{name}/{100000 + number}.jpg", name, split)
                lists[split].append(f"{name}/{100000 + number}")
        upload.text(f"food-101/meta/{split}.txt", lists[split])
        upload.json(
            f"food-101/meta/{split}.json", {name: [p for p in lists[split] if name in p] for name in classes}
        )
    upload.text("food-101/meta/classes.txt", classes)
    upload.text("food-101/meta/labels.txt", (name.replace("_", " ") for name in classes))


@layout
def describable_textures(upload: Upload) -> None:
    """DTD: ten splits to choose from."""
    classes = ["banded", "blotchy", "braided"]
    paths = []
    for name in classes:
        for number in range(9):
            path = upload.image(f"dtd/images/{name}/{name}_{number:04d}.jpg", name)
            paths.append(path.removeprefix("dtd/images/"))
    for fold in (1, 2, 10):
        for at, side in enumerate(("train", "val", "test")):
            upload.text(f"dtd/labels/{side}{fold}.txt", paths[(at + fold) % 3 :: 3])
    upload.text("dtd/labels/labels_joint_anno.txt", (f"{path} {path.split('/')[0]} " for path in paths))
    upload.files["dtd/imdb/imdb.mat"] = b"MATLAB 5.0 MAT-file" + bytes(200)
    upload.any_split = True


@layout
def scenes_below_letters(upload: Upload) -> None:
    """SUN397: classes lie in folders of their first letter."""
    for name in ("abbey", "airport_terminal", "bakery", "balcony", "campus"):
        for number in range(5):
            upload.image(f"SUN397/{name[0]}/{name}/sun_{number:08x}q.jpg", name)
    upload.text(
        "SUN397/ClassName.txt", ["/a/abbey", "/a/airport_terminal", "/b/bakery", "/b/balcony", "/c/campus"]
    )
    upload.may_refuse = True


@layout
def satellite_tiles(upload: Upload) -> None:
    """EuroSAT: the folder above is a number."""
    for name in ("AnnualCrop", "Forest", "SeaLake"):
        for number in range(6):
            upload.image(f"2750/{name}/{name}_{number}.jpg", name)


@layout
def defects_of_bottles(upload: Upload) -> None:
    """MVTec AD: only good images for training, masks of the defects beside. It is no set of classes."""
    for number in range(8):
        upload.image(f"bottle/train/good/{number:03d}.png")
    for kind in ("good", "broken_large", "contamination"):
        for number in range(4):
            upload.image(f"bottle/test/{kind}/{number:03d}.png")
            if kind != "good":
                upload.mask(f"bottle/ground_truth/{kind}/{number:03d}_mask.png")
    upload.text("bottle/license.txt", "CC BY-NC-SA\n")
    upload.must_not_be_ready = True


@layout
def digits_in_training_and_testing(upload: Upload) -> None:
    for folder, split, each, first in (("training", "train", 6, 0), ("testing", "test", 3, 50)):
        upload.folders(f"mnist_png/{folder}", list("0123"), each, split, suffix=".png", first=first)


@layout
def a_table_of_cifar(upload: Upload) -> None:
    """Kaggle's CIFAR-10: numbers for names, numbered from 1."""
    pairs = upload.labelled("train", ["frog", "truck", "deer"], stem="{}".format, suffix=".png", first=1)
    upload.table("trainLabels.csv", ["id", "label"], [(stem_of(path), label) for path, label in pairs])
    test = upload.unlabelled("test", 5, suffix=".png")
    upload.table("sampleSubmission.csv", ["id", "label"], [(stem_of(path), "cat") for path in test])


@layout
def skin_lesions(upload: Upload) -> None:
    """HAM10000: the diagnosis among columns of age, sex and place."""
    classes, rows = ["nv", "mel", "bkl"], []
    for part, first in ((1, 0), (2, 40)):
        for path, label in upload.labelled(
            f"HAM10000_images_part_{part}", classes, stem="ISIC_{:07d}".format, first=first
        ):
            number = len(rows)
            rows.append(
                [
                    f"HAM_{number // 2:07d}",
                    stem_of(path),
                    label,
                    ["histo", "follow_up"][number % 2],
                    float(30 + number % 5 * 5),
                    ["male", "female"][number // 3 % 2],
                    ["back", "face", "chest"][number // 5 % 3],
                ]
            )
    titles = ["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"]
    upload.table("HAM10000_metadata.csv", titles, rows)


@layout
def x_rays_of_several_findings(upload: Upload) -> None:
    """NIH chest X-rays: an image may have several findings."""
    rows = []
    for number in range(12):
        path = upload.image(f"images_001/images/{number:08d}_000.png")
        rows.append(
            [
                name_of(path),
                ["Cardiomegaly|Effusion", "No Finding", "Mass|Nodule"][number % 3],
                number,
                number,
                "M",
            ]
        )
    titles = ["Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Gender"]
    upload.table("Data_Entry_2017.csv", titles, rows)
    upload.must_not_be_ready = True


@layout
def x_rays_in_splits(upload: Upload) -> None:
    for split, each, first in (("train", 6, 0), ("val", 2, 50), ("test", 3, 80)):
        upload.folders(f"chest_xray/chest_xray/{split}", ["NORMAL", "PNEUMONIA"], each, split, ".jpeg", first)


@layout
def domains_above_classes(upload: Upload) -> None:
    """Office-31: three domains of the same classes. Which folders are the classes?"""
    for first, domain in enumerate(("amazon", "dslr", "webcam")):
        upload.folders(f"{domain}/images", ["back_pack", "bike", "mug"], each=4, first=10 * first)
    upload.may_refuse = True


@layout
def faces_by_person(upload: Upload) -> None:
    """LFW: a folder for each person, many with few images."""
    for name, count in (("Aaron_Eckhart", 3), ("Abba_Eban", 2), ("Tony_Blair", 8)):
        for number in range(1, count + 1):
            upload.image(f"lfw/{name}/{name}_{number:04d}.jpg", name)
