"""What is read from an export is what Datumaro reads from it; ``oracle/capture.py`` captured both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from upload_builders import images_of, ingested

from tests.bench.layouts import makers
from tests.bench.layouts.outcome import same_boxes
from tests.bench.layouts.upload import Upload

ORACLE = Path(__file__).parent / "oracle"
TRUTH = json.loads((ORACLE / "truth.json").read_text(encoding="utf-8"))


def _upload(name: str) -> bytes:
    drawn = name.removeprefix("drawn: ")
    if drawn == name:
        return (ORACLE / f"{name}.zip").read_bytes()
    upload = Upload(drawn)
    makers()[drawn](upload)
    return upload.packed()


def _expected(name: str) -> dict[str, tuple[str | None, list]]:
    """Return {image's name: (split, labels or boxes)}; None for one of which a validation set is drawn."""
    found = {}
    sides = {key.partition("/")[0] for key in TRUTH[name]}
    for key, value in TRUTH[name].items():
        subset, _, item = key.partition("/")
        training = "train" if sides & {"val", "valid"} else None
        side = {"train": training, "val": "val", "valid": "val", "test": "test"}.get(subset)
        if side is not None or subset in ("train", "default"):
            found[item.rpartition(":")[2]] = (side, value)
    return found


@pytest.mark.parametrize("name", TRUTH)
def test_it_reads_what_datumaro_reads(tmp_path, name):
    result, artifacts = ingested(tmp_path, _upload(name))
    expected = _expected(name)
    images = images_of(artifacts)
    assert {image.original.rpartition("/")[2].rpartition(".")[0] for image in images} == expected.keys()
    names = result["class_names"]
    for image in images:
        side, value = expected[image.original.rpartition("/")[2].rpartition(".")[0]]
        assert side in (None, image.split), image.original
        if image.boxes is None:
            assert [names[image.class_id]] == value, image.original
        else:
            found = [(names[int(box[0])], *box[1:]) for box in image.box_rows()]
            assert same_boxes(found, value), f"{image.original}: {found}, not {value}"
