"""Images that came back from a device say so in every later version and in exports."""

from __future__ import annotations

import csv
import io
import json
import zipfile

from annotation_builders import coco_set
from test_export import exported
from upload_builders import finding, images_of, ingested, png, two_classes, zipped

from workers.datakit import sources

SOURCE = {"device": "Bench", "taken_at": "2026-11-29T20:00:00Z", "release": "digits-1"}


def test_an_image_from_a_device_is_marked_and_exported_with_where_and_when(tmp_path):
    options = {"sources": {"cat/new.png": SOURCE, "gone.png": SOURCE}}
    result, artifacts = ingested(tmp_path, zipped(two_classes() | {"cat/new.png": png(500)}), **options)
    assert finding(result, "from-board")["count"] == 1
    assert [sources.of(image) for image in images_of(artifacts) if sources.of(image)] == [SOURCE]
    with zipfile.ZipFile(io.BytesIO(exported(artifacts, "csv"))) as archive:
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open("labels.csv"))))
    told = [row for row in rows if row["device"]]
    assert len(rows) == 11 and [{name: row[name] for name in SOURCE} for row in told] == [SOURCE]


def test_an_export_with_sources_is_read_again_without_a_question(tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    first.mkdir(), again.mkdir()
    files = two_classes() | {"cat/new.png": png(500)}
    before, artifacts = ingested(first, zipped(files), sources={"cat/new.png": SOURCE})
    with zipfile.ZipFile(io.BytesIO(exported(artifacts, "csv"))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    after, _ = ingested(again, zipped(files))
    assert after["content_hash"] == before["content_hash"]


def test_coco_tells_the_device_of_each_image(tmp_path):
    name = next(
        name for name in zipfile.ZipFile(io.BytesIO(zipped(coco_set()))).namelist() if name.endswith("a.png")
    )
    _, artifacts = ingested(tmp_path, zipped(coco_set()), sources={name: SOURCE})
    with zipfile.ZipFile(io.BytesIO(exported(artifacts, "coco"))) as archive:
        files = [json.loads(archive.read(one)) for one in archive.namelist() if one.endswith(".json")]
    assert [image["source"] for one in files for image in one["images"] if "source" in image] == [SOURCE]


def test_what_is_no_source_is_left_out():
    given = {"a": SOURCE | {"more": 1}, "b": {"device": "Bench"}, "c": [], "d": SOURCE | {"release": ""}}
    assert sources.checked(given) == {"a": SOURCE} and sources.checked("x") == {}
