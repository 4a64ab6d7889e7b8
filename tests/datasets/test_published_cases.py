"""Uploads in published layouts that were once refused, or made ready with classes that nobody meant."""

from __future__ import annotations

from collections import Counter

import pytest
from published_cases import CASES

from tests.bench.layouts.outcome import READY, checked
from tests.bench.layouts.upload import Upload


@pytest.mark.parametrize("name", CASES)
def test_a_published_layout_is_read_as_its_author_meant(name, tmp_path):
    case = CASES[name]
    upload = Upload(name)
    case.draw(upload)
    outcome = checked(upload, tmp_path / "upload")
    if outcome.state != READY:
        assert case.says, f"{outcome.state}: {outcome.sentence}"
        assert all(word in outcome.sentence for word in case.says), outcome.sentence
        return
    assert case.classes, f"ready with the classes {outcome.result['class_names']}"
    assert _images_by_class(outcome) == case.classes
    result = outcome.result
    sizes = (result["train"], result["val"]) if result["split"] == "given" else None
    assert sizes == case.split


def _images_by_class(outcome) -> dict[str, int]:
    """How many images each class is on."""
    names = outcome.result["class_names"]
    counts = Counter()
    for image in outcome.images:
        ids = {image.class_id} if image.boxes is None else {int(box[0]) for box in image.box_rows()}
        counts.update(names[class_id] for class_id in ids)
    return dict(counts)
