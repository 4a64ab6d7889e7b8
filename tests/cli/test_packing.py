"""A folder is a tar that is never written: any part of it is what a real tar would hold there."""

import io
import os
import random
import tarfile

import pytest
from slipway import packing
from slipway.errors import Refused


@pytest.fixture
def folder(tmp_path):
    chance = random.Random(1)
    for name, size in (
        ("cat/empty.png", 0),
        ("cat/block.png", 512),
        ("dog/odd.png", 1301),
        ("dog/划痕.png", 77),
        (f"dog/{'long' * 40}.png", 2000),
        (".git/config", 10),
        ("cat/.DS_Store", 10),
        ("__MACOSX/cat/x.png", 10),
    ):
        path = tmp_path / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(size))
    return tmp_path / "pets"


def whole(source) -> bytes:
    return b"".join(source.blocks(0, source.size))


def test_it_is_a_tar_of_the_files_that_belong_in_it(folder):
    source = packing.source_of(folder)
    content = whole(source)
    assert len(content) == source.size
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        found = {member.name: tar.extractfile(member).read() for member in tar}
    assert found == {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*.png")
        if "__MACOSX" not in path.parts
    }


def test_any_part_of_it_is_that_part_of_the_whole(folder):
    source = packing.source_of(folder)
    content = whole(source)
    chance = random.Random(2)
    cuts = [(0, source.size), (source.size - 1, source.size), (511, 513), (source.size, source.size)]
    cuts += [sorted(chance.choices(range(source.size + 1), k=2)) for _ in range(300)]
    for start, end in cuts:
        assert b"".join(source.blocks(start, end)) == content[start:end], (start, end)


def test_a_file_is_sent_as_it_is(tmp_path):
    archive = tmp_path / "pets.zip"
    archive.write_bytes(b"0123456789")
    source = packing.source_of(archive)
    assert (source.filename, source.size) == ("pets.zip", 10)
    assert b"".join(source.blocks(3, 7)) == b"3456"


def test_the_fingerprint_changes_with_the_files(folder):
    before = packing.source_of(folder).fingerprint
    assert packing.source_of(folder).fingerprint == before
    (folder / "cat" / "block.png").write_bytes(b"other")
    assert packing.source_of(folder).fingerprint != before


def test_a_file_that_changes_while_it_is_sent_is_refused(folder):
    source = packing.source_of(folder)
    os.utime(folder / "dog" / "odd.png", ns=(1, 1))
    with pytest.raises(Refused, match="odd.png was changed while it was being sent"):
        whole(source)


def test_a_link_to_a_file_counts_as_the_file(folder, tmp_path):
    (tmp_path / "elsewhere.png").write_bytes(b"linked")
    (folder / "cat" / "link.png").symlink_to(tmp_path / "elsewhere.png")
    with tarfile.open(fileobj=io.BytesIO(whole(packing.source_of(folder)))) as tar:
        member = tar.getmember("cat/link.png")
        assert member.isreg()
        assert tar.extractfile(member).read() == b"linked"


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(Refused, match="no files in"):
        packing.source_of(tmp_path)
