"""Writing a version into the cache as a folder: once, whole, or not at all."""

from __future__ import annotations

import hashlib
import itertools
import json
import multiprocessing
from pathlib import Path

import pytest
from upload_builders import content_of, images_of, ingested, pack_reader, two_classes, zipped

from workers.contract.splits import measured_split
from workers.datakit.errors import StagingError
from workers.datakit.index import Index
from workers.datakit.staging import stage


@pytest.fixture
def artifacts(tmp_path) -> Path:
    return ingested(tmp_path, zipped(two_classes(30)))[1]


def staged(artifacts: Path, target: Path, read=None) -> Path:
    with Index(artifacts / "index.sqlite") as index:
        return stage(index, read or pack_reader(artifacts), target)


def test_it_writes_the_whole_layout_and_returns_the_folder(artifacts, tmp_path):
    folder = staged(artifacts, tmp_path / "cache" / "abc")
    assert folder == tmp_path / "cache" / "abc"
    lines = [line for side in ("train", "val") for line in (folder / f"{side}.txt").read_text().splitlines()]
    assert len(lines) == 60
    for line in lines:
        name, class_id = line.split(" ")
        assert (folder / name).is_file() and class_id in "01"
    assert (folder / "label.txt").read_text() == "0 cat\n1 dog\n"
    records = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    assert [record["name"] for record in records] == [
        f"images/{image.name}" for image in images_of(artifacts)
    ]
    for record, image in zip(records, images_of(artifacts), strict=True):
        content = (folder / record["name"]).read_bytes()
        assert content == content_of(artifacts, image)
        assert hashlib.sha256(content).hexdigest() == record["sha256"] and len(content) == record["bytes"]


def test_equal_content_gives_equal_folders_wherever_its_images_lie(artifacts, tmp_path):
    (tmp_path / "again").mkdir()
    files = dict(reversed(two_classes(30).items()))
    again = ingested(tmp_path / "again", zipped(files), inputs={"known": [str(artifacts / "index.sqlite")]})[
        1
    ]
    assert list((again / "packs").iterdir()) == []
    one, two = staged(artifacts, tmp_path / "one"), staged(again, tmp_path / "two", pack_reader(artifacts))
    names = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(two) for path in two.rglob("*") if path.is_file())
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)


def test_a_folder_that_is_there_is_returned_untouched(artifacts, tmp_path):
    folder = staged(artifacts, tmp_path / "abc")
    (folder / "mark").touch()
    assert (staged(artifacts, folder, read=None) / "mark").exists()


def test_several_jobs_may_stage_the_same_one_at_once(artifacts, tmp_path):
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        folders = pool.starmap(staged, [(artifacts, tmp_path / "cache" / "abc")] * 6)
    assert set(folders) == {tmp_path / "cache" / "abc"}
    assert not (tmp_path / "cache" / ".abc.tmp").exists()


def test_what_a_killed_job_left_is_cleared_away(artifacts, tmp_path):
    left = tmp_path / ".abc.tmp" / "images"
    left.mkdir(parents=True)
    (left / "000001.png").write_bytes(b"half")
    (left / "000099.png").write_bytes(b"half")
    folder = staged(artifacts, tmp_path / "abc")
    assert (folder / "images" / "000001.png").read_bytes() != b"half"
    assert not (folder / "images" / "000099.png").exists()


def test_a_test_split_has_a_list_of_its_own(tmp_path):
    for fraction in (None, 0.25):
        (tmp_path / f"{fraction}").mkdir()
        _, artifacts = ingested(tmp_path / f"{fraction}", zipped(two_classes(8)), test_fraction=fraction)
        folder = staged(artifacts, tmp_path / "cache" / f"{fraction}", pack_reader(artifacts))
        assert (folder / "test.txt").is_file() == bool(fraction)
        assert measured_split(folder) == ("test" if fraction else "val")
    lists = [(folder / f"{split}.txt").read_text().splitlines() for split in ("train", "val", "test")]
    assert [len(lines) for lines in lists] == [8, 4, 4]
    assert len(set(itertools.chain(*lists))) == 16


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-1], lambda content: b"", lambda content: b"x" + content[1:]]
)
def test_a_damaged_pack_leaves_nothing_and_says_what_to_do(artifacts, tmp_path, damage):
    def read(images):
        for image, content in pack_reader(artifacts)(images):
            yield image, damage(content) if image.id == 50 else content

    with pytest.raises(StagingError, match=r"000050\.png .* is damaged: upload the dataset again"):
        staged(artifacts, tmp_path / "cache" / "abc", read)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".abc.lock"]
