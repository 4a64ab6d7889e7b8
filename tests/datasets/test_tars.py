"""Tar archives, plain and compressed: read like zips, and refused as clearly when they are hostile."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib

import pytest
import zstandard
from PIL import Image
from tar_builders import PACKINGS, raw_header, tarred, with_member, with_size
from upload_builders import (
    content_of,
    encoded,
    finding,
    images_of,
    ingested,
    job_folder,
    png,
    refused,
    run_program,
    two_classes,
    zipped,
)

GOOD = tarred(two_classes())


@pytest.mark.parametrize("pack", PACKINGS.values(), ids=PACKINGS.keys())
def test_a_tar_holds_what_the_same_zip_holds(tmp_path, pack):
    hashes = []
    for name, upload in (("zip", zipped(two_classes())), ("tar", pack(GOOD))):
        (tmp_path / name).mkdir()
        result, artifacts = ingested(tmp_path / name, upload)
        hashes.append(((artifacts / "index.sqlite").read_bytes(), result))
        assert not (tmp_path / name / "job" / "scratch").exists()
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_dialect_with_long_and_chinese_names_is_read(tmp_path, style):
    deep = "folder/" * 20
    files = {f"{deep}{name}/照片{i}.png": png(10 * k + i)
             for k, name in enumerate(("苹果", "香蕉")) for i in range(3)}  # fmt: skip
    assert ingested(tmp_path, tarred(files, format=style))[0]["class_names"] == ["苹果", "香蕉"]


def test_gbk_names_are_shown_rightly(tmp_path):
    files = {f"{name}/{i}.png": png(10 * k + i) for k, name in enumerate(("猫猫", "小狗")) for i in range(3)}
    upload = tarred(files, format=tarfile.GNU_FORMAT, encoding="gbk")
    result, _ = ingested(tmp_path, upload)
    assert result["class_names"] == ["小狗", "猫猫"] and finding(result, "names-decoded")


def test_folders_litter_and_dots_in_front_are_no_trouble(tmp_path):
    files = {"./": b"", "./cat/": b"", "./._cat": b"x", "./horse/": b""}
    files |= {f"./{name}": content for name, content in two_classes().items()}
    result, _ = ingested(tmp_path, tarred(files))
    assert result["class_names"] == ["cat", "dog"] and finding(result, "empty-folders")["count"] == 1


def zstd_without_end() -> bytes:
    return zstandard.compress(GOOD + bytes(100_000))[:-20]


def greedy_xz() -> bytes:
    """A small file whose header asks for a dictionary of 1 GB: decoding it takes that much memory."""
    content = bytearray(lzma.compress(GOOD, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]))
    header = content[12 : 12 + (content[12] + 1) * 4]
    header[header.index(b"\x21\x01") + 2] = 36  # 2^30, as the format writes it
    header[-4:] = zlib.crc32(header[:-4]).to_bytes(4, "little")
    content[12 : 12 + len(header)] = header
    return bytes(content)


def long_name(size: int) -> bytes:
    return raw_header(b"././@LongLink", b"L", size) + bytes(size) + GOOD


def nested_long_names() -> bytes:
    return (raw_header(b"././@LongLink", b"L", 512) + b"a" * 512) * 5000 + GOOD


def many_fields() -> bytes:
    records = b"".join(b"%d k%04d=v\n" % (11, i) for i in range(2000))
    padding = bytes(-len(records) % 512)
    return raw_header(b"pax_global", b"g", len(records)) + records + padding + GOOD


CASES = {
    "an empty tar": (tarred({}), "only zeros"),
    "a tar of folders alone": (tarred({"cat/": b"", "dog/": b""}), "holds no images"),
    "a tar cut in a file": (GOOD[:3000], "cut short"),
    "a tar cut after a file": (GOOD[:4096], "cut short"),
    "a tar cut in a header": (GOOD[:4200], "cut short"),
    "a tar without its end": (GOOD.rstrip(b"\0")[:-1], "cut short"),
    "a broken header": (GOOD[:2048] + b"\xff" * 512 + GOOD[2560:], "damaged"),
    "a size below nothing": (with_size(GOOD, 2, b"\xff" * 12), "damaged"),
    "a size far below nothing": (with_size(GOOD, 2, b"\xff" + b"\0" * 11), "damaged"),
    "a size without end": (with_size(GOOD, 2, b"\x80" + b"\xff" * 11), "damaged"),
    "a size that is no number": (with_size(GOOD, 2, b"many"), "damaged"),
    "a size larger than the file": (with_size(GOOD, 9, b"77777777777"), "damaged"),
    "a name of a megabyte": (long_name(1024 * 1024), "too long"),
    "a name of all that is there": (raw_header(b"././@LongLink", b"L", 8**11 - 1) + GOOD, "too long"),
    "names of names of names": (nested_long_names(), "damaged"),
    "thousands of global fields": (many_fields(), "too many fields"),
    "a symbolic link": (with_member(kind=tarfile.SYMTYPE, link="/etc/passwd"), "holds a link"),
    "a hard link": (with_member(kind=tarfile.LNKTYPE, link="cat/0.png"), "holds a link"),
    "a named pipe": (with_member(kind=tarfile.FIFOTYPE), "special file"),
    "a character device": (with_member(kind=tarfile.CHRTYPE), "special file"),
    "a block device": (with_member(kind=tarfile.BLKTYPE), "special file"),
    "a sparse file": (with_member(kind=tarfile.GNUTYPE_SPARSE), "special file"),
    "a path up": (with_member("../evil.png"), "points outside"),
    "a path up, deeper": (with_member("cat/../../evil.png"), "points outside"),
    "a path up with backslashes": (with_member("cat\\..\\..\\evil.png"), "points outside"),
    "an absolute path": (with_member("/etc/evil.png"), "absolute"),
    "a drive letter": (with_member("C:\\evil.png"), "absolute"),
    "one name twice": (with_member("cat/0.png"), "two files called 'cat/0.png'"),
    "a file that is a folder too": (with_member("cat/0.png/1.png"), "as a file and as a folder"),
    "a gzip cut in half": (gzip.compress(GOOD)[:200], "gzip file is damaged"),
    "a gzip without its checksum": (gzip.compress(GOOD)[:-8], "gzip file is damaged"),
    "a gzip with a wrong checksum": (gzip.compress(GOOD)[:-8] + bytes(8), "gzip file is damaged"),
    "a gzip with rubbish after it": (gzip.compress(GOOD) + b"rubbish", "gzip file is damaged"),
    "a gzip of two magic bytes": (b"\x1f\x8b", "gzip file is damaged"),
    "a gzip of a broken stream": (gzip.compress(GOOD)[:30] + b"\xff" * 90, "gzip file is damaged"),
    "a Zstandard file cut short": (zstd_without_end(), "cut short"),
    "a Zstandard file that is none": (b"\x28\xb5\x2f\xfdrest of it", "Zstandard file"),
    "a gzip of a zip": (gzip.compress(zipped(two_classes())), "holds no tar"),
    "a gzip of a gzip": (gzip.compress(gzip.compress(GOOD)), "holds no tar"),
    "a tar.bz2": (bz2.compress(GOOD), "bzip2"),
    "an xz file cut in half": (lzma.compress(GOOD)[:200], "xz file is damaged or was cut short"),
    "an xz file without its end": (lzma.compress(GOOD)[:-8], "xz file is damaged or was cut short"),
    "an xz file of a broken stream": (lzma.compress(GOOD)[:40] + b"\xff" * 90, "xz file is damaged"),
    "an xz file with rubbish after it": (lzma.compress(GOOD) + b"rubbish", "xz file is damaged"),
    "an xz file of six bytes": (b"\xfd7zXZ\x00", "xz file is damaged"),
    "an xz file that needs a gigabyte": (greedy_xz(), "xz file is damaged"),
    "an xz of a zip": (lzma.compress(zipped(two_classes())), "xz file holds no tar"),
    "a tar in a tar": (tarred({"all.tar": GOOD}), "another archive (all.tar)"),
    "a tar.zst in a zip": (zipped({"all.tar.zst": zstandard.compress(GOOD)}), "another archive"),
}  # fmt: skip


@pytest.mark.parametrize("upload, expected", CASES.values(), ids=CASES.keys())
def test_it_refuses_a_tar_with_one_clear_sentence_and_leaves_nothing(tmp_path, upload, expected):
    message = refused(tmp_path, upload)
    assert expected in message
    assert message.endswith(".") and "\n" not in message and len(message) < 400


LIMITED = {
    "too many files": (GOOD, {"max_files": 5}, "more than the 5 files"),
    "too many files, packed": (gzip.compress(GOOD), {"max_files": 5}, "more than the 5 files"),
    "too many bytes": (GOOD, {"max_unpacked_bytes": 100}, "more than the 100 bytes allowed"),
    "too many bytes, packed": (
        gzip.compress(GOOD), {"max_unpacked_bytes": 100, "max_files": 2}, "more than the 100 bytes allowed"),
}  # fmt: skip


@pytest.mark.parametrize("upload, limits, expected", LIMITED.values(), ids=LIMITED.keys())
def test_it_holds_a_tar_to_the_limits(tmp_path, upload, limits, expected):
    assert expected in refused(tmp_path, upload, limits=limits)


def test_a_tar_of_too_many_names_costs_little_memory(tmp_path):
    upload = gzip.compress(b"".join(raw_header(b"cat/%06d.png" % i, b"0", 0) for i in range(20_001)), 1)
    folder = job_folder(tmp_path, upload, limits={"max_ratio": 1000, "max_files": 20_000})
    result, log = run_program(folder, memory=400 * 1024**2)
    assert result["kind"] == "input" and "more than the 20,000 files" in result["message"], log


def bomb(kind: str, megabytes: int) -> bytes:
    buffer = io.BytesIO()
    opened = gzip.GzipFile(fileobj=buffer, mode="wb") if kind == "gzip" else None
    opened = lzma.LZMAFile(buffer, "wb", preset=0) if kind == "xz" else opened
    opened = opened or zstandard.ZstdCompressor().stream_writer(buffer, closefd=False)
    with opened as stream:
        stream.write(raw_header(b"cat/bomb.png", b"0", megabytes * 1024**2))
        for _ in range(megabytes):
            stream.write(bytes(1024**2))
        stream.write(bytes(1024))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["gzip", "xz", "zstd"])
def test_a_bomb_is_stopped_while_it_unpacks_within_little_memory_and_disk(tmp_path, kind):
    upload = bomb(kind, 300)
    assert len(upload) < 1024**2
    result, log = run_program(job_folder(tmp_path, upload), memory=600 * 1024**2, file_bytes=80 * 1024**2)
    assert not result["ok"] and result["kind"] == "input", log
    assert "tar bomb" in result["message"]
    left = {path.name for path in (tmp_path / "job").iterdir()}
    assert left == {"spec.json", "events.jsonl", "result.json"}


def test_a_photo_in_a_tar_is_unpacked_byte_for_byte(tmp_path):
    noise = Image.effect_noise((1200, 900), 80)
    files = {**two_classes(), "cat/large.png": encoded(noise, "PNG")}
    result, artifacts = ingested(tmp_path, gzip.compress(tarred(files)))
    large = next(image for image in images_of(artifacts) if image.original == "cat/large.png")
    assert result["images"] == 11 and content_of(artifacts, large) == files["cat/large.png"]
