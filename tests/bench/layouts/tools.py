"""Exports of annotation tools that have a format of their own."""

from __future__ import annotations

import json
from typing import Any

from .coco import coco
from .tables import name_of
from .upload import HEIGHT, WIDTH, Box, Upload, layout
from .voc import stem
from .yolo import lines


def _cvat(images: list[tuple[str, str]]) -> str:
    """CVAT for images 1.1, from pairs of a path and what stands inside its element."""
    elements = "".join(
        f'<image id="{n}" name="{path}" width="{WIDTH}" height="{HEIGHT}">{inside}</image>\n'
        for n, (path, inside) in enumerate(images)
    )
    meta = "<version>1.1</version><meta><task><name>x</name><labels></labels></task></meta>"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>{meta}{elements}</annotations>\n'


def _cvat_boxes(boxes: list[Box]) -> str:
    return "".join(
        f'<box label="{name}" occluded="0" xtl="{x}" ytl="{y}" xbr="{x + w}" ybr="{y + h}" z_order="0"></box>'
        for name, x, y, w, h in boxes
    )


@layout
def cvat_boxes(upload: Upload) -> None:
    pairs = upload.boxed("images", upload.classes(2))
    text = _cvat([(name_of(path), _cvat_boxes(boxes)) for path, boxes in pairs])
    upload.text("annotations.xml", text)
    upload.may_refuse = True


@layout
def cvat_tags(upload: Upload) -> None:
    """Tags of whole images are classes."""
    pairs = upload.labelled("images", upload.classes(2))
    upload.text(
        "annotations.xml", _cvat([(path[7:], f'<tag label="{label}"></tag>') for path, label in pairs])
    )
    upload.may_refuse = True


@layout
def cvat_tracks(upload: Upload) -> None:
    """CVAT for video 1.1: a track is one object over frames; frames are images by their number."""
    tracks = []
    for number, label in enumerate(("car", "bus")):
        boxes = []
        for frame in range(8):
            x, path = 3 + number * 20 + frame, f"images/frame_{frame:06d}.PNG"
            upload.boxes.setdefault(path, []).append((label, x, 5, 12, 12))
            place = f'xtl="{x}" ytl="5" xbr="{x + 12}" ybr="17"'
            boxes.append(f'<box frame="{frame}" outside="0" occluded="0" keyframe="1" {place}></box>')
        boxes.append('<box frame="8" outside="1" keyframe="1" xtl="1" ytl="1" xbr="9" ybr="9"></box>')
        tracks.append(f'<track id="{number}" label="{label}">{"".join(boxes)}</track>')
    for frame in range(8):
        upload.image(f"images/frame_{frame:06d}.PNG")
    meta = "<version>1.1</version><meta><task><size>8</size></task></meta>"
    upload.text("annotations.xml", f"<annotations>{meta}{''.join(tracks)}</annotations>")
    upload.may_refuse = True


def _datumaro(items: list[dict[str, Any]], classes: list[str]) -> dict[str, Any]:
    labels = [{"name": name, "parent": "", "attributes": []} for name in classes]
    return {"info": {}, "categories": {"label": {"labels": labels, "attributes": []}}, "items": items}


@layout
def datumaro_boxes(upload: Upload) -> None:
    classes = upload.classes(2)
    for split, first in (("train", 0), ("val", 50)):
        items = []
        for path, boxes in upload.boxed(f"images/{split}", classes, split=split, first=first):
            rows = [
                {"id": n, "type": "bbox", "label_id": classes.index(name), "bbox": place, "attributes": {}}
                for n, (name, *place) in enumerate(boxes)
            ]
            image = {"path": name_of(path), "size": [HEIGHT, WIDTH]}
            items.append({"id": stem(path), "annotations": rows, "attr": {}, "image": image})
        upload.json(f"annotations/{split}.json", _datumaro(items, classes))
    upload.may_refuse = True


@layout
def datumaro_labels(upload: Upload) -> None:
    classes = upload.classes(3)
    items = []
    for path, label in upload.labelled("images/default", classes):
        row = {"id": 0, "type": "label", "label_id": classes.index(label), "attributes": {}, "group": 0}
        image = {"path": name_of(path), "size": [HEIGHT, WIDTH]}
        items.append({"id": stem(path), "annotations": [row], "attr": {}, "image": image})
    upload.json("annotations/default.json", _datumaro(items, classes))
    upload.may_refuse = True


