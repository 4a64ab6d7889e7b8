"""Exports of annotation tools: CVAT, Datumaro, Label Studio, Edge Impulse, CreateML,
Supervisely, SageMaker; tables of boxes."""

from __future__ import annotations

import json

import pytest
from upload_builders import examples, finding, images_of, ingested, noticed, png, refused, zipped

from tests.bench.layouts import makers
from tests.bench.layouts.outcome import checked, verdict
from tests.bench.layouts.upload import Upload

SIZE = (40, 30)
READ = (
    "cvat_boxes", "cvat_tags", "cvat_tracks", "datumaro_boxes", "datumaro_labels", "label_studio_choices",
    "label_studio_boxes", "label_studio_minimal_choices", "label_studio_minimal_boxes", "label_studio_csv",
    "edge_impulse", "edge_impulse_boxes", "create_ml", "open_images", "tables_of_boxes",
    "a_table_of_boxes_without_titles", "a_validation_list_of_an_imagenet",
    "a_validation_table_of_an_imagenet", "supervisely", "supervisely_tags", "sagemaker_boxes",
    "sagemaker_classes",
)  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_an_export_is_read_as_its_author_meant(name, tmp_path):
    upload = Upload(name)
    makers()[name](upload)
    outcome = checked(upload, tmp_path / "upload")
    assert outcome.state == "ready", outcome.sentence
    assert verdict(upload, outcome) == ("right", [])


def pictures(names: str = "abcdef", folder: str = "images/") -> dict[str, bytes]:
    return {f"{folder}{name}.png": png(100 + ord(name), SIZE) for name in names}


def found_boxes(result: dict, artifacts) -> dict[str, list[tuple]]:
    return {
        image.original.rpartition("/")[2][0]: [
            (result["class_names"][int(box[0])], *(round(value, 2) for value in box[1:]))
            for box in image.box_rows()
        ]
        for image in images_of(artifacts)
    }


def cvat(inside: dict[str, str], head: str = "<version>1.1</version>") -> bytes:
    rows = "".join(
        f'<image name="{name}.png" width="40" height="30">{text}</image>' for name, text in inside.items()
    )
    return f"<annotations>{head}{rows}</annotations>".encode()


BOX = '<box label="nut" xtl="4" ytl="5" xbr="14" ybr="25"/>'


def test_shapes_of_cvat_become_the_boxes_around_them(tmp_path):
    shapes = {
        "a": BOX,
        "b": '<polygon label="nut" points="4.5,5;14,6.5;9,25"/>',
        "c": '<ellipse label="bolt" cx="20" cy="10" rx="6" ry="4"/>',
        "d": '<mask label="bolt" rle="3, 4" left="2" top="3" width="8" height="6"/>',
        "e": '<box label="nut" xtl="10" ytl="10" xbr="20" ybr="14" rotation="90"/>',
        "f": BOX + '<polyline label="nut" points="1,1;5,5"/><points label="nut" points="1,1"/>',
    }
    result, artifacts = ingested(tmp_path, zipped({**pictures(), "annotations.xml": cvat(shapes)}))
    assert result["layout"] == "CVAT XML" and found_boxes(result, artifacts) == {
        "a": [("nut", 4, 5, 10, 20)],
        "b": [("nut", 4.5, 5, 9.5, 20)],
        "c": [("bolt", 14, 6, 12, 8)],
        "d": [("bolt", 2, 3, 8, 6)],
        "e": [("nut", 13, 7, 4, 10)],
        "f": [("nut", 4, 5, 10, 20)],
    }
    assert finding(result, "outlines-boxed")["count"] == 4
    assert finding(result, "shapes-left-out")["count"] == 2


def test_the_subset_that_cvat_names_is_the_split(tmp_path):
    text = cvat(dict.fromkeys("abcdef", BOX)).decode()
    for name, subset in zip("abcdef", ["Train"] * 4 + ["Validation"] * 2, strict=True):
        text = text.replace(f'name="{name}.png"', f'name="{name}.png" subset="{subset}"')
    result, _ = ingested(tmp_path, zipped({**pictures(), "annotations.xml": text.encode()}))
    assert (result["split"], result["train"], result["val"]) == ("given", 4, 2)


