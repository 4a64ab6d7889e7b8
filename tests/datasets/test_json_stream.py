"""JSON objects read piece by piece: the same as if they were read whole, wherever a piece ends."""

from __future__ import annotations

import json
import math
import tracemalloc
from collections.abc import Iterator

import pytest

from workers.datakit.readers import jsonstream
from workers.datakit.readers.jsonstream import Members

SAMPLE = {
    "info": {"year": 2026, "who": "某人", "deep": [[1], {"a": []}]},
    "images": [{"id": 1, "file_name": 'a "b" ] } \\ .png'}, {"id": 2, "file_name": "猫.png"}],
    "annotations": [{"bbox": [1.5, -2e3, 0, 1]}, {}, {"segmentation": [[0.25] * 9]}],
    "numbers": [12345, -0.125, 1e10, 7],
    "words": ["a,b", "]", "", None, True],
    "empty": [],
    "last": 123456,
}


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def read(content: bytes, size: int = 7, encoding: str = "utf-8-sig") -> dict:
    members = Members(pieces(content, size), encoding)
    found: dict = {}
    for key, value in members:
        found.setdefault(key, []).append(value)
    return {key: found.get(key, []) for key in members.lists} | {
        key: values[0] for key, values in found.items() if key not in members.lists
    }


@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 61, 10_000])
@pytest.mark.parametrize("indent", [None, 2])
def test_it_reads_what_json_reads_wherever_a_piece_ends(size, indent):
    content = json.dumps(SAMPLE, ensure_ascii=False, indent=indent).encode()
    assert read(content, size) == SAMPLE


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_a_piece_may_end_within_a_letter(encoding):
    content = json.dumps(SAMPLE, ensure_ascii=False).encode(encoding)
    assert read(content, 3, encoding) == SAMPLE


def test_a_number_that_is_none_is_read_as_such():
    assert math.isnan(read(b'{"a": [NaN, 1]}')["a"][0])


@pytest.mark.parametrize("content", [
    b"", b"   ", b"[]", b"7", b'{"a"', b'{"a": [1, 2', b'{"a": [1 2]}', b'{"a": [1,]}', b'{"a": 1,}',
    b"{a: 1}",
    b'{"a": [1]} rest', b'{"a": [1]}}', b'{"a": tru}', b'{"a": ["x}', b'{"a": [{"b": }]}', b'{"a" [1]}',
])  # fmt: skip
@pytest.mark.parametrize("size", [1, 1000])
def test_what_is_no_object_is_an_error(content, size):
    with pytest.raises(ValueError, match="."):
        read(content, size)


def test_what_is_nested_without_end_is_an_error():
    with pytest.raises((ValueError, RecursionError)):
        read(b'{"a": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", 5000)


def test_one_element_may_not_be_larger_than_memory(monkeypatch):
    monkeypatch.setattr(jsonstream, "MAX_ELEMENT", 10_000)
    endless = (b'{"a": ["' if number == 0 else b"x" * 1000 for number in range(1_000_000_000))
    with pytest.raises(ValueError):
        list(Members(endless, "utf-8-sig"))


def test_memory_does_not_grow_with_the_number_of_elements():
    row = b'{"image_id": 1, "segmentation": [[1.5, 2.5, 3.5, 4.5]]},'

    def peak(count: int) -> int:
        blocks = (b'{"annotations": [' if n == 0 else b"{}]}" if n == count else row * 100
                  for n in range(count + 1))  # fmt: skip
        tracemalloc.start()
        assert sum(1 for _ in Members(blocks, "utf-8-sig")) == (count - 1) * 100 + 1
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(400) < 2 * peak(20)
