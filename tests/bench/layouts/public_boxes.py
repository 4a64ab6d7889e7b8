"""Public sets of boxes, and what tools of annotation write."""

from __future__ import annotations

import json

from .coco import coco
from .tables import name_of, stem_of
from .upload import HEIGHT, WIDTH, Box, Upload, layout
from .voc import voc
from .yolo import lines


@layout
def steel_defects(upload: Upload) -> None:
    """NEU-DET: images lie in folders of their defects, and the boxes beside."""
    for side, count, first in (("train", 6, 0), ("validation", 3, 50)):
        for name in ("crazing", "inclusion"):
            for path, boxes in upload.boxed(
                f"NEU-DET/{side}/images/{name}",
                [name],
                count,
                "train" if side == "train" else "val",
                stem=(name + "_{}").format,
                first=first,
            ):
                upload.text(f"NEU-DET/{side}/annotations/{stem_of(path)}.xml", voc(path, boxes))


@layout
def faces_in_text(upload: Upload) -> None:
    """WIDER FACE: events as folders, and a list of boxes after each path."""
    lines = []
    for event in ("0--Parade", "1--Handshaking"):
        for number in range(5):
            path = upload.image(f"WIDER_train/images/{event}/{event}_{number}.jpg")
            lines += [path.removeprefix("WIDER_train/images/"), "1", "5 6 20 20 0 0 0 0 0 0 "]
    upload.text("wider_face_split/wider_face_train_bbx_gt.txt", lines)
    upload.must_not_be_ready = True


@layout
def kitti_of_tao(upload: Upload) -> None:
    """NVIDIA TAO: KITTI's labels in folders called images and labels, as YOLO has them."""
    for number in range(8):
        upload.image(f"train/images/{number:06d}.png")
        upload.text(
            f"train/labels/{number:06d}.txt",
            ["bolt 0.00 0 0.00 5.00 6.00 30.00 28.00 0.00 0.00 0.00 0.00 0.00 0.00 0.00"],
        )
    upload.must_not_be_ready = True


@layout
def coco_panoptic(upload: Upload) -> None:
    """Segments of each image in a PNG file of the same name: a segmentation set."""
    images, annotations = [], []
    for number in range(8):
        upload.image(f"val2017/{number:012d}.jpg")
        upload.mask(f"panoptic_val2017/{number:012d}.png")
        images.append({"id": number, "file_name": f"{number:012d}.jpg", "width": WIDTH, "height": HEIGHT})
        segments = [
            {"id": 1, "category_id": 1 + number % 2, "bbox": [5, 6, 20, 20], "area": 400, "iscrowd": 0}
        ]
        annotations.append({"image_id": number, "file_name": f"{number:012d}.png", "segments_info": segments})
    categories = [{"id": 1, "name": "person", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}]
    upload.json(
        "annotations/panoptic_val2017.json",
        {"images": images, "annotations": annotations, "categories": categories},
    )
    upload.must_not_be_ready = True


@layout
def lvis(upload: Upload) -> None:
    """COCO's form; images are known by an address alone."""
    classes = ["aerosol_can", "zebra"]
    for name, side, first in (("train2017", "train", 0), ("val2017", "val", 50)):
        pairs = upload.boxed(name, classes, split=side, stem="{:012d}".format, first=first)
        content = coco(pairs, classes, f"{name}/")
        for image in content["images"]:
            image["coco_url"] = f"http://images.cocodataset.org/{name}/{image.pop('file_name')}"
        for category in content["categories"]:
            category |= {"synset": "x.n.01", "frequency": "r"}
        upload.json(f"lvis_v1_{name.removesuffix('2017')}.json", content)
    upload.may_refuse = True


@layout
def coco_key_points(upload: Upload) -> None:
    """Boxes of people with key points, beside the boxes of all; both are true."""
    classes = ["person", "dog"]
    pairs = upload.boxed("val2017", classes, stem="{:012d}".format)
    content = coco(pairs, classes, "val2017/")
    upload.json("annotations/instances_val2017.json", content)
    people = [
        {**row, "keypoints": [10, 10, 2] * 17, "num_keypoints": 17}
        for row in content["annotations"]
        if row["category_id"] == 1
    ]
    kinds = [{"id": 1, "name": "person", "keypoints": ["nose"], "skeleton": []}]
    upload.json(
        "annotations/person_keypoints_val2017.json",
        {"images": content["images"], "annotations": people, "categories": kinds},
    )


