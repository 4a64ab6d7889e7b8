"""The program: what it makes of good uploads, and the rules about classes, images and split."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from upload_builders import (
    ROOT,
    content_of,
    encoded,
    examples,
    finding,
    images_of,
    index,
    ingested,
    job_folder,
    png,
    refused,
    run_program,
    thumb_of,
    two_classes,
    zipped,
)

from workers.contract.messages import Decoder
from workers.datakit import checking
from workers.datakit.archive import Entry
from workers.datakit.index import ImageRow
from workers.datakit.ziparchive import ZipArchive, ZipSource

DIGITS_HASH = "03ba925f79a39e2af9959bd1bbe87fdaccb78ad6ead580cad492aba55e4eac19"
DIGITS = ROOT / "portal" / "datasets" / "samples" / "digits.zip"


def test_every_image_is_packed_as_it_came_and_listed(tmp_path):
    files = two_classes(10)
    result, artifacts = ingested(tmp_path, zipped(files))
    images = images_of(artifacts)
    for image in images:
        content = content_of(artifacts, image)
        assert content == files[image.original]
        assert image.sha256 == hashlib.sha256(content).hexdigest()
        assert (image.width, image.height, image.note, image.thumb_start) == (8, 8, None, None)
        assert result["class_names"][image.class_id] == image.original.partition("/")[0]
    assert [image.name for image in images] == [f"{i:06d}.png" for i in range(1, 21)]
    assert Counter(image.split for image in images) == {"train": 16, "val": 4}
    names = {path.relative_to(artifacts).as_posix() for path in artifacts.rglob("*") if path.is_file()}
    assert names == {"index.sqlite", "report.json", "packs/key-0.pack"}
    size = sum(map(len, files.values()))
    assert result["packs"] == [{"name": "key-0.pack", "images": 20, "bytes": size}]


def test_a_large_image_has_a_thumbnail_beside_it(tmp_path):
    files = {**two_classes(), "cat/large.png": png(4, (400, 300))}
    _, artifacts = ingested(tmp_path, zipped(files))
    large = next(image for image in images_of(artifacts) if image.original == "cat/large.png")
    assert content_of(artifacts, large) == files["cat/large.png"]
    with Image.open(io.BytesIO(thumb_of(artifacts, large))) as thumb:
        assert (thumb.format, thumb.size) == ("JPEG", (200, 150))


def test_the_result_says_what_the_page_shows(tmp_path):
    result, artifacts = ingested(tmp_path, zipped(two_classes(20)))
    assert (result["images"], result["train"], result["val"], result["seed"]) == (40, 32, 8, 0)
    assert result["split"] == "stratified" and len(result["content_hash"]) == 64
    assert result["counts"][1] == {"name": "dog", "train": 16, "val": 4, "test": 0, "total": 20}
    report = json.loads((artifacts / "report.json").read_text())
    assert report["filename"] == "upload.zip" and report["content_hash"] == result["content_hash"]


def test_the_order_of_the_zip_changes_nothing(tmp_path):
    pairs = list(two_classes(20).items())
    indexes = []
    for name, order in (("a", pairs), ("b", pairs[::-1])):
        (tmp_path / name).mkdir()
        result, artifacts = ingested(tmp_path / name, zipped(order))
        indexes.append((result, (artifacts / "index.sqlite").read_bytes()))
    assert indexes[0] == indexes[1]


def test_names_of_files_do_not_change_content_or_split_but_classes_seed_and_order_do(tmp_path):
    def hash_of(name: str, files: dict, **params) -> str:
        (tmp_path / name).mkdir()
        return ingested(tmp_path / name, zipped(files), **params)[0]["content_hash"]

    files = two_classes(20)
    base = hash_of("base", files)
    assert hash_of("wrapped", {f"outer/{name[:4]}x{name[4:]}": data for name, data in files.items()}) == base
    assert hash_of("seed", files, seed=1) != base
    assert hash_of("order", files, class_names=["dog", "cat"]) != base
    assert hash_of("name", {name.replace("dog", "wolf"): data for name, data in files.items()}) != base


def test_the_bundled_digits_are_whole(tmp_path):
    text = DIGITS.with_suffix(".md").read_text()
    assert hashlib.sha256(DIGITS.read_bytes()).hexdigest() in text
    assert DIGITS.stat().st_size < 1_000_000
    folder = job_folder(tmp_path, DIGITS.read_bytes())
    result, log = run_program(folder, memory=2 * 1024**3)
    assert result["ok"], log
    assert result["class_names"] == list("0123456789") and result["images"] == 1797
    assert result["val"] == 359 and result["findings"] == []
    assert result["content_hash"] == DIGITS_HASH
    events = [json.loads(line, cls=Decoder) for line in (folder / "events.jsonl").read_text().splitlines()]
    phases = [event["name"] for event in events if event["type"] == "phase"]
    assert phases == ["extracting", "checking", "writing"]
    progress = [event["done"] / event["total"] for event in events if event["type"] == "progress"]
    assert progress == sorted(progress) and progress[-1] == 1
    assert not (folder / "scratch").exists()


REFUSED = {
    "one class": (zipped({f"cat/{i}.png": png(i) for i in range(5)}), {}, "only one class (cat)"),
    "images without folders": (zipped({f"{i}.png": png(i) for i in range(5)}), {}, "not in class folders"),
    "a class with one image": (zipped({**two_classes(), "cow/1.png": png(9)}), {}, "'cow' has 1"),
    "a class left with one image": (
        zipped({**two_classes(), "cow/1.png": png(9), "cow/2.png": b"no"}), {}, "'cow' has 1 (1 could"),
    "a class with no readable image": (zipped({**two_classes(), "cow/1.png": b"x"}), {}, "'cow' has none"),
    "more than half undecodable": (
        zipped({**two_classes(2), **{f"cat/bad{i}.png": b"junk" for i in range(5)}}),
        {}, "5 of the 9 images"),
    "a wrong class count": (zipped(two_classes()), {"class_count": 3}, "You said 3 classes"),
    "a class count that is none": (zipped(two_classes()), {"class_count": "many"}, "must be a whole number"),
    "too few names": (zipped(two_classes()), {"class_names": ["x"]}, "You gave 1 class name and"),
    "names too alike": (zipped(two_classes()), {"class_names": ["x", "X"]}, "'x' and 'X' are too alike"),
    "the same name twice": (zipped(two_classes()), {"class_names": ["x", "x"]}, "too alike"),
    "an empty name": (zipped(two_classes()), {"class_names": ["x", ""]}, "empty name"),
    "names that are numbers": (zipped(two_classes()), {"class_names": [1, 2]}, "list of texts"),
    "no validation share": (zipped(two_classes()), {"val_fraction": 0}, "between 0.05 and 0.5"),
    "all for validation": (zipped(two_classes()), {"val_fraction": 0.9}, "between 0.05 and 0.5"),
    "a seed that is none": (zipped(two_classes()), {"seed": "x"}, "seed must be a whole number"),
}  # fmt: skip


@pytest.mark.parametrize("upload, params, expected", REFUSED.values(), ids=REFUSED.keys())
def test_it_refuses_data_that_cannot_be_trained_on(tmp_path, upload, params, expected):
    message = refused(tmp_path, upload, **params)
    assert expected in message and message.endswith(".") and "\n" not in message


def test_a_right_class_count_and_names_of_ones_own_are_taken(tmp_path):
    result, _ = ingested(tmp_path, zipped(two_classes()), class_count=2, class_names=["Katze", "Hund"])
    assert result["class_names"] == ["Katze", "Hund"]


def test_the_same_names_in_another_order_never_rename_a_folder(tmp_path):
    result, artifacts = ingested(tmp_path, zipped(two_classes()), class_names=["dog", "cat"])
    assert result["class_names"] == ["dog", "cat"]
    rows = index(artifacts)
    assert all(row["original"].startswith(("dog", "cat")[row["class_id"]]) for row in rows)


def test_undecodable_images_are_named_and_dropped(tmp_path):
    files = {**two_classes(), "cat/torn.jpg": b"\xff\xd8\xff\xe0 torn", "dog/text.png": b"hello"}
    result, _ = ingested(tmp_path, zipped(files))
    found = finding(result, "undecodable")
    assert result["images"] == 10 and found["level"] == "warn" and found["count"] == 2
    assert any("cat/torn.jpg" in example for example in [text["text"] for text in found["examples"]])


def test_converted_images_are_noted_and_get_their_right_suffix(tmp_path):
    files = {
        **two_classes(),
        "cat/c.jpg": encoded(Image.new("CMYK", (9, 9)), "JPEG"),
        "dog/wrong.jpg": png(77),
    }
    result, artifacts = ingested(tmp_path, zipped(files))
    rows = index(artifacts)
    by_original = {row["original"]: row for row in rows}
    assert by_original["cat/c.jpg"]["note"] == "converted from CMYK"
    assert by_original["cat/c.jpg"]["name"].endswith(".png")
    assert (
        by_original["dog/wrong.jpg"]["name"].endswith(".png") and by_original["dog/wrong.jpg"]["note"] is None
    )
    assert finding(result, "converted")["count"] == 1


def test_one_picture_in_two_classes_or_on_both_sides_is_reported(tmp_path):
    files = {**two_classes(), "cat/same.png": png(500), "dog/same.png": png(500)}
    result, _ = ingested(tmp_path, zipped(files))
    shown = ["cat/same.png: = dog/same.png", "dog/same.png: = cat/same.png"]
    assert examples(result, "copy-in-two-classes") == shown
    (tmp_path / "two").mkdir()
    files = {**two_classes(4, "train/"), "val/cat/a.png": png(0), "val/dog/b.png": png(71)}
    result, _ = ingested(tmp_path / "two", zipped(files))
    assert finding(result, "copy-in-both-splits")["count"] == 2


def without_places(artifacts: Path) -> list[ImageRow]:
    return [dataclasses.replace(image, pack="", start=0) for image in images_of(artifacts)]


def test_a_process_pool_gives_what_one_process_gives(tmp_path, monkeypatch):
    results = []
    for name, per_process in (("one", 10_000), ("pool", 10)):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(checking, "IMAGES_PER_PROCESS", per_process)
        result, artifacts = ingested(tmp_path / name, zipped(two_classes(50)))
        packs = result.pop("packs")
        assert result.pop("pack_names") == [pack["name"] for pack in packs]
        assert sum(pack["images"] for pack in packs) == 100
        results.append((result, without_places(artifacts)))
    assert results[0] == results[1]


def test_one_picture_is_packed_once_however_often_it_is_there(tmp_path):
    files = two_classes(4) | {f"cat/copy{i}.png": png(0) for i in range(9)}
    result, artifacts = ingested(tmp_path, zipped(files))
    contents = set(files.values())
    assert result["images"] == 17
    assert result["packs"] == [{"name": "key-0.pack", "images": 8, "bytes": sum(map(len, contents))}]
    assert {content_of(artifacts, image) for image in images_of(artifacts)} == contents


def test_an_image_of_an_earlier_version_is_not_packed_again(tmp_path):
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    files = {**two_classes(), "dog/turned.png": png(7, mode="RGBA")}
    _, first = ingested(tmp_path / "first", zipped(files), pack_key="old")
    before = {image.sha256: image for image in images_of(first)}
    more = {**files, "cat/new.png": png(500)}
    known = [str(first / "index.sqlite")]
    result, second = ingested(tmp_path / "second", zipped(more), inputs={"known": known}, pack_key="new")
    assert result["packs"] == [{"name": "new-0.pack", "images": 1, "bytes": len(png(500))}]
    for image in images_of(second):
        old = before.get(image.sha256)
        same = old and dataclasses.replace(image, id=old.id, split=old.split, marks=old.marks)
        assert image.original == "cat/new.png" if old is None else same == old


def test_an_upload_of_known_images_alone_leaves_no_pack(tmp_path):
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    first_result, first = ingested(tmp_path / "first", zipped(two_classes()))
    known = [str(first / "index.sqlite")]
    result, second = ingested(tmp_path / "second", zipped(two_classes()), inputs={"known": known})
    assert result["packs"] == [] and not list(second.glob("packs/*"))
    assert result["content_hash"] == first_result["content_hash"]


class DeadlySource(ZipSource):
    """An archive with images over which the reading process dies."""

    def stored(self, entry: Entry) -> bytes:
        if entry.path in DEADLY:
            os._exit(9)
        return super().stored(entry)


DEADLY = ("cat/13.png", "dog/0.png", "dog/1.png")


def test_an_image_that_kills_its_process_costs_that_image_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(checking, "IMAGES_PER_PROCESS", 10)
    monkeypatch.setattr(ZipArchive, "source", property(lambda self: DeadlySource(self._source.path)))
    files = two_classes(40)
    result, artifacts = ingested(tmp_path, zipped(files))
    images = images_of(artifacts)
    assert {image.original for image in images} == set(files) - set(DEADLY)
    assert all(content_of(artifacts, image) == files[image.original] for image in images)
    found = finding(result, "undecodable")
    assert found["count"] == 3 and "crashes the image decoder" in found["examples"][0]["text"]
    # What the dying processes had packed and not answered is not kept.
    assert sum(pack["bytes"] for pack in result["packs"]) == sum(image.size for image in images)


def test_the_program_loads_neither_django_nor_celery():
    loaded = "[m for m in ('django', 'celery') if m in sys.modules]"
    check = f"import sys, workers.datakit.ingest; print({loaded})"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
