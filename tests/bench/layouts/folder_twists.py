"""Class folders with something else in, above or beside them."""

from __future__ import annotations

from .upload import Upload, layout


@layout
def a_set_nested_inside_itself(upload: Upload) -> None:
    """chest-xray-pneumonia: the whole set again, in a folder of the set's own name, and macOS rubbish."""
    classes = ["NORMAL", "PNEUMONIA"]
    upload.folders("chest_xray/train", classes, split="train")
    upload.folders("chest_xray/val", classes, each=3, split="val", first=50)
    upload.folders("chest_xray/test", classes, each=2, split="test", first=70)
    for path in list(upload.labels):
        upload.copy(path, f"chest_xray/{path}", optional=True)
        upload.files[f"chest_xray/__MACOSX/{path.replace('/', '/._')}"] = b"\0\5\26\7rubbish"


@layout
def class_folders_nested_inside_themselves(upload: Upload) -> None:
    classes = upload.classes(3)
    upload.folders("garbage/garbage", classes)
    for path in list(upload.labels):
        upload.copy(path, path.removeprefix("garbage/"), optional=True)


@layout
def rubbish_of_operating_systems(upload: Upload) -> None:
    classes = upload.classes(2)
    upload.folders("pets", classes)
    for path in list(upload.labels):
        folder, _, name = path.rpartition("/")
        upload.files[f"__MACOSX/{folder}/._{name}"] = b"\0\5\26\7rubbish"
        upload.files[f"{folder}/.DS_Store"] = b"\0\0\0\1Bud1"
        upload.files[f"{folder}/Thumbs.db"] = b"\xd0\xcf\x11\xe0rubbish"
        upload.files[f"{folder}/desktop.ini"] = b"[.ShellClassInfo]\r\n"


@layout
def checkpoints_of_notebooks(upload: Upload) -> None:
    """Jupyter keeps copies of what was opened in a hidden folder; they are no images of the author's."""
    classes = upload.classes(2)
    upload.folders("data/train", classes, split="train")
    upload.folders("data/val", classes, each=3, split="val", first=50)
    for name in classes:
        source = f"data/train/{name}/{name}_000.jpg"
        target = f"data/train/{name}/.ipynb_checkpoints/{name}_000-checkpoint.jpg"
        upload.files[target] = upload.files[source]
        upload.files[f"data/train/.ipynb_checkpoints/{name}-checkpoint.jpg"] = upload.files[source]


@layout
def thumbnails_of_a_file_server(upload: Upload) -> None:
    """Synology keeps a folder of small pictures for each image."""
    for name in upload.classes(3):
        for number in range(6):
            upload.image(f"photos/{name}/{number}.jpg", name)
            upload.image(f"photos/{name}/@eaDir/{number}.jpg/SYNOPHOTO_THUMB_M.jpg")


@layout
def sessions_below_classes(upload: Upload) -> None:
    """Each class has the same subfolders: they are days, and the tops are the classes."""
    for name in upload.classes(3):
        for day in ("2024-05-01", "2024-05-02"):
            for number in range(4):
                upload.image(f"defects/{name}/{day}/{number}.jpg", name)


@layout
def different_subfolders_below_classes(upload: Upload) -> None:
    for name in upload.classes(3):
        for camera in (f"cam_{name[:2]}_a", f"cam_{name[:2]}_b"):
            for number in range(4):
                upload.image(f"defects/{name}/{camera}/{number}.jpg", name)
    upload.may_refuse = True


@layout
def two_levels_of_classes(upload: Upload) -> None:
    """Coarse classes hold fine ones: nobody can tell which of them are meant."""
    for top, below in (("animals", ("cat", "dog")), ("vehicles", ("car", "bus"))):
        for name in below:
            for number in range(6):
                upload.image(f"{top}/{name}/{number}.jpg", name)
    upload.must_not_be_ready = True


@layout
def folds_above_classes(upload: Upload) -> None:
    classes = upload.classes(3)
    for fold in range(1, 5):
        upload.folders(f"UrbanSet/fold{fold}", classes, each=3, first=fold * 10)
    upload.may_refuse = True
    upload.any_split = True


@layout
def batches_above_classes(upload: Upload) -> None:
    """The tops are deliveries; the same classes stand below each."""
    classes = upload.classes(3)
    for batch in ("batch_a", "batch_b", "batch_c"):
        upload.folders(f"line3/{batch}", classes, each=3, first=ord(batch[-1]))
    upload.may_refuse = True


