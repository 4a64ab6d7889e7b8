"""Segmentation sets: a mask beside each image is no class."""

from __future__ import annotations

from .upload import Upload, layout


def _pairs(upload: Upload, images: str, masks: str, count: int = 8, ending: str = "", first: int = 0) -> None:
    for number in range(first, first + count):
        upload.image(f"{images}/{number:04d}.jpg")
        upload.mask(f"{masks}/{number:04d}{ending}.png")
    upload.must_not_be_ready = True


@layout
def images_and_masks(upload: Upload) -> None:
    _pairs(upload, "seg/images", "seg/masks")


@layout
def images_and_annotations(upload: Upload) -> None:
    """PaddleX and PaddleSeg, with lists of pairs."""
    _pairs(upload, "dataset/images", "dataset/annotations")
    pairs = [f"images/{n:04d}.jpg annotations/{n:04d}.png" for n in range(8)]
    upload.text("dataset/train.txt", pairs[:6])
    upload.text("dataset/val.txt", pairs[6:])
    upload.text("dataset/labels.txt", ["background", "road"])


@layout
def img_and_label(upload: Upload) -> None:
    _pairs(upload, "img", "label")


@layout
def camera_and_segmentation(upload: Upload) -> None:
    """lyft-udacity: both are PNG files of the same name."""
    for part in ("dataA/dataA", "dataB/dataB"):
        for number in range(5):
            upload.image(f"{part}/CameraRGB/F61-{number}.png")
            upload.mask(f"{part}/CameraSeg/F61-{number}.png", 7)
    upload.must_not_be_ready = True


@layout
def masks_below_splits(upload: Upload) -> None:
    for split, first in (("train", 0), ("val", 100)):
        _pairs(upload, f"{split}/images", f"{split}/masks", 6, first=first)


@layout
def splits_below_images_and_masks(upload: Upload) -> None:
    for split, first in (("train", 0), ("val", 100)):
        _pairs(upload, f"set/img_dir/{split}", f"set/ann_dir/{split}", 6, first=first)


@layout
def tops_of_splits_and_kinds(upload: Upload) -> None:
    """Carvana and CamVid: a top for each split and kind."""
    for split, first in (("train", 0), ("val", 100), ("test", 200)):
        _pairs(upload, f"CamVid/{split}", f"CamVid/{split}annot", 5, first=first)


@layout
def masks_with_an_ending(upload: Upload) -> None:
    _pairs(upload, "carvana/train", "carvana/train_masks", 8, "_mask")


@layout
def masks_in_the_folder_of_images(upload: Upload) -> None:
    """Massachusetts roads: an image and its mask lie side by side, in folders that are splits."""
    for split, first in (("train", 0), ("valid", 100)):
        for number in range(first, first + 6):
            upload.image(f"{split}/{number}_sat.jpg")
            upload.mask(f"{split}/{number}_mask.png")
    upload.must_not_be_ready = True


@layout
def voc_segmentation_without_boxes(upload: Upload) -> None:
    for number in range(8):
        upload.image(f"VOC2012/JPEGImages/2007_{number:06d}.jpg")
        upload.mask(f"VOC2012/SegmentationClass/2007_{number:06d}.png")
    names = [f"2007_{number:06d}" for number in range(8)]
    upload.text("VOC2012/ImageSets/Segmentation/train.txt", names[:6])
    upload.text("VOC2012/ImageSets/Segmentation/val.txt", names[6:])
    upload.must_not_be_ready = True


@layout
def cityscapes(upload: Upload) -> None:
    for split, city in (("train", "aachen"), ("val", "lindau")):
        for number in range(5):
            stem = f"{city}_{number:06d}_000019"
            upload.image(f"leftImg8bit/{split}/{city}/{stem}_leftImg8bit.png")
            upload.mask(f"gtFine/{split}/{city}/{stem}_gtFine_labelIds.png")
            upload.mask(f"gtFine/{split}/{city}/{stem}_gtFine_color.png", 9)
    upload.must_not_be_ready = True


@layout
def masks_beside_images_of_classes(upload: Upload) -> None:
    """BUSI: folders are classes, and masks lie among the images."""
    for name in ("benign", "malignant", "normal"):
        for number in range(1, 7):
            upload.image(f"Dataset_BUSI_with_GT/{name}/{name} ({number}).png", name)
            upload.mask(f"Dataset_BUSI_with_GT/{name}/{name} ({number})_mask.png")
    upload.may_refuse = True


@layout
def masks_beside_splits_of_classes(upload: Upload) -> None:
    classes = upload.classes(3)
    for split, each, first in (("train", 6, 0), ("val", 3, 50)):
        upload.folders(f"parts/{split}", classes, each, split, first=first)
    for path, split in upload.splits.items():
        upload.mask(f"parts/{split}_masks/{path.rpartition('/')[2].rpartition('.')[0]}.png")


@layout
def images_and_masks_below_classes(upload: Upload) -> None:
    """COVID-19 Radiography: every class has images and masks of the same names."""
    top = "COVID-19_Radiography_Dataset"
    for name in ("COVID", "Normal", "Viral Pneumonia"):
        for number in range(1, 7):
            upload.image(f"{top}/{name}/images/{name}-{number}.png", name)
            upload.mask(f"{top}/{name}/masks/{name}-{number}.png", 255)
        upload.files[f"{top}/{name}.metadata.xlsx"] = b"PK\3\4rubbish"
    upload.may_refuse = True


@layout
def segmented_copies_beside_colour(upload: Upload) -> None:
    """PlantVillage: colour, grey and cut-out copies of one set; the tops are renderings, not classes."""
    classes = ["Apple___healthy", "Apple___rust", "Apple___scab"]
    for name in classes:
        for number in range(5):
            for top in ("color", "grayscale", "segmented"):
                ending = "_final_masked" if top == "segmented" else ""
                path = f"plantvillage dataset/{top}/{name}/{number}{ending}.jpg"
                upload.image(path, name)
    upload.must_not_be_ready = True


@layout
def masks_under_a_plain_name(upload: Upload) -> None:
    """The same file names in two folders, as JPEG and as PNG: only that tells."""
    for number in range(10):
        upload.image(f"polyps/a/{number}.jpg")
        upload.mask(f"polyps/b/{number}.png")
    upload.must_not_be_ready = True


@layout
def original_and_ground_truth(upload: Upload) -> None:
    for number in range(10):
        upload.image(f"CVC-ClinicDB/Original/{number}.png")
        upload.mask(f"CVC-ClinicDB/Ground Truth/{number}.png")
    upload.must_not_be_ready = True
