"""Folders named after classes, with and without a split above them."""

from __future__ import annotations

from .upload import Upload, layout


@layout
def class_folders(upload: Upload) -> None:
    upload.folders("", upload.classes(3))


@layout
def class_folders_in_two_outer_folders(upload: Upload) -> None:
    upload.folders("archive (3)/my dataset", upload.classes(3))
    upload.readme("archive (3)/README.md")


@layout
def class_folders_in_a_chinese_outer_folder(upload: Upload) -> None:
    upload.folders("我的 数据集/图片", upload.classes(2))


@layout
def class_folders_with_upper_case_suffixes(upload: Upload) -> None:
    classes = upload.classes(3)
    upload.folders("DATA", classes, suffix=".JPG")
    upload.folders("DATA", classes, each=2, suffix=".PNG", first=20)


@layout
def class_folders_of_other_image_formats(upload: Upload) -> None:
    first, second, third = upload.classes(3)
    upload.folders("set", [first], suffix=".bmp")
    upload.folders("set", [second], suffix=".webp")
    upload.folders("set", [third], suffix=".tif")


@layout
def class_folders_in_a_tar(upload: Upload) -> None:
    upload.archive = "tar"
    upload.folders("flower_photos", upload.classes(3))
    upload.text("flower_photos/LICENSE.txt", "All images are CC-BY.\n")


@layout
def class_folders_in_a_tar_gz(upload: Upload) -> None:
    upload.archive = "tar.gz"
    upload.folders("flower_photos", upload.classes(3))
    upload.text("flower_photos/LICENSE.txt", "All images are CC-BY.\n")


@layout
def class_folders_in_a_tar_xz(upload: Upload) -> None:
    upload.archive = "tar.xz"
    upload.may_refuse = True
    upload.folders("set", upload.classes(3))


@layout
def digits_as_folder_names(upload: Upload) -> None:
    upload.folders("mnist_png", [str(digit) for digit in range(10)], each=3)


@layout
def digits_as_folder_names_with_a_split(upload: Upload) -> None:
    digits = [str(digit) for digit in range(5)]
    upload.folders("mnist_png/training", digits, each=4, split="train")
    upload.folders("mnist_png/testing", digits, each=2, split="test", first=50)


@layout
def names_that_begin_with_numbers(upload: Upload) -> None:
    upload.folders("coins", ["1 Euro", "2 Euro", "50 Cent"])


@layout
def names_with_numbered_prefixes(upload: Upload) -> None:
    """CUB-200: the class is numbered in its folder's name; the tables beside it are of ids."""
    classes = ["001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Sooty_Albatross"]
    upload.folders("CUB_200_2011/images", classes)
    paths = [path.removeprefix("CUB_200_2011/images/") for path in upload.labels]
    upload.text("CUB_200_2011/images.txt", (f"{n} {path}" for n, path in enumerate(paths, 1)))
    upload.text("CUB_200_2011/classes.txt", (f"{n} {name}" for n, name in enumerate(classes, 1)))
    ids = (f"{n} {classes.index(path.partition('/')[0]) + 1}" for n, path in enumerate(paths, 1))
    upload.text("CUB_200_2011/image_class_labels.txt", ids)
    upload.text("CUB_200_2011/train_test_split.txt", (f"{n} {n % 2}" for n in range(1, len(paths) + 1)))
    upload.any_split = True
    for name in classes:
        upload.aliases[name] = name.partition(".")[2]


@layout
def same_file_names_in_every_class(upload: Upload) -> None:
    """Caltech 101: each class counts its images from one."""
    for name in upload.classes(4):
        for number in range(1, 7):
            upload.image(f"101_ObjectCategories/{name}/image_{number:04d}.jpg", name)


@layout
def classes_with_and_without_a_mask(upload: Upload) -> None:
    """The names of classes hold the word mask, and both number their images alike."""
    for name in ("with_mask", "without_mask"):
        for number in range(8):
            upload.image(f"data/{name}/{number}.jpg", name)


@layout
def a_class_called_train(upload: Upload) -> None:
    upload.folders("vehicles", ["bus", "plane", "train"])


@layout
def a_class_called_train_below_a_split(upload: Upload) -> None:
    upload.folders("train", ["bus", "plane", "train"], split="train")
    upload.folders("test", ["bus", "plane", "train"], each=3, split="test", first=50)


@layout
def train_and_val(upload: Upload) -> None:
    classes = upload.classes(2)
    upload.folders("hymenoptera_data/train", classes, split="train")
    upload.folders("hymenoptera_data/val", classes, each=3, split="val", first=50)


@layout
def train_valid_and_test(upload: Upload) -> None:
    classes = upload.classes(3)
    upload.folders("train", classes, split="train")
    upload.folders("valid", classes, each=3, split="val", first=50)
    upload.folders("test", classes, each=2, split="test", first=70)