@layout
def voc_with_difficult_objects(upload: Upload) -> None:
    """What is difficult counts as any other box."""
    for path, boxes in upload.boxed("VOC2007/JPEGImages", ["dog", "cat"], stem="{:06d}".format):
        text = voc(path, boxes).replace("<difficult>0", "<difficult>1", 1)
        upload.text(f"VOC2007/Annotations/{stem_of(path)}.xml", text)


@layout
def crowds_in_lines_of_json(upload: Upload) -> None:
    """CrowdHuman: one JSON object a line, in a file called .odgt."""
    lines = []
    for number in range(8):
        path = upload.image(f"Images/{number:06d}.jpg")
        lines.append(
            json.dumps(
                {
                    "ID": stem_of(path),
                    "gtboxes": [{"tag": "person", "fbox": [5, 6, 20, 20], "hbox": [5, 6, 8, 8]}],
                }
            )
        )
    upload.text("annotation_train.odgt", lines)
    upload.must_not_be_ready = True


@layout
def driving_scenes(upload: Upload) -> None:
    """BDD100K: a list of frames with box2d."""
    frames = []
    for path, boxes in upload.boxed("bdd100k/images/100k/train", ["car", "person"]):
        labels = [
            {"category": name, "box2d": {"x1": x, "y1": y, "x2": x + w, "y2": y + h}}
            for name, x, y, w, h in boxes
        ]
        frames.append({"name": name_of(path), "attributes": {"weather": "clear"}, "labels": labels})
    upload.json("bdd100k/labels/bdd100k_labels_images_train.json", frames)
    upload.may_refuse = True


@layout
def darwin(upload: Upload) -> None:
    """V7: a JSON file for each image."""
    for path, boxes in upload.boxed("images", ["bolt", "nut"]):
        rows = [{"name": n, "bounding_box": {"x": x, "y": y, "w": w, "h": h}} for n, x, y, w, h in boxes]
        item = {
            "name": name_of(path),
            "path": "/",
            "slots": [{"slot_name": "0", "width": WIDTH, "height": HEIGHT}],
        }
        upload.json(
            f"annotations/{stem_of(path)}.json", {"version": "2.0", "item": item, "annotations": rows}
        )
    upload.may_refuse = True


@layout
def vgg_table(upload: Upload) -> None:
    """VIA's CSV: shapes and attributes as JSON in fields."""
    rows = []
    for path, boxes in upload.boxed("images", ["bolt", "nut"]):
        for at, (name, x, y, w, h) in enumerate(boxes):
            shape = json.dumps({"name": "rect", "x": x, "y": y, "width": w, "height": h})
            rows.append([name_of(path), 1234, "{}", len(boxes), at, shape, json.dumps({"class": name})])
    titles = [
        "#filename",
        "file_size",
        "file_attributes",
        "region_count",
        "region_id",
        "region_shape_attributes",
        "region_attributes",
    ]
    upload.table("via_region_data.csv", titles, rows)
    upload.may_refuse = True


@layout
def labelbox_lines(upload: Upload) -> None:
    """Labelbox: NDJSON of rows with nested projects."""
    lines = []
    for path, boxes in upload.boxed("images", ["bolt", "nut"]):
        objects = [
            {"name": n, "bounding_box": {"top": y, "left": x, "height": h, "width": w}}
            for n, x, y, w, h in boxes
        ]
        labels = [{"annotations": {"objects": objects, "classifications": []}}]
        lines.append(
            json.dumps({"data_row": {"external_id": name_of(path)}, "projects": {"p": {"labels": labels}}})
        )
    upload.text("export.ndjson", lines)
    upload.may_refuse = True


@layout
def ground_truth_of_sagemaker(upload: Upload) -> None:
    """An output.manifest of classes: JSON lines with an address in a bucket."""
    lines = []
    for path, label in upload.labelled("images", ["cat", "dog"]):
        about = {
            "class-name": label,
            "confidence": 0.9,
            "type": "groundtruth/image-classification",
            "human-annotated": "yes",
        }
        lines.append(
            json.dumps(
                {
                    "source-ref": f"s3://bucket/{path}",
                    "job": ["cat", "dog"].index(label),
                    "job-metadata": about,
                }
            )
        )
    upload.text("output.manifest", lines)