def test_cvat_images_without_a_tag_are_left_out(tmp_path):
    tags = {name: f'<tag label="{label}"/>' for name, label in zip("abcd", ["x", "y"] * 2, strict=True)}
    result, _ = ingested(tmp_path, zipped({**pictures(), "annotations.xml": cvat(tags | {"e": "", "f": ""})}))
    assert (result["task"], result["class_names"], result["images"]) == ("classification", ["x", "y"], 4)


def test_tracks_whose_frames_are_not_there_are_named(tmp_path):
    box = '<box frame="7" outside="0" xtl="1" ytl="1" xbr="9" ybr="9"/>'
    track = f'<annotations><meta/><track id="0" label="car">{box}</track></annotations>'.encode()
    message = refused(tmp_path, zipped({**pictures(), "annotations.xml": track}))
    assert "annotations.xml" in message and "frame_000007" in message


def test_boxes_and_classes_in_one_export_are_asked_about(tmp_path):
    both = {name: BOX + '<tag label="good"/>' for name in "abcd"}
    upload = zipped({**pictures("abcd"), "annotations.xml": cvat(both)})
    assert "cvat-boxes or cvat-labels" in refused(tmp_path, upload)
    (tmp_path / "chosen").mkdir()
    result, _ = ingested(tmp_path / "chosen", upload, layout="cvat-boxes")
    assert result["task"] == "detection" and result["class_names"] == ["nut"]


def test_one_export_that_cannot_be_read_is_named_beside_the_others(tmp_path):
    files = {**pictures(), "1.xml": cvat(dict.fromkeys("abc", BOX)), "2.xml": cvat({"d": BOX})[:-30]}
    result, _ = ingested(tmp_path, zipped(files))
    assert result["images"] == 3 and "2.xml" in examples(result, "bad-xml")[0]


HOSTILE = {
    "a bomb": (
        b'<!DOCTYPE a [<!ENTITY b "c">]><annotations><meta/><image name="&b;"/></annotations>',
        "XML bombs",
    ),
    "cut off": (cvat({"a": BOX})[:-20], "not valid XML"),
    "a track without end": (
        b'<annotations><meta/><track label="x">' + b'<box frame="1"/>' * 300_001 + b"</track></annotations>",
        "more than 300000 parts",
    ),
}


