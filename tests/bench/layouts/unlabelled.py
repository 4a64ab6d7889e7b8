"""Images that nobody labelled: alone, or beside labelled ones."""

from __future__ import annotations

from .upload import Upload, layout


@layout
def all_images_in_one_folder(upload: Upload) -> None:
    upload.unlabelled("images", 12)
    upload.must_not_be_ready = True


@layout
def all_images_at_the_top(upload: Upload) -> None:
    for number in range(12):
        upload.image(f"IMG_{number}.jpg")
    upload.must_not_be_ready = True


@layout
def classes_in_the_names_of_files(upload: Upload) -> None:
    """dogs-vs-cats: the class is the first word of a file's name, and folders are parts."""
    upload.unlabelled("train", 8, stem="cat.")
    upload.unlabelled("train", 8, stem="dog.")
    upload.unlabelled("test1", 6)
    upload.table("sampleSubmission.csv", ["id", "label"], [[n, 0] for n in range(6)])
    upload.must_not_be_ready = True


@layout
def flat_train_and_test(upload: Upload) -> None:
    upload.unlabelled("data/train", 10)
    upload.unlabelled("data/test", 10, stem="t")
    upload.must_not_be_ready = True


@layout
def parts_of_a_download(upload: Upload) -> None:
    """The tops are parts of one large download."""
    for part in range(1, 4):
        upload.unlabelled(f"images_{part:03d}/images", 6, stem=f"{part}_")
    upload.must_not_be_ready = True


@layout
def a_folder_of_unlabelled_beside_splits(upload: Upload) -> None:
    classes = upload.classes(2)
    upload.folders("d/train", classes, split="train")
    upload.folders("d/val", classes, each=3, split="val", first=50)
    upload.unlabelled("d/predict")


@layout
def unlabelled_beside_splits(upload: Upload) -> None:
    """STL-10 as folders."""
    classes = upload.classes(3)
    upload.folders("stl10/train", classes, split="train")
    upload.folders("stl10/test", classes, each=3, split="test", first=50)
    upload.unlabelled("stl10/unlabeled", 10)


@layout
def a_flat_test_beside_train_and_valid(upload: Upload) -> None:
    classes = upload.classes(3)
    top = "New Plant Diseases Dataset(Augmented)/New Plant Diseases Dataset(Augmented)"
    upload.folders(f"{top}/train", classes, split="train", suffix=".JPG")
    upload.folders(f"{top}/valid", classes, each=3, split="val", first=50, suffix=".JPG")
    upload.unlabelled("test/test", 4, suffix=".JPG", stem="AppleScab")


@layout
def a_flat_test_beside_train_alone(upload: Upload) -> None:
    """plant-seedlings: no class is known of the test images, so the split is not given."""
    upload.folders("train", upload.classes(3))
    images = upload.unlabelled("test", 6, suffix=".png")
    rows = [[path.rpartition("/")[2], "Sugar beet"] for path in images]
    upload.table("sample_submission.csv", ["file", "species"], rows)


@layout
def letters_with_a_flat_test(upload: Upload) -> None:
    """asl-alphabet: one test image a letter, its letter in its name."""
    letters = list("ABCD")
    upload.folders("asl_alphabet_train/asl_alphabet_train", letters)
    for letter in letters:
        upload.image(f"asl_alphabet_test/asl_alphabet_test/{letter}_test.jpg")


@layout
def no_label_beside_classes(upload: Upload) -> None:
    """CVAT's ImageNet export: images without a label go into a folder of their own."""
    classes = upload.classes(2)
    upload.folders("", classes)
    upload.unlabelled("no_label", 4)
    upload.text("synsets.txt", classes)


@layout
def unlabelled_beside_classes(upload: Upload) -> None:
    upload.folders("weld", upload.classes(2))
    upload.unlabelled("weld/unlabeled", 6)


@layout
def unlabelled_in_chinese_beside_classes(upload: Upload) -> None:
    upload.folders("数据", ["划痕", "凹坑"])
    upload.unlabelled("数据/未标注", 6)


@layout
def test_beside_classes(upload: Upload) -> None:
    """A flat folder called test beside class folders: no class."""
    upload.folders("pets", upload.classes(2))
    upload.unlabelled("pets/test", 5)


@layout
def no_label_below_a_split(upload: Upload) -> None:
    classes = upload.classes(2)
    upload.folders("train", classes, split="train")
    upload.folders("val", classes, each=3, split="val", first=50)
    upload.unlabelled("train/no_label", 3)
    upload.unlabelled("val/no_label", 2, stem="v")


@layout
def a_class_of_unknown_things(upload: Upload) -> None:
    """``other`` and ``background`` are classes that people train on purpose."""
    upload.folders("bins", ["background", "bottle", "can", "other"])


@layout
def defects_that_are_never_trained(upload: Upload) -> None:
    """MVTec: only good parts are trained on; the defects are in the test set alone, and masks beside."""
    upload.folders("bottle/train", ["good"], split="train")
    upload.folders("bottle/test", ["good", "broken_large", "contamination"], each=3, split="test", first=50)
    for name in ("broken_large", "contamination"):
        for number in range(50, 53):
            upload.mask(f"bottle/ground_truth/{name}/{name}_{number:03d}_mask.png", 255)
    upload.must_not_be_ready = True


@layout
def an_archive_inside(upload: Upload) -> None:
    upload.files["train.zip"] = b"PK\3\4rubbish"
    upload.readme()
    upload.must_not_be_ready = True


@layout
def tensors_and_no_images(upload: Upload) -> None:
    upload.files["train.tfrecord"] = b"\0" * 64
    upload.files["x_train.npy"] = b"\x93NUMPY\1\0"
    upload.must_not_be_ready = True
