"""Names of classes and files: their encoding, Unicode forms, spelling and order."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from upload_builders import (
    finding,
    index,
    ingested,
    png,
    raw_named,
    refused,
    two_classes,
    zipped,
)

from workers.datakit.names import collisions, decode_names, natural_key


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_chinese_names_without_the_utf_8_flag_are_shown_rightly(tmp_path, encoding):
    names = [(f"数据集/{name}/照片{i}.png".encode(encoding), png(10 * k + i))
             for k, name in enumerate(("苹果", "香蕉")) for i in range(3)]  # fmt: skip
    result, artifacts = ingested(tmp_path, raw_named(names))
    assert result["class_names"] == ["苹果", "香蕉"]
    assert "数据集/香蕉/照片2.png" in {row["original"] for row in index(artifacts)}


def test_western_names_are_not_taken_for_chinese():
    assert decode_names(["café/1.png".encode("cp437")]) == (["café/1.png"], "cp437")
    assert decode_names(["苹果/1.png".encode("gbk")]) == (["苹果/1.png"], "gb18030")
    assert decode_names(["猫/1.png".encode("gbk"), b"a"]) == (["猫/1.png", "a"], "gb18030")
    assert decode_names(["cafe\u0301/1.png".encode()]) == (["cafe\u0301/1.png"], "utf-8")
    assert decode_names([b"plain/1.png"]) == (["plain/1.png"], "utf-8")


def test_the_unicode_path_field_wins_over_the_stored_bytes(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i, (plain, name) in enumerate([("a/1.png", "猫/1.png"), ("a/2.png", "猫/2.png"),
                                           ("b/1.png", "狗/1.png"), ("b/2.png", "狗/2.png")]):  # fmt: skip
            info = zipfile.ZipInfo(plain)
            body = b"\x01" + struct.pack("<I", zlib.crc32(plain.encode())) + name.encode()
            info.extra = struct.pack("<HH", 0x7075, len(body)) + body
            archive.writestr(info, png(i))
    assert ingested(tmp_path, buffer.getvalue())[0]["class_names"] == ["狗", "猫"]


@pytest.mark.parametrize("other", ["Car", "ｃar", "car ", " CAR", "ＣＡＲ"])
def test_a_class_spelled_in_two_ways_blocks_and_both_are_named(tmp_path, other):
    files = {f"{name}/{i}.png": png(i + shade) for name, shade in (("car", 0), (other, 50)) for i in range(3)}
    result, _ = ingested(tmp_path, zipped(files))
    found = finding(result, "class-name-collision")
    assert found["level"] == "error" and "'car'" in found["message"] and repr(other) in found["message"]
    assert sorted(result["class_names"]) == sorted(["car", other])


def test_names_in_two_unicode_forms_are_one_class(tmp_path):
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    files = {f"{name}/{name}{i}.png": png(i + shade) for name, shade in ((composed, 0), ("tea", 90))
             for i in range(3)}  # fmt: skip
    files |= {f"{decomposed}/{i}.png": png(50 + i) for i in range(3)}
    result, _ = ingested(tmp_path, zipped(files))
    assert result["class_names"] == ["caf\u00e9", "tea"] and result["counts"][0]["total"] == 6


@pytest.mark.parametrize("name, expected", [
    ("a\nb", "control character"), ("x" * 101, "101 characters long"), (" ", "empty name"),
])  # fmt: skip
def test_a_class_name_that_cannot_be_one_is_refused(tmp_path, name, expected):
    files = {**two_classes(), f"{name}/1.png": png(5), f"{name}/2.png": png(6)}
    assert expected in refused(tmp_path, zipped(files))


def test_natural_order_and_collisions():
    assert sorted(["b", "10", "9", "a2", "a10"], key=natural_key) == ["9", "10", "a2", "a10", "b"]
    assert collisions(["a", "b", "A", "ａ"]) == [("a", "A"), ("a", "ａ")]