def _task(number: int, path: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    annotation = {"id": number, "completed_by": 1, "was_cancelled": False, "result": results}
    data = {"image": f"/data/upload/1/{name_of(path)}"}
    return {"id": number, "annotations": [annotation], "data": data, "predictions": []}


def _choice(label: str) -> dict[str, Any]:
    return {"type": "choices", "from_name": "choice", "to_name": "image", "value": {"choices": [label]}}


@layout
def label_studio_choices(upload: Upload) -> None:
    """One task was skipped: what stands in it does not count."""
    pairs = upload.labelled("images", upload.classes(2), stem="a1b2c3d4-IMG_{}".format)
    tasks = [_task(n, path, [_choice(label)]) for n, (path, label) in enumerate(pairs)]
    skipped = _task(99, upload.image("images/a1b2c3d4-IMG_99.jpg"), [_choice(pairs[0][1])])
    skipped["annotations"][0]["was_cancelled"] = True
    upload.json("project-1-at-2024-01-01.json", [*tasks, skipped])
    upload.may_refuse = True


@layout
def label_studio_boxes(upload: Upload) -> None:
    """Places are in hundredths of the image."""
    tasks = []
    for number, (path, boxes) in enumerate(upload.boxed("images", upload.classes(2), stem="0f-{}".format)):
        results = [
            {"type": "rectanglelabels", "original_width": WIDTH, "original_height": HEIGHT, "value": {
                "x": 100 * x / WIDTH, "y": 100 * y / HEIGHT, "width": 100 * w / WIDTH,
                "height": 100 * h / HEIGHT, "rotation": 0, "rectanglelabels": [name]}}
            for name, x, y, w, h in boxes
        ]  # fmt: skip
        tasks.append(_task(number, path, results))
    upload.json("project-2.json", tasks)
    upload.may_refuse = True


@layout
def label_studio_minimal_choices(upload: Upload) -> None:
    """JSON-MIN."""
    pairs = upload.labelled("images", ["ok", "defect"], stem="{:08x}-IMG".format)
    rows = [
        {"image": f"/data/upload/1/{name_of(path)}", "id": n, "choice": label, "annotator": 1,
         "annotation_id": n, "created_at": "2024-01-01T00:00:00Z", "lead_time": 3.2}
        for n, (path, label) in enumerate(pairs)
    ]  # fmt: skip
    upload.json("project-1-min.json", rows)
    upload.may_refuse = True


@layout
def label_studio_minimal_boxes(upload: Upload) -> None:
    rows = []
    for number, (path, boxes) in enumerate(upload.boxed("images", ["bolt", "nut"])):
        labels = [
            {"x": 100 * x / WIDTH, "y": 100 * y / HEIGHT, "width": 100 * w / WIDTH,
             "height": 100 * h / HEIGHT, "rotation": 0, "rectanglelabels": [name], "original_width": WIDTH}
            for name, x, y, w, h in boxes
        ]  # fmt: skip
        about = {"annotator": 1, "annotation_id": number, "lead_time": 3.2}
        rows.append({"image": f"/data/upload/1/{name_of(path)}", "id": number, "label": labels} | about)
    upload.json("project-2-min.json", rows)
    upload.may_refuse = True


@layout
def label_studio_csv(upload: Upload) -> None:
    pairs = upload.labelled("images", ["ok", "defect"], each=8, stem="{:08x}-IMG".format)
    titles = ["annotation_id", "annotator", "choice", "created_at", "id", "image", "lead_time", "updated_at"]
    time = "2024-01-01T00:00:00Z"
    rows = [
        [n, 1, label, time, n, f"/data/upload/1/{name_of(path)}", 3.2, time]
        for n, (path, label) in enumerate(pairs)
    ]
    upload.table("project-1-at-2024-01-01.csv", titles, rows)


def _info(pairs: list[tuple[str, str]], category: str) -> dict[str, Any]:
    files = [
        {"path": path, "name": stem(path), "category": category, "label": {"type": "label", "label": label}}
        for path, label in pairs
    ]
    return {"version": 1, "files": files}


@layout
def edge_impulse(upload: Upload) -> None:
    classes = ["cars", "motorcycle"]
    for folder, split, each, first in (("training", "train", 6, 0), ("testing", "test", 2, 50)):
        name = "{0}.jpg.4f{0:06x}.ingestion-74d7fb5b5c-xtr9q".format
        pairs = upload.labelled(folder, classes, each, split, stem=name, first=first)
        upload.json(f"{folder}/info.labels", _info(pairs, folder))
        upload.json(f"{folder}/bounding_boxes.labels", {"version": 1, "boundingBoxes": {}})
    upload.may_refuse = True


@layout
def edge_impulse_boxes(upload: Upload) -> None:
    everything = {}
    for path, boxes in upload.boxed("training", ["cup", "lamp"]):
        everything[name_of(path)] = [
            {"label": name, "x": x, "y": y, "width": w, "height": h} for name, x, y, w, h in boxes
        ]
    whole = {"version": 1, "type": "bounding-box-labels", "boundingBoxes": everything}
    upload.json("training/bounding_boxes.labels", whole)
    upload.may_refuse = True


@layout
def create_ml(upload: Upload) -> None:
    """Places are of the centre."""
    for folder, split, first in (("train", "train", 0), ("valid", "val", 50)):
        rows = []
        for path, boxes in upload.boxed(folder, ["aphid", "beetle"], split=split, first=first):
            marks = [
                {"label": n, "coordinates": {"x": x + w / 2, "y": y + h / 2, "width": w, "height": h}}
                for n, x, y, w, h in boxes
            ]
            rows.append({"image": name_of(path), "annotations": marks})
        upload.json(f"{folder}/_annotations.createml.json", rows)
    upload.may_refuse = True


@layout
def open_images(upload: Upload) -> None:
    """Labels are codes, which a second table names; places are parts of the image."""
    codes = {"/m/01g317": "Person", "/m/0k4j": "Car"}
    titles = ["ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax", "IsOccluded"]
    by_name = {name: code for code, name in codes.items()}
    for folder, split, first in (("train", "train", 0), ("validation", "val", 50)):
        pairs = upload.boxed(folder, ["Person", "Car"], split=split, stem="{:016x}".format, first=first)
        rows = [
            [stem(path), "xclick", by_name[name], 1, x / WIDTH, (x + w) / WIDTH, y / HEIGHT, (y + h) / HEIGHT]
            + [0]
            for path, boxes in pairs
            for name, x, y, w, h in boxes
        ]
        upload.table(f"{folder}-annotations-bbox.csv", titles, rows)
    upload.table("class-descriptions-boxable.csv", None, codes.items())
    upload.may_refuse = True


@layout
def tables_of_boxes(upload: Upload) -> None:
    """For TensorFlow: a row a box, a table a split; no other annotation is there."""
    titles = ["filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax"]
    for folder, split, first in (("train", "train", 0), ("test", "test", 50)):
        rows = []
        for path, boxes in upload.boxed(f"images/{folder}", ["bolt", "nut"], split=split, first=first):
            rows += [[name_of(path), WIDTH, HEIGHT, n, x, y, x + w, y + h] for n, x, y, w, h in boxes]
        upload.table(f"images/{folder}_labels.csv", titles, rows)
    upload.may_refuse = True


@layout
def a_table_of_boxes_without_titles(upload: Upload) -> None:
    """keras-retinanet: path, corners, class."""
    pairs = upload.boxed("images", ["bolt", "nut"])
    rows = [[path, x, y, x + w, y + h, name] for path, boxes in pairs for name, x, y, w, h in boxes]
    upload.table("annotations.csv", None, rows)
    upload.may_refuse = True


@layout
def a_table_of_boxes_in_brackets(upload: Upload) -> None:
    """global-wheat-detection: one class that no column names; the source is none."""
    images = upload.unlabelled("train", 12, stem="w")
    sources = ("usask_1", "arvalis_1")
    rows = [[stem(p), 48, 40, "[5.0, 6.0, 20.0, 20.0]", sources[n % 2]] for n, p in enumerate(images)]
    upload.table("train.csv", ["image_id", "width", "height", "bbox", "source"], rows)
    upload.must_not_be_ready = True


@layout
def vgg_image_annotator(upload: Upload) -> None:
    content = {}
    for path in upload.unlabelled("images", 8):
        region = {"shape_attributes": {"name": "rect", "x": 5, "y": 6, "width": 20, "height": 20},
                  "region_attributes": {"type": "nut"}}  # fmt: skip
        size = len(upload.files[path])
        content[f"{name_of(path)}{size}"] = {"filename": name_of(path), "size": size, "regions": [region]}
    upload.json("via_region_data.json", content)
    upload.must_not_be_ready = True


def _supervisely(upload: Upload, path: str, objects: list[dict[str, Any]], tags: list[str]) -> None:
    folder, _, name = path.rpartition("/img/")
    content = {
        "description": "",
        "tags": [{"name": tag, "value": None} for tag in tags],
        "size": {"height": HEIGHT, "width": WIDTH},
        "objects": objects,
    }
    upload.json(f"{folder}/ann/{name}.json", content)


@layout
def supervisely(upload: Upload) -> None:
    """Boxes; the tags train and val say the split."""
    classes = upload.classes(2)
    meta = [{"title": name, "shape": "rectangle", "color": "#ffffff"} for name in classes]
    upload.json("project/meta.json", {"classes": meta, "tags": [{"name": "train"}, {"name": "val"}]})
    for split, count, first in (("train", 6, 0), ("val", 3, 50)):
        for path, boxes in upload.boxed("project/ds0/img", classes, count, split, first=first):
            objects = [
                {"classTitle": name, "geometryType": "rectangle", "tags": [],
                 "points": {"exterior": [[x, y], [x + w, y + h]], "interior": []}}
                for name, x, y, w, h in boxes
            ]  # fmt: skip
            _supervisely(upload, path, objects, [split])


@layout
def supervisely_tags(upload: Upload) -> None:
    """Tags of whole images are classes."""
    upload.json("meta.json", {"classes": [], "tags": []})
    for path, label in upload.labelled("ds0/img", upload.classes(2)):
        _supervisely(upload, path, [], [label])


def _manifest(upload: Upload, path: str, rows: list[dict[str, Any]]) -> None:
    upload.text(path, [json.dumps(row, ensure_ascii=False) for row in rows])


@layout
def sagemaker_boxes(upload: Upload) -> None:
    classes = upload.classes(2)
    rows = []
    for path, boxes in upload.boxed("images", classes):
        annotations = [
            {"class_id": classes.index(name), "left": x, "top": y, "width": w, "height": h}
            for name, x, y, w, h in boxes
        ]
        about = {"type": "groundtruth/object-detection", "class-map": dict(enumerate(classes))}
        answer = {"image_size": [{"width": WIDTH, "height": HEIGHT, "depth": 3}], "annotations": annotations}
        source = f"s3://bucket/parts/{name_of(path)}"
        rows.append({"source-ref": source, "boxes": answer, "boxes-metadata": about})
    _manifest(upload, "output.manifest", rows)


@layout
def sagemaker_classes(upload: Upload) -> None:
    classes = upload.classes(3)
    rows = []
    for path, label in upload.labelled("images", classes):
        about = {"class-name": label, "confidence": 0.9, "type": "groundtruth/image-classification"}
        source = f"s3://bucket/{name_of(path)}"
        rows.append({"source-ref": source, "kind": classes.index(label), "kind-metadata": about})
    _manifest(upload, "manifests/output/output.manifest", rows)


@layout
def fifty_one_classification(upload: Upload) -> None:
    """labels.json with the numbers of classes and their names, beside a folder called data."""
    classes = ["cat", "dog"]
    pairs = upload.labelled("data", classes, each=8)
    labels = {stem(path): classes.index(label) for path, label in pairs}
    upload.json("labels.json", {"classes": classes, "labels": labels})
    upload.may_refuse = True


@layout
def two_formats_of_one_truth(upload: Upload) -> None:
    """The same boxes as COCO and as YOLO: whichever is read, it is right."""
    classes = ["bolt", "nut"]
    pairs = upload.boxed("images", classes)
    upload.json("annotations.json", coco(pairs, classes, "images/"))
    for path, boxes in pairs:
        upload.text(f"labels/{stem(path)}.txt", lines(boxes, classes))
    upload.text("classes.txt", classes)