@pytest.mark.parametrize("content, said", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_xml_of_cvat_is_refused_with_one_sentence(tmp_path, content, said):
    message = refused(tmp_path, zipped({**pictures(), "annotations.xml": content}))
    assert said in message and "annotations.xml" in message and len(message) < 400


def task(name: str, *results: dict, **changes) -> dict:
    annotation = {"was_cancelled": False, "result": list(results)}
    return {"id": 1, "data": {"image": f"/data/upload/1/{name}.png"}, "annotations": [annotation]} | changes


def shape(kind: str, label: str, **value) -> dict:
    return {"type": kind, "original_width": 40, "original_height": 30, "value": {kind: [label], **value}}


def choice(label: str) -> dict:
    return {"type": "choices", "value": {"choices": [label]}}


def test_shapes_of_label_studio_become_the_boxes_around_them(tmp_path):
    tasks = [
        task("a", shape("rectanglelabels", "nut", x=10, y=20, width=25, height=50, rotation=0)),
        task("b", shape("polygonlabels", "nut", points=[[10, 20], [35, 40], [20, 70]])),
        task("c", shape("ellipselabels", "bolt", x=50, y=50, radiusX=10, radiusY=20)),
        task("d", shape("rectanglelabels", "bolt", x=50, y=50, width=10, height=20, rotation=90)
             | {"original_width": 40, "original_height": 30}),
        task("e", shape("brushlabels", "bolt", rle=[1, 2])),
    ]  # fmt: skip
    result, artifacts = ingested(tmp_path, zipped({**pictures(), "export.json": json.dumps(tasks).encode()}))
    assert found_boxes(result, artifacts) == {
        "a": [("nut", 4, 6, 10, 15)],
        "b": [("nut", 4, 6, 10, 15)],
        "c": [("bolt", 16, 9, 8, 12)],
        "d": [("bolt", 14, 15, 6, 4)],
        "e": [],
    }
    assert finding(result, "outlines-boxed")["count"] == 3


def test_a_cancelled_annotation_and_a_prediction_do_not_count(tmp_path):
    tasks = [task(name, choice(label)) for name, label in zip("abcd", ["x", "y"] * 2, strict=True)]
    cancelled = {"was_cancelled": True, "result": [choice("z")]}
    tasks.append(task("e", annotations=[cancelled]))
    tasks.append(task("f", annotations=[], predictions=[{"result": [choice("z")]}]))
    tasks[0]["annotations"].insert(0, cancelled)
    result, _ = ingested(tmp_path, zipped({**pictures(), "export.json": json.dumps(tasks).encode()}))
    assert (result["class_names"], result["images"]) == (["x", "y"], 4)


def test_an_image_of_two_choices_is_left_out_and_named(tmp_path):
    tasks = [task(name, choice(label)) for name, label in zip("abcd", ["x", "y"] * 2, strict=True)]
    tasks.append(task("e", {"type": "choices", "value": {"choices": ["x", "y"]}}))
    result, _ = ingested(tmp_path, zipped({**pictures(), "export.json": json.dumps(tasks).encode()}))
    assert result["images"] == 4 and examples(result, "two-labels") == ["images/e.png: x, y"]


def test_the_prefix_that_an_upload_to_label_studio_gave_is_no_matter(tmp_path):
    tasks = [
        task(f"0a1b2c3d-{name}", choice(label)) for name, label in zip("abcd", ["x", "y"] * 2, strict=True)
    ]
    result, _ = ingested(tmp_path, zipped({**pictures("abcd"), "export.json": json.dumps(tasks).encode()}))
    assert result["images"] == 4 and noticed(result) == []


def test_the_address_of_a_local_file_is_followed(tmp_path):
    tasks = [
        task(name, choice(label), data={"photo": f"/data/local-files/?d=set%20one/{name}.png"})
        for name, label in zip("abcd", ["x", "y"] * 2, strict=True)
    ]
    files = {
        **pictures("abcd", "set one/"),
        **pictures("abcd", "set one/old/"),
        "e.json": json.dumps(tasks).encode(),
    }
    result, artifacts = ingested(tmp_path, zipped(files))
    assert {image.original.rpartition("/")[0] for image in images_of(artifacts)} == {"set one"}
    assert finding(result, "unlisted-images")["count"] == 4


def test_edge_impulse_says_which_files_it_left_unlabelled(tmp_path):
    labels = dict(zip("abcd", ["x", "y"] * 2, strict=True))
    rows = [
        {"path": f"images/{name}.png", "category": "training", "label": {"type": "label", "label": label}}
        for name, label in labels.items()
    ]
    rows.append({"path": "images/e.png", "category": "training", "label": {"type": "unlabeled"}})
    info = json.dumps({"version": 1, "files": rows}).encode()
    result, _ = ingested(tmp_path, zipped({**pictures(), "info.labels": info}))
    assert (result["layout"], result["images"]) == ("Edge Impulse", 4)


def test_codes_of_open_images_without_a_table_of_names_stay_codes(tmp_path):
    rows = "".join(f"{name},x,/m/0k4j,1,0.1,0.5,0.2,0.6\n" for name in "abcdef")
    table = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\n" + rows
    result, artifacts = ingested(tmp_path, zipped({**pictures(), "boxes.csv": table.encode()}))
    assert result["class_names"] == ["/m/0k4j"]
    assert found_boxes(result, artifacts)["a"] == [("/m/0k4j", 4, 6, 16, 12)]


def test_rows_of_one_image_may_lie_far_apart(tmp_path):
    rows = [f"{name}.png,40,30,nut,{k},2,{k + 5},9" for k in (1, 20) for name in "abcdef"]
    table = "\n".join(["filename,width,height,class,xmin,ymin,xmax,ymax", *rows])
    result, artifacts = ingested(tmp_path, zipped({**pictures(), "boxes.csv": table.encode()}))
    assert found_boxes(result, artifacts)["f"] == [("nut", 1, 2, 5, 7), ("nut", 20, 2, 5, 7)]
    assert "annotated-twice" not in noticed(result)


def supervised(objects: list[dict], tags: list[dict]) -> bytes:
    content = {"tags": tags, "size": {"width": 40, "height": 30}, "objects": objects}
    return json.dumps(content).encode()


def test_outlines_of_supervisely_are_boxed_and_masks_left_out(tmp_path):
    def thing(kind: str, name: str, *points: list[int]) -> dict:
        return {"classTitle": name, "geometryType": kind, "points": {"exterior": list(points)}}

    files = pictures("abcd", "p/ds/img/")
    for name in "abcd":
        files[f"p/ds/ann/{name}.png.json"] = supervised([thing("rectangle", "nut", [4, 5], [14, 25])], [])
    files["p/ds/ann/b.png.json"] = supervised(
        [thing("polygon", "bolt", [4, 5], [14, 6], [9, 25]),
         {"classTitle": "nut", "geometryType": "bitmap", "bitmap": {"data": "eJ", "origin": [3, 4]}}], []
    )  # fmt: skip
    files["p/meta.json"] = json.dumps({"classes": [{"title": "nut"}, {"title": "bolt"}]}).encode()
    result, artifacts = ingested(tmp_path, zipped(files))
    assert result["class_names"] == ["nut", "bolt"], "the order is that of meta.json"
    assert found_boxes(result, artifacts)["b"] == [("bolt", 4, 5, 10, 20)]
    assert finding(result, "outlines-boxed")["count"] == finding(result, "shapes-left-out")["count"] == 1


def test_the_value_of_a_tag_of_supervisely_is_the_class_and_a_number_is_none(tmp_path):
    files = pictures("abcd", "ds/img/")
    for name, label in zip("abcd", ["x", "y"] * 2, strict=True):
        tags = [{"name": "kind", "value": label}, {"name": "im id", "value": 7}]
        files[f"ds/ann/{name}.json"] = supervised([], tags)
    result, _ = ingested(tmp_path, zipped(files))
    assert (result["layout"], result["class_names"], result["images"]) == ("Supervisely", ["x", "y"], 4)


def test_a_manifest_of_masks_is_refused_by_its_kind(tmp_path):
    rows = [{"source-ref": f"s3://b/{name}.png", "m-ref": "s3://b/m.png",
             "m-ref-metadata": {"type": "groundtruth/semantic-segmentation"}} for name in "abcd"]  # fmt: skip
    text = "\n".join(map(json.dumps, rows)).encode()
    sentence = refused(tmp_path, zipped({**pictures("abcd"), "output.manifest": text}))
    assert "semantic-segmentation" in sentence


@pytest.mark.parametrize(
    ("name", "content", "tool"),
    [
        ("export.ndjson", b'{"data_row": {"id": "a"}, "projects": {}}', "Labelbox"),
        ("via.json", b'{"a.png1": {"regions": [{"region_attributes": {}}]}}', "VGG Image Annotator"),
        ("labels.json", b'[{"name": "a.png", "labels": [{"box2d": {}}]}]', "Scalabel (BDD100K)"),
    ],
)
def test_the_export_of_a_tool_that_is_not_read_is_refused_by_its_name(tmp_path, name, content, tool):
    sentence = refused(tmp_path, zipped({**pictures("abcd"), name: content}))
    assert name in sentence and tool in sentence and "COCO" in sentence
