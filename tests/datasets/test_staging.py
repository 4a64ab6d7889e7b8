"""Unpacking a stored dataset into the cache: once, whole, or not at all."""

from __future__ import annotations

import io
import multiprocessing
import tarfile
from pathlib import Path

import pytest
from upload_builders import ingested, two_classes, zipped

from portal.datasets.errors import StagingError
from portal.datasets.staging import unpack_dataset


@pytest.fixture
def stored(tmp_path) -> Path:
    return ingested(tmp_path, zipped(two_classes(30)))[1] / "dataset.tar"


def test_it_unpacks_the_whole_layout_and_returns_the_folder(stored, tmp_path):
    folder = unpack_dataset(stored, tmp_path / "cache" / "abc")
    assert folder == tmp_path / "cache" / "abc"
    for line in (folder / "train.txt").read_text().splitlines():
        name, class_id = line.split(" ")
        assert (folder / name).is_file() and class_id in "01"
    assert len(list((folder / "images").iterdir())) == 60


def test_a_folder_that_is_there_is_returned_untouched(stored, tmp_path):
    folder = unpack_dataset(stored, tmp_path / "abc")
    (folder / "mark").touch()
    assert (unpack_dataset("/no/such.tar", folder) / "mark").exists()


def test_two_jobs_may_stage_the_same_one_at_once(stored, tmp_path):
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        folders = pool.starmap(unpack_dataset, [(str(stored), str(tmp_path / "cache" / "abc"))] * 6)
    assert set(folders) == {tmp_path / "cache" / "abc"}
    assert not (tmp_path / "cache" / ".abc.tmp").exists()


def test_what_a_killed_job_left_is_cleared_away(stored, tmp_path):
    left = tmp_path / ".abc.tmp" / "images"
    left.mkdir(parents=True)
    (left / "000001.png").write_bytes(b"half")
    assert (unpack_dataset(stored, tmp_path / "abc") / "images" / "000001.png").read_bytes() != b"half"


def tar_of(names: list[str], kind: bytes = tarfile.REGTYPE) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    return buffer.getvalue()


LISTS = ["train.txt", "val.txt", "label.txt", "index.jsonl"]
BAD = {
    "a path up": tar_of(["../evil", *LISTS]),
    "an absolute path": tar_of(["/tmp/evil", *LISTS]),
    "a link": tar_of(["images/000001.png"], tarfile.SYMTYPE),
    "a file of another name": tar_of(["images/a b.png", *LISTS]),
    "one name twice": tar_of(["train.txt", *LISTS]),
    "a missing index": tar_of(LISTS[:3]),
    "nothing": b"",
    "no tar": b"x" * 2000,
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_tar_that_is_not_ours_or_not_whole_leaves_nothing(tmp_path, content):
    (tmp_path / "dataset.tar").write_bytes(content)
    with pytest.raises(StagingError, match="upload the dataset again"):
        unpack_dataset(tmp_path / "dataset.tar", tmp_path / "cache" / "abc")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".abc.lock"]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_tar_cut_short_is_never_taken_for_whole(stored, tmp_path, part):
    content = stored.read_bytes()
    stored.write_bytes(content[: int(len(content.rstrip(b"\0")) * part)])
    with pytest.raises(StagingError):
        unpack_dataset(stored, tmp_path / "cache" / "abc")
    assert not (tmp_path / "cache" / "abc").exists()
