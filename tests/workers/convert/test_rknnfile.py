import json

import pytest

from workers.contract import ToolchainError
from workers.convert.rknnfile import CUSTOM_STRING_LIMIT, MAGIC, check_rknn, custom_string

TAIL = b'{"connection":[],"target_platform":["rv1106"],"version":"2.5.0"}'
TEXT = '{"labels":["a"]}'


def write(tmp_path, data):
    path = tmp_path / "model.rknn"
    path.write_bytes(data)
    return path


def whole_file():
    return MAGIC + b"\x04\x10\0\0\0\0\0\0" + b"\xff\xfe{ graph }" + TEXT.encode() + b"\0\0" + TAIL


def test_a_file_for_the_target_with_its_text_is_accepted(tmp_path):
    tail = check_rknn(write(tmp_path, whole_file()), "RV1106", TEXT)
    assert tail["version"] == "2.5.0"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not an RKNN model"),
        (b"PK\x03\x04" + whole_file(), "not an RKNN model"),
        (whole_file()[:-10], "cut short"),
        (whole_file()[: -len(TAIL)], "cut short"),
        (whole_file().replace(b'["rv1106"]', b'["rk3588"]'), "not for rv1106"),
        (whole_file().replace(b"labels", b"others"), "does not carry its labels"),
    ],
)
def test_any_other_file_is_refused(tmp_path, data, words):
    with pytest.raises(ToolchainError, match=words):
        check_rknn(write(tmp_path, data), "rv1106", TEXT)


def test_labels_and_provenance_go_into_the_file_in_plain_ascii():
    text = custom_string(["猫", "a dog"], {"run": "1"})
    assert text.isascii()
    assert json.loads(text) == {"labels": ["猫", "a dog"], "provenance": {"run": "1"}}


def test_labels_that_do_not_fit_are_replaced_by_their_hash():
    text = custom_string([f"class number {number}" for number in range(100)], {"run": "1"})
    value = json.loads(text)
    assert len(text) <= CUSTOM_STRING_LIMIT
    assert value["classes"] == 100 and len(value["labels_sha256"]) == 64
    assert value["provenance"] == {"run": "1"} and "labels" not in value


def test_a_provenance_that_does_not_fit_is_left_out():
    assert set(json.loads(custom_string(["a"], {"note": "x" * 2000}))) == {"classes", "labels_sha256"}