@layout
def magnifications_below_classes(upload: Upload) -> None:
    """BreakHis in short: class, then kind of tumour, then magnification."""
    kinds = {"benign": ("adenosis", "fibroadenoma"), "malignant": ("ductal_carcinoma", "lobular_carcinoma")}
    for name, below in kinds.items():
        for kind in below:
            for zoom in ("40X", "100X"):
                for number in range(2):
                    path = f"breast/{name}/SOB/{kind}/{zoom}/SOB_{kind[0]}-{number}-{zoom}.png"
                    upload.image(path, name)
    upload.must_not_be_ready = True


@layout
def images_loose_beside_class_folders(upload: Upload) -> None:
    upload.folders("pets", upload.classes(2))
    upload.image("pets/cover.jpg")


@layout
def a_docs_folder_beside_splits(upload: Upload) -> None:
    classes = upload.classes(2)
    upload.folders("repo/train", classes, split="train")
    upload.folders("repo/val", classes, each=3, split="val", first=50)
    upload.image("repo/docs/figure1.png")
    upload.image("repo/docs/figure2.png")
    upload.text("repo/train.py", "import torch\n")
    upload.readme("repo/README.md")


@layout
def a_repository_around_class_folders(upload: Upload) -> None:
    """A downloaded repository: the set lies in it beside code, screenshots and results."""
    classes = upload.classes(3)
    upload.folders("project-main/dataset", classes)
    upload.image("project-main/assets/demo.png")
    upload.image("project-main/screenshots/page.png")
    upload.text("project-main/requirements.txt", "torch==2.1\npillow\n")
    upload.text("project-main/src/train.py", "import torch\n")
    upload.json("project-main/package.json", {"name": "x", "version": "1.0.0"})
    upload.may_refuse = True


@layout
def results_beside_splits(upload: Upload) -> None:
    """Plots of an earlier training lie beside the set."""
    classes = upload.classes(3)
    upload.folders("data/train", classes, split="train")
    upload.folders("data/test", classes, each=3, split="test", first=50)
    upload.image("data/runs/confusion_matrix.png")
    upload.image("data/runs/results.png")
    upload.files["data/best_model.h5"] = b"\x89HDF\r\n\x1a\nrubbish"


@layout
def augmented_images_beside_splits(upload: Upload) -> None:
    """A copy of the training set, turned and mirrored, is part of nobody's split."""
    classes = upload.classes(2)
    upload.folders("plants/train", classes, split="train")
    upload.folders("plants/val", classes, each=3, split="val", first=50)
    upload.folders("plants/augmented", classes, each=4, first=80, labelled=False)


@layout
def a_map_of_ids_beside_numbered_folders(upload: Upload) -> None:
    """flowers-102: folders are ids, and a JSON file says their names."""
    names = {"1": "pink primrose", "2": "hard-leaved orchid", "10": "globe thistle"}
    upload.folders("train", list(names), split="train")
    upload.folders("valid", list(names), each=3, split="val", first=50)
    upload.json("cat_to_name.json", names)
    upload.aliases = dict(names)


@layout
def a_broken_image_in_each_class(upload: Upload) -> None:
    """PetImages: two files without content, and a text beside."""
    upload.folders("PetImages", ["Cat", "Dog"], each=8)
    upload.files["PetImages/Cat/666.jpg"] = b""
    upload.files["PetImages/Dog/11702.jpg"] = b""
    upload.text("readme[1].txt", "Images from 2007.\n")


@layout
def empty_class_folders(upload: Upload) -> None:
    upload.folders("set", upload.classes(2))
    upload.files["set/zebra/.gitkeep"] = b""


@layout
def annotation_folders_of_the_same_classes(upload: Upload) -> None:
    """Stanford Dogs: a second tree of the same class folders holds annotations without a suffix."""
    for name in ("n02085620-Chihuahua", "n02085782-Japanese_spaniel"):
        for number in range(6):
            stem = f"{name.partition('-')[0]}_{number}"
            upload.image(f"images/Images/{name}/{stem}.jpg", name)
            xml = "<annotation><folder>x</folder><filename>%s</filename></annotation>"
            upload.text(f"annotations/Annotation/{name}/{stem}", xml)
        upload.aliases[name] = name.partition("-")[2]


@layout
def two_sets_in_one_upload(upload: Upload) -> None:
    """Sets about different things lie beside each other: none of them is the upload."""
    upload.folders("cats_vs_dogs", ["cat", "dog"])
    upload.folders("flowers", ["rose", "tulip"])
    upload.must_not_be_ready = True
