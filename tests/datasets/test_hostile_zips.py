"""Uploads that no honest tool writes, or that broke on their way: each refused with a clear sentence."""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib

import pytest
import zstandard
from PIL import Image
from upload_builders import encoded, ingested, job_folder, png, refused, run_program, two_classes, zipped

from workers.datakit import ingest

GOOD = zipped(two_classes())


def tar(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        member = tarfile.TarInfo("cat/1.png")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"data"))
    return buffer.getvalue()


def with_extra(name: str, content: bytes = b"x") -> bytes:
    return zipped([*two_classes().items(), (name, content)])


def special(kind: int) -> bytes:
    buffer = io.BytesIO(GOOD)
    with zipfile.ZipFile(buffer, "a") as archive:
        info = zipfile.ZipInfo("cat/special.png")
        info.external_attr = (kind | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def patched(upload: bytes, local_offset: int, central_offset: int, kind: str, value: int) -> bytes:
    """Change one field of every local and central header."""
    data = bytearray(upload)
    for signature, offset in ((b"PK\x03\x04", local_offset), (b"PK\x01\x02", central_offset)):
        position = data.find(signature)
        while position >= 0:
            struct.pack_into(kind, data, position + offset, value)
            position = data.find(signature, position + 4)
    return bytes(data)


def flagged(bits: int) -> bytes:
    return patched(GOOD, 6, 8, "<H", bits)


def method(number: int) -> bytes:
    return patched(GOOD, 8, 10, "<H", number)


def zero_byte_name() -> bytes:
    return with_extra("cat/a_b.png").replace(b"cat/a_b.png", b"cat/a\0b.png")


def lying_end_record() -> bytes:
    data = bytearray(zipped({f"cat/{i}.png": b"" for i in range(300)}))
    struct.pack_into("<HH", data, data.rfind(b"PK\x05\x06") + 8, 2, 2)
    return bytes(data)


def overlapping() -> bytes:
    """A zip whose 50 entries all point at the same packed bytes."""
    data = bytearray(zipped({f"cat/{i:02d}.png": bytes(200_000) for i in range(50)}, zipfile.ZIP_STORED))
    start = data.find(b"PK\x01\x02")
    directory = data[start:]
    first = data[: data.find(b"PK\x03\x04", 4)]
    position = directory.find(b"PK\x01\x02")
    while position >= 0:
        struct.pack_into("<I", directory, position + 42, 0)
        position = directory.find(b"PK\x01\x02", position + 4)
    struct.pack_into("<I", directory, directory.rfind(b"PK\x05\x06") + 16, len(first))
    return bytes(first + directory)


def declared_smaller() -> bytes:
    """A bomb that declares 100 bytes for each entry."""
    return patched(
        zipped({f"{c}/{i}.png": bytes(1_000_000) for c in "ab" for i in range(3)}), 22, 24, "<I", 100
    )


def declared_larger() -> bytes:
    return patched(GOOD, 22, 24, "<I", 5000)


def broken_checksum() -> bytes:
    return patched(GOOD, 14, 16, "<I", 12345)


def broken_stream() -> bytes:
    data = bytearray(GOOD)
    start = data.find(b"cat/2.png") + len("cat/2.png")
    data[start : start + 20] = b"\xff" * 20
    return bytes(data)


def broken_directory() -> bytes:
    return GOOD.replace(b"PK\x01\x02", b"PK\x01\x07")


def directory_too_large() -> bytes:
    data = bytearray(GOOD)
    struct.pack_into("<I", data, data.rfind(b"PK\x05\x06") + 12, 0x7FFFFFFF)
    return bytes(data)


CASES = {
    "an empty file": (b"", "is empty"),
    "a zip cut in half": (GOOD[: len(GOOD) // 2], "incomplete"),
    "a zip without its last bytes": (GOOD[:-10], "incomplete"),
    "a zip of four bytes": (GOOD[:4], "incomplete"),
    "zeros": (bytes(5000), "only zeros"),
    "text": (b"hello, this is not a zip", "not a zip"),
    "one byte": (b"P", "not a zip"),
    "a RAR": (b"Rar!\x1a\x07\x01\x00rest", "RAR archive"),
    "a 7z": (b"7z\xbc\xaf\x27\x1crest", "7z archive"),
    "a file packed with gzip": (gzip.compress(png()), "gzip file holds no tar"),
    "a tar.bz2": (tar("w:bz2"), "bzip2"),
    "an xz file": (lzma.compress(png()), "xz file holds no tar"),
    "a Zstandard file": (zstandard.compress(png()), "Zstandard file holds no tar"),
    "a PDF": (b"%PDF-1.7 rest", "PDF"),
    "a PNG": (png(), "single PNG"),
    "a JPEG": (encoded(Image.new("RGB", (8, 8)), "JPEG"), "single JPEG"),
    "a web page": (b"<!doctype html><html>Not found", "web page"),
    "a Windows program": (b"MZ\x90rest", "Windows program"),
    "an Office document": (b"\xd0\xcf\x11\xe0rest", "Office"),
    "a HEIC": (b"\0\0\0\x18ftypheic", "HEIC"),
    "a disc image": (bytes(0x8001) + b"CD001", "ISO"),
    "an empty zip": (zipped({}), "holds no files"),
    "a part of a split zip": (b"PK\x07\x08rest", "split"),
    "a password": (flagged(0x1), "password"),
    "strong encryption": (flagged(0x41), "password"),
    "AES encryption": (method(99), "password"),
    "Deflate64": (method(9), "Deflate64"),
    "LZMA": (method(14), "LZMA"),
    "an unknown method": (method(77), "method 77"),
    "a path up": (with_extra("../evil.png"), "points outside"),
    "a path up, deeper": (with_extra("cat/../../evil.png"), "points outside"),
    "a path up with backslashes": (with_extra("cat\\..\\..\\evil.png"), "points outside"),
    "a path up in a folder name": (with_extra("../"), "points outside"),
    "an absolute path": (with_extra("/etc/evil.png"), "absolute"),
    "a drive letter": (with_extra("C:\\evil.png"), "absolute"),
    "a drive letter without a slash": (with_extra("c:evil.png"), "absolute"),
    "a network share": (with_extra("\\\\server\\share\\evil.png"), "absolute"),
    "a zero byte in a name": (zero_byte_name(), "zero byte"),
    "a name without end": (with_extra("cat/" + "x" * 5000 + ".png"), "5008 characters"),
    "a symbolic link": (special(stat.S_IFLNK), "symbolic link"),
    "a named pipe": (special(stat.S_IFIFO), "special file"),
    "a device": (special(stat.S_IFCHR), "special file"),
    "a socket": (special(stat.S_IFSOCK), "special file"),
    "one name twice": (with_extra("cat/0.png"), "two files called 'cat/0.png'"),
    "one path in two spellings": (with_extra("cat/./0.png"), "two files called"),
    "one path with two slashes": (with_extra("cat\\0.png"), "two files called"),
    "a file that is a folder too": (with_extra("cat/0.png/1.png"), "as a file and as a folder"),
    "overlapping entries": (overlapping(), "bomb"),
    "sizes declared too small": (declared_smaller(), "damaged"),
    "sizes declared too large": (declared_larger(), "damaged"),
    "a wrong checksum": (broken_checksum(), "damaged"),
    "a broken stream": (broken_stream(), "damaged at 'cat/2.png'"),
    "a broken table of contents": (broken_directory(), "table of contents is damaged"),
    "a table of contents larger than the file": (directory_too_large(), "table of contents is damaged"),
    "a zip in a zip": (zipped({"all.zip": GOOD}), "another archive (all.zip)"),
    "no images": (zipped({"cat/readme.txt": b"x", "dog/data.csv": b"y"}), "no images"),
    "only litter": (zipped({"__MACOSX/cat/._1.png": b"x", ".DS_Store": b"y"}), "no images"),
}


@pytest.mark.parametrize("upload, expected", CASES.values(), ids=CASES.keys())
def test_it_refuses_an_upload_with_one_clear_sentence_and_leaves_nothing(tmp_path, upload, expected):
    message = refused(tmp_path, upload)
    assert expected in message
    assert message.endswith(".") and "\n" not in message and len(message) < 400


def test_a_name_in_a_refusal_is_shown_as_it_was_written(tmp_path):
    upload = special(stat.S_IFLNK).replace(b"cat/special.png", "猫狗/abcdef.png".encode("gbk"))
    assert "猫狗/abcdef.png" in refused(tmp_path, upload)


LIMITED = {
    "too many files": (GOOD, {"max_files": 5}, "holds 10 files, more than the 5"),
    "too many files, declared as two": (lying_end_record(), {"max_files": 100}, "holds 300 files"),
    "too many bytes": (GOOD, {"max_unpacked_bytes": 100}, "more than the 100 bytes allowed"),
    "an unknown limit": (GOOD, {"max_colour": 1}, "no upload limit called"),
    "a limit of zero": (GOOD, {"max_files": 0}, "positive number"),
}


@pytest.mark.parametrize("upload, limits, expected", LIMITED.values(), ids=LIMITED.keys())
def test_it_holds_an_upload_to_its_limits(tmp_path, upload, limits, expected):
    assert expected in refused(tmp_path, upload, limits=limits)


def zip_of_names(count: int) -> bytes:
    """A zip whose table of contents names ``count`` empty files, all at the place of the first."""
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 33, 0, 0, 0, 14, 0) + b"cat/000000.png"
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, 14, 0, 0, 0, 0, 0, 0)
    directory = b"".join(entry + b"cat/%06d.png" % number for number in range(count))
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), len(local), 0)
    return local + directory + end


