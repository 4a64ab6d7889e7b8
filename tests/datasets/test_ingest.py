"""The program: what it makes of good uploads, and the rules about classes, images and split."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from PIL import Image
from upload_builders import (
    ROOT,
    encoded,
    finding,
    ingested,
    job_folder,
    png,
    refused,
    run_program,
    two_classes,
    zipped,
)

from portal.datasets import checking

DIGITS = ROOT / "portal" / "datasets" / "samples" / "digits.zip"


def members(artifacts: Path) -> dict[str, bytes]:
    with tarfile.open(artifacts / "dataset.tar") as tar:
        assert all(member.isreg() and member.mtime == 0 for member in tar.getmembers())
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}


def test_the_staged_layout_is_whole(tmp_path):
    files = two_classes(10)
    result, artifacts = ingested(tmp_path, zipped(files))
    staged = members(artifacts)
    rows = [json.loads(line) for line in staged["index.jsonl"].decode().splitlines()]
    assert staged["label.txt"].decode() == "0 cat\n1 dog\n"
    for split in ("train", "val"):
        listed = [f"{row['name']} {row['class_id']}" for row in rows if row["split"] == split]
        assert staged[f"{split}.txt"].decode().splitlines() == listed and len(listed) == result[split]
    for row in rows:
        content = staged[row["name"]]
        assert content == files[row["original"]]
        assert row["sha256"] == hashlib.sha256(content).hexdigest() and row["bytes"] == len(content)
        assert (row["width"], row["height"], row["note"]) == (8, 8, None)
    assert [row["name"] for row in rows] == [f"images/{i:06d}.png" for i in range(1, 21)]
    assert set(staged) == {row["name"] for row in rows} | {"train.txt", "val.txt", "label.txt", "index.jsonl"}


def test_the_result_says_what_the_page_shows(tmp_path):
    result, artifacts = ingested(tmp_path, zipped(two_classes(20)))
    assert (result["images"], result["train"], result["val"], result["seed"]) == (40, 32, 8, 0)
    assert result["split"] == "stratified" and len(result["content_hash"]) == 64
    assert result["counts"][1] == {"name": "dog", "train": 16, "val": 4, "total": 20}
    assert [thumb["class_id"] for thumb in result["thumbs"]] == [0] * 12 + [1] * 12
    assert all((artifacts / thumb["file"]).is_file() for thumb in result["thumbs"])
    report = json.loads((artifacts / "report.json").read_text())
    assert report["filename"] == "upload.zip" and report["content_hash"] == result["content_hash"]


def test_the_order_of_the_zip_changes_nothing(tmp_path):
    pairs = list(two_classes(20).items())
    tars = []
    for name, order in (("a", pairs), ("b", pairs[::-1])):
        (tmp_path / name).mkdir()
        result, artifacts = ingested(tmp_path / name, zipped(order))
        tars.append((result["content_hash"], (artifacts / "dataset.tar").read_bytes()))
    assert tars[0] == tars[1]


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
    assert result["val"] == 359 and len(result["thumbs"]) == 120 and result["findings"] == []
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
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
    "too few names": (zipped(two_classes()), {"class_names": ["x"]}, "You gave 1 class names"),
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
    rows = [json.loads(line) for line in members(artifacts)["index.jsonl"].decode().splitlines()]
    assert all(row["original"].startswith(("dog", "cat")[row["class_id"]]) for row in rows)


def test_undecodable_images_are_named_and_dropped(tmp_path):
    files = {**two_classes(), "cat/torn.jpg": b"\xff\xd8\xff\xe0 torn", "dog/text.png": b"hello"}
    result, _ = ingested(tmp_path, zipped(files))
    found = finding(result, "undecodable")
    assert result["images"] == 10 and found["level"] == "warn" and found["count"] == 2
    assert any("cat/torn.jpg" in example for example in found["examples"])


def test_converted_images_are_noted_and_get_their_right_suffix(tmp_path):
    files = {
        **two_classes(),
        "cat/c.jpg": encoded(Image.new("CMYK", (9, 9)), "JPEG"),
        "dog/wrong.jpg": png(77),
    }
    result, artifacts = ingested(tmp_path, zipped(files))
    rows = [json.loads(line) for line in members(artifacts)["index.jsonl"].decode().splitlines()]
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
    assert finding(result, "copy-in-two-classes")["examples"] == ["cat/same.png = dog/same.png"]
    (tmp_path / "two").mkdir()
    files = {**two_classes(4, "train/"), "val/cat/a.png": png(0), "val/dog/b.png": png(71)}
    result, _ = ingested(tmp_path / "two", zipped(files))
    assert finding(result, "copy-in-both-splits")["count"] == 1


def test_many_classes_get_fewer_thumbnails_each(tmp_path):
    files = {f"c{k}/{i}.png": png(10 * k + i) for k in range(200) for i in range(8)}
    result, _ = ingested(tmp_path, zipped(files))
    assert len(result["thumbs"]) == 1200


def test_a_process_pool_gives_what_one_process_gives(tmp_path, monkeypatch):
    results = []
    for name, per_process in (("one", 10_000), ("pool", 10)):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(checking, "IMAGES_PER_PROCESS", per_process)
        results.append(ingested(tmp_path / name, zipped(two_classes(50)))[0])
    assert results[0] == results[1]


class DeadlyPath(type(Path())):
    """An image over which the decoding process dies."""

    def read_bytes(self) -> bytes:
        os._exit(9)


def test_an_image_that_kills_its_process_costs_that_image_alone(tmp_path):
    paths = [tmp_path / f"{i:06d}" for i in range(70)]
    for i, path in enumerate(paths):
        path.write_bytes(png(i))
    paths[40] = DeadlyPath(paths[40])
    with checking.ImagePool(2) as pool:
        facts = pool.check(paths, 10_000, lambda done: None)
    assert facts.pop(40) == checking.CRASHED
    hashes = [hashlib.sha256(png(i)).hexdigest() for i in range(70) if i != 40]
    assert [fact.sha256 for fact in facts] == hashes


def test_the_program_loads_neither_django_nor_celery():
    check = "import sys, portal.datasets.ingest; print([m for m in ('django', 'celery') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