@layout
def custom_vision(upload: Upload) -> None:
    """Azure's export: tags and regions as parts of the image."""
    rows = []
    for path, boxes in upload.boxed("images", ["bolt", "nut"]):
        regions = [
            {"tagName": n, "left": x / WIDTH, "top": y / HEIGHT, "width": w / WIDTH, "height": h / HEIGHT}
            for n, x, y, w, h in boxes
        ]
        rows.append(
            {
                "id": stem_of(path),
                "width": WIDTH,
                "height": HEIGHT,
                "fileName": name_of(path),
                "regions": regions,
            }
        )
    upload.json("dataset.json", {"images": rows})
    upload.may_refuse = True


@layout
def supervisely_with_meta(upload: Upload) -> None:
    for path, boxes in upload.boxed("ds0/img", ["bolt", "nut"]):
        objects = [
            {
                "classTitle": n,
                "geometryType": "rectangle",
                "points": {"exterior": [[x, y], [x + w, y + h]], "interior": []},
            }
            for n, x, y, w, h in boxes
        ]
        upload.json(
            f"ds0/ann/{name_of(path)}.json",
            {"size": {"width": WIDTH, "height": HEIGHT}, "objects": objects, "tags": []},
        )
    upload.json(
        "meta.json",
        {"classes": [{"title": "bolt", "shape": "rectangle"}, {"title": "nut", "shape": "rectangle"}]},
    )


@layout
def wheat_heads(upload: Upload) -> None:
    """Global wheat: a box in brackets, one kind of thing, and images without any."""
    rows = []
    for number in range(8):
        path = upload.image(f"train/{number:08x}.jpg")
        if number < 6:
            rows.append([stem_of(path), 1024, 1024, "[5.0, 6.0, 20.0, 20.0]", "usask_1"])
    upload.table("train.csv", ["image_id", "width", "height", "bbox", "source"], rows)
    upload.must_not_be_ready = True


@layout
def run_lengths(upload: Upload) -> None:
    """Severstal: classes and run lengths of masks, a row for each defect."""
    rows = []
    for number in range(10):
        path = upload.image(f"train_images/{number:08x}.jpg")
        rows.append([name_of(path), 1 + number % 4, "29102 12 29346 24 29602 24"])
    upload.table("train.csv", ["ImageId", "ClassId", "EncodedPixels"], rows)
    upload.must_not_be_ready = True


def _outlines(boxes: list[Box], classes: list[str]) -> list[str]:
    """The four corners of each box, as parts of the image."""
    rows = []
    for name, x, y, w, h in boxes:
        corners = ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
        places = " ".join(f"{left / WIDTH:.6f} {top / HEIGHT:.6f}" for left, top in corners)
        rows.append(f"{classes.index(name)} {places}")
    return rows


@layout
def yolo_outlines(upload: Upload) -> None:
    """Ultralytics' segments: outlines that are read as the boxes around them."""
    for path, boxes in upload.boxed("train/images", ["bolt", "nut"]):
        upload.text(f"train/labels/{stem_of(path)}.txt", _outlines(boxes, ["bolt", "nut"]))
    upload.text("data.yaml", "train: train/images\nval: train/images\nnames: [bolt, nut]\n")


@layout
def yolo_key_points(upload: Upload) -> None:
    """Ultralytics' poses: after the box three numbers for each point, which are no outline."""
    for path, boxes in upload.boxed("train/images", ["person"]):
        rows = [f"{line} 0.1 0.1 2 0.2 0.2 2 0.3 0.3 1" for line in lines(boxes, ["person"])]
        upload.text(f"train/labels/{stem_of(path)}.txt", rows)
    upload.text("data.yaml", "train: train/images\nval: train/images\nkpt_shape: [3, 3]\nnames: [person]\n")


@layout
def yolo_turned_boxes(upload: Upload) -> None:
    """OBB: four corners, which is an outline."""
    for path, boxes in upload.boxed("images/train", ["bolt", "nut"]):
        upload.text(f"labels/train/{stem_of(path)}.txt", _outlines(boxes, ["bolt", "nut"]))
    upload.text("classes.txt", ["bolt", "nut"])