@pytest.mark.parametrize("count, expected", [
    (500_001, "holds 500,001 files"), (200_000, "holds only one class (cat)"),
])  # fmt: skip
def test_a_zip_of_200_000_names_costs_little_memory(tmp_path, count, expected):
    result, log = run_program(job_folder(tmp_path, zip_of_names(count)), memory=800 * 1024**2)
    assert result["kind"] == "input" and expected in result["message"], log


def test_a_bomb_is_refused_by_its_ratio_within_little_memory_and_disk(tmp_path):
    bomb = zipped({**two_classes(), "cat/bomb.png": bytes(200 * 1024**2)})
    result, log = run_program(job_folder(tmp_path, bomb), memory=600 * 1024**2, file_bytes=1024**2)
    assert not result["ok"] and result["kind"] == "input", log
    assert "zip bomb" in result["message"]
    assert {path.name for path in (tmp_path / "job").iterdir()} == {
        "spec.json",
        "events.jsonl",
        "result.json",
    }


def test_a_bomb_that_declares_little_is_stopped_at_what_it_declares(tmp_path):
    result, log = run_program(job_folder(tmp_path, declared_smaller()), file_bytes=200_000)
    assert result["kind"] == "input" and "damaged" in result["message"], log


def test_a_picture_with_a_billion_pixels_costs_one_finding_and_no_memory(tmp_path):
    data = bytearray(png())
    struct.pack_into(">II", data, 16, 40_000, 40_000)
    struct.pack_into(">I", data, 29, zlib.crc32(bytes(data[12:29])))
    upload = zipped({**two_classes(), "cat/huge.png": bytes(data)})
    result, log = run_program(job_folder(tmp_path, upload), memory=600 * 1024**2)
    assert result["ok"], log
    assert "cat/huge.png" in result["findings"][0]["examples"][0]["text"]


def test_a_file_over_its_own_limit_is_left_out_without_being_unpacked(tmp_path):
    upload = zipped({**two_classes(), "cat/film.png": bytes(50_000)})
    result, _ = ingested(tmp_path, upload, limits={"max_file_bytes": 10_000})
    assert result["images"] == 10
    assert result["findings"][0]["code"] == "too-large"


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    noise = Image.effect_noise((700, 500), 80)
    upload = zipped({**two_classes(), "cat/noise.bmp": encoded(noise, "BMP")})
    result, log = run_program(job_folder(tmp_path, upload), file_bytes=100_000)
    assert result["kind"] == "input" and "disk is full" in result["message"], log
    assert not (tmp_path / "job" / "artifacts").exists() and not (tmp_path / "job" / "scratch").exists()


def test_a_disk_known_to_be_too_small_is_said_before_anything_is_unpacked(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(ingest.shutil, "disk_usage", lambda path: usage)
    assert "the server has 10 bytes free" in refused(tmp_path, GOOD)