@layout
def train_and_test(upload: Upload) -> None:
    classes = upload.classes(3)
    upload.folders("Dataset/Train", classes, split="train")
    upload.folders("Dataset/Test", classes, each=3, split="test", first=50)


@layout
def train_alone(upload: Upload) -> None:
    upload.folders("train", upload.classes(3))


@layout
def upper_case_splits_and_a_simple_test(upload: Upload) -> None:
    """Kaggle blood-cells: TRAIN, TEST and a smaller TEST_SIMPLE with the same classes."""
    classes = ["EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL"]
    top = "dataset2-master/dataset2-master/images"
    upload.folders(f"{top}/TRAIN", classes, split="train")
    upload.folders(f"{top}/TEST", classes, each=3, split="test", first=50)
    upload.folders(f"{top}/TEST_SIMPLE", classes, each=1, split="test", first=70)
    upload.optional |= {path for path in upload.labels if "TEST_SIMPLE" in path}


@layout
def seg_train_seg_test_seg_pred(upload: Upload) -> None:
    classes = upload.classes(4)
    upload.folders("seg_train/seg_train", classes, split="train")
    upload.folders("seg_test/seg_test", classes, each=3, split="test", first=50)
    upload.unlabelled("seg_pred/seg_pred")


@layout
def training_set_and_test_set(upload: Upload) -> None:
    classes = upload.classes(2)
    upload.folders("training_set/training_set", classes, split="train")
    upload.folders("test_set/test_set", classes, each=3, split="test", first=50)
    upload.image("single_prediction/cat_or_dog_1.jpg")


@layout
def train_images_and_val_images(upload: Upload) -> None:
    classes = upload.classes(3)
    upload.folders("train_images", classes, split="train")
    upload.folders("val_images", classes, each=3, split="val", first=50)


@layout
def years_in_the_names_of_splits(upload: Upload) -> None:
    classes = upload.classes(3)
    upload.folders("iNat/train2018", classes, split="train")
    upload.folders("iNat/val2018", classes, each=3, split="val", first=50)


@layout
def splits_named_after_the_set(upload: Upload) -> None:
    """fruits-360: the splits stand beside folders without classes."""
    classes = upload.classes(3)
    upload.folders("fruits-360/Training", classes, split="train")
    upload.folders("fruits-360/Test", classes, each=3, split="test", first=50)
    upload.unlabelled("fruits-360/test-multiple_fruits")
    upload.text("fruits-360/papers/paper.pdf", "%PDF-1.4\n")


@layout
def training_validation_evaluation(upload: Upload) -> None:
    """food-11: evaluation is the third part, not a second validation set."""
    classes = ["Bread", "Dairy product", "Dessert"]
    upload.folders("food11/training", classes, split="train")
    upload.folders("food11/validation", classes, each=3, split="val", first=50)
    upload.folders("food11/evaluation", classes, each=3, split="test", first=70)


@layout
def chinese_names_of_splits(upload: Upload) -> None:
    classes = ["猫", "狗"]
    upload.folders("数据/训练集", classes, split="train")
    upload.folders("数据/验证集", classes, each=3, split="val", first=50)
    upload.folders("数据/测试集", classes, each=2, split="test", first=70)


@layout
def a_class_that_is_missing_in_val(upload: Upload) -> None:
    classes = upload.classes(3)
    upload.folders("train", classes, split="train")
    upload.folders("val", classes[:2], each=3, split="val", first=50)
    upload.may_refuse = True


@layout
def splits_in_camel_case(upload: Upload) -> None:
    classes = upload.classes(2)
    upload.folders("TrainImages", classes, split="train")
    upload.folders("TestImages", classes, each=3, split="test", first=50)


@layout
def splits_below_classes(upload: Upload) -> None:
    for name in upload.classes(2):
        for side, split, each, first in (("train", "train", 6, 0), ("val", "val", 3, 50)):
            for number in range(first, first + each):
                upload.image(f"set/{name}/{side}/{number}.jpg", name, split)


@layout
def rock_paper_scissors(upload: Upload) -> None:
    """A class is called paper, which is also what a folder of papers may be called."""
    upload.folders("rps", ["paper", "rock", "scissors"], split="train")
    upload.labels = {path.replace("rps/", "rps/rps/"): label for path, label in upload.labels.items()}
    upload.files = {path.replace("rps/", "rps/rps/"): content for path, content in upload.files.items()}
    upload.splits = {path: "train" for path in upload.labels}
    upload.folders("rps-test-set/rps-test-set", ["paper", "rock", "scissors"], each=3, split="test", first=50)
    upload.may_refuse = True


@layout
def kinds_of_fruit(upload: Upload) -> None:
    upload.folders("fruit", ["Fig", "Plum", "Date"])
