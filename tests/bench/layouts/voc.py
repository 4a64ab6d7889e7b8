"""Pascal VOC's XML files and what stands beside them."""

from __future__ import annotations

from .upload import HEIGHT, WIDTH, Box, Upload, layout


def voc(path: str, boxes: list[Box], declaration: str = "") -> str:
    objects = "".join(
        f"<object><name>{name}</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>"
        f"<bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>"
        for name, x, y, w, h in boxes
    )
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
    name = path.rpartition("/")[2]
    return f"{declaration}<annotation><filename>{name}</filename>{size}{objects}</annotation>\n"


def stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


@layout
def voc_2007(upload: Upload) -> None:
    top, names = "VOCdevkit/VOC2007", {}
    for split, first in (("train", 0), ("val", 50)):
        pairs = upload.boxed(
            f"{top}/JPEGImages", ["dog", "cat"], split=split, stem="{:06d}".format, first=first
        )
        for path, boxes in pairs:
            upload.text(f"{top}/Annotations/{stem(path)}.xml", voc(path, boxes))
        names[split] = [stem(path) for path, _ in pairs]
        upload.text(f"{top}/ImageSets/Main/{split}.txt", names[split])
        upload.text(f"{top}/ImageSets/Main/cat_{split}.txt", (f"{name} -1" for name in names[split]))
    upload.text(f"{top}/ImageSets/Main/trainval.txt", names["train"] + names["val"])


@layout
def voc_2012_with_segmentation(upload: Upload) -> None:
    """Masks of some images stand beside the boxes of all."""
    pairs = upload.boxed("VOC2012/JPEGImages", ["dog", "cat"], stem="2008_{:06d}".format)
    for path, boxes in pairs:
        upload.text(f"VOC2012/Annotations/{stem(path)}.xml", voc(path, boxes))
    for path, _ in pairs[:4]:
        upload.mask(f"VOC2012/SegmentationClass/{stem(path)}.png")
        upload.mask(f"VOC2012/SegmentationObject/{stem(path)}.png")
    upload.text("VOC2012/ImageSets/Segmentation/train.txt", (stem(path) for path, _ in pairs[:3]))
    upload.text("VOC2012/ImageSets/Segmentation/val.txt", [stem(pairs[3][0])])


@layout
def voc_side_by_side_in_splits(upload: Upload) -> None:
    """Roboflow's export."""
    for folder, split, first in (("train", "train", 0), ("valid", "val", 50)):
        for path, boxes in upload.boxed(folder, ["bolt", "nut"], split=split, first=first):
            upload.text(f"{folder}/{stem(path)}.xml", voc(path, boxes))


@layout
def voc_with_pictures_of_its_boxes(upload: Upload) -> None:
    """labelme2voc: a second folder has the same names."""
    top = "data_dataset_voc"
    for path, boxes in upload.boxed(f"{top}/JPEGImages", ["nut"]):
        upload.text(f"{top}/Annotations/{stem(path)}.xml", voc(path, boxes))
        upload.image(f"{top}/AnnotationsVisualization/{stem(path)}.jpg")
    upload.text(f"{top}/class_names.txt", ["_background_", "nut"])


@layout
def voc_in_gbk(upload: Upload) -> None:
    for path, boxes in upload.boxed("JPEGImages", ["螺母", "螺栓"]):
        text = voc(path, boxes, '<?xml version="1.0" encoding="GBK"?>\n')
        upload.text(f"Annotations/{stem(path)}.xml", text, encoding="gbk")
    upload.may_refuse = True


@layout
def voc_in_gb2312_without_saying_so(upload: Upload) -> None:
    for path, boxes in upload.boxed("JPEGImages", ["螺母"]):
        upload.text(f"Annotations/{stem(path)}.xml", voc(path, boxes), encoding="gb2312")
    upload.may_refuse = True


@layout
def voc_of_paddle(upload: Upload) -> None:
    classes = ["bolt", "nut"]
    for split, first in (("train", 0), ("val", 50)):
        pairs = upload.boxed("JPEGImages", classes, split=split, first=first)
        for path, boxes in pairs:
            upload.text(f"Annotations/{stem(path)}.xml", voc(path, boxes))
        upload.text(f"{split}_list.txt", (f"{path} Annotations/{stem(path)}.xml" for path, _ in pairs))
    upload.text("labels.txt", classes)


@layout
def voc_beside_a_table_of_its_boxes(upload: Upload) -> None:
    """raccoon_dataset: the same boxes again, for TensorFlow."""
    rows = []
    for path, boxes in upload.boxed("images", ["raccoon"]):
        upload.text(f"annotations/{stem(path)}.xml", voc(path, boxes))
        name = path.rpartition("/")[2]
        rows += [[name, WIDTH, HEIGHT, label, x, y, x + w, y + h] for label, x, y, w, h in boxes]
    titles = ["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"]
    upload.table("data/raccoon_labels.csv", titles, rows)


@layout
def voc_with_one_file_cut_off(upload: Upload) -> None:
    pairs = upload.boxed("images", ["bolt", "nut"], count=12)
    for path, boxes in pairs:
        upload.text(f"annotations/{stem(path)}.xml", voc(path, boxes))
    broken = pairs[5][0]
    upload.files[f"annotations/{stem(broken)}.xml"] = b"<annotation><filename>x.jpg</filena"
    del upload.boxes[broken]


@layout
def voc_cut_off_throughout(upload: Upload) -> None:
    for path, boxes in upload.boxed("images", ["bolt", "nut"]):
        upload.text(f"annotations/{stem(path)}.xml", voc(path, boxes)[:60])
    upload.must_not_be_ready = True


@layout
def pets_with_heads_and_trimaps(upload: Upload) -> None:
    """Oxford-IIIT Pet: boxes of heads for some images, trimaps and a list of classes for all."""
    lines = ["#Image CLASS-ID SPECIES BREED ID"]
    for number in range(10):
        breed = ("Abyssinian", "beagle")[number % 2]
        path = upload.image(f"images/{breed}_{number}.jpg")
        upload.mask(f"annotations/trimaps/{breed}_{number}.png", 2)
        if number < 6:
            upload.boxes[path] = [(("cat", "dog")[number % 2], 5, 5, 20, 20)]
            upload.text(f"annotations/xmls/{breed}_{number}.xml", voc(path, upload.boxes[path]))
        lines.append(f"{breed}_{number} {number % 2 + 1} {number % 2 + 1} 1")
    upload.text("annotations/list.txt", lines)
    upload.may_refuse = True


@layout
def voc_without_its_images(upload: Upload) -> None:
    for number in range(6):
        upload.text(f"Annotations/{number}.xml", voc(f"{number}.jpg", [("nut", 5, 5, 20, 20)]))
    upload.image("README.png")
    upload.must_not_be_ready = True


@layout
def voc_of_some_images(upload: Upload) -> None:
    """Half of the images are annotated so far."""
    for path, boxes in upload.boxed("images", ["bolt", "nut"], count=10):
        upload.text(f"annotations/{stem(path)}.xml", voc(path, boxes))
    upload.unlabelled("images", 10, stem="later_")
    upload.may_refuse = True
