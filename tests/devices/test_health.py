import pytest

from portal.devices.health import parse_celsius, read_files
from portal.devices.results import RunResult


@pytest.mark.parametrize(
    ("text", "celsius"),
    [
        ("48500", 48.5),
        ("48", 48.0),
        ("-5000", -5.0),
        ("", None),
        ("hot", None),
        ("9" * 30, None),
        ("999999", None),
    ],
)
def test_a_temperature_is_read_in_degrees(text, celsius):
    assert parse_celsius(text) == celsius


class Saying:
    """A connection whose board says this to every command."""

    def __init__(self, text: str):
        self.text = text

    def run(self, argv, **options):
        return RunResult(argv, 0, self.text, "")


def test_files_are_told_apart_and_one_that_is_not_there_is_empty():
    said = "file /a\none\ntwo\n\nfile /b\n\nfile /stranger\nx\n"
    assert read_files(Saying(said), ["/a", "/b"]) == {"/a": "one\ntwo", "/b": "file /stranger\nx"}
    assert read_files(Saying("noise\n"), ["/a"]) == {"/a": ""}
