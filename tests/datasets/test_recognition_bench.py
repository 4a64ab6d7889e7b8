"""The uploads that the bench of recognition draws, and how it judges what became of them."""

from __future__ import annotations

import pytest

from tests.bench.layouts import makers, outcome, uploads
from tests.bench.layouts.upload import Upload

# Uploads that can be read and that a person is asked about all the same: a question costs less than a fault.
ASKED: set[str] = set()


def test_it_draws_at_least_120_uploads_and_the_same_ones_each_time():
    first = [(upload.name, upload.digest()) for upload in uploads()]
    assert len(first) >= 120 and len(first) == len(makers())
    assert first == [(upload.name, upload.digest()) for upload in uploads()]


def test_another_seed_draws_other_names_and_pictures():
    first, second = ({upload.digest() for upload in uploads(seed)} for seed in (0, 1))
    assert len(first & second) < len(first) / 10


def test_the_truth_speaks_of_images_that_are_there():
    for upload in uploads():
        named = {*upload.labels, *upload.boxes, *upload.splits, *upload.optional}
        assert named <= set(upload.files), upload.name
        assert upload.must_not_be_ready or upload.labels or upload.boxes, upload.name


@pytest.mark.parametrize("name", makers())
def test_no_upload_is_read_otherwise_than_its_author_meant(name, tmp_path):
    upload = Upload(name)
    makers()[name](upload)
    found = outcome.checked(upload, tmp_path / "upload")
    word, faults = outcome.verdict(upload, found)
    assert word != "wrong", faults
    assert word != "asked" or name in ASKED, found.sentence


@pytest.fixture
def sorted_upload() -> Upload:
    upload = Upload("sorted")
    upload.folders("train", ["ants", "bees"], split="train")
    upload.folders("val", ["ants", "bees"], each=3, split="val", first=50)
    return upload


def _verdict(upload: Upload, tmp_path, **params) -> tuple[str, list[str]]:
    return outcome.verdict(upload, outcome.checked(upload, tmp_path / "upload", **params))


def test_what_is_read_as_meant_is_right(sorted_upload, tmp_path):
    assert _verdict(sorted_upload, tmp_path) == ("right", [])


def test_a_label_that_was_not_meant_is_wrong(sorted_upload, tmp_path):
    sorted_upload.labels["train/ants/ants_000.jpg"] = "bees"
    assert _verdict(sorted_upload, tmp_path) == ("wrong", ["train/ants/ants_000.jpg is ants, not bees"])


def test_a_class_that_was_not_meant_is_wrong(sorted_upload, tmp_path):
    sorted_upload.folders("train", ["moths"], split="train", labelled=False)
    word, faults = _verdict(sorted_upload, tmp_path)
    assert word == "wrong" and faults[0].startswith("the classes are")


def test_a_split_that_was_drawn_anew_is_wrong(sorted_upload, tmp_path):
    word, faults = _verdict(sorted_upload, tmp_path, split="stratified", seed=3)
    assert word == "wrong" and "the split is stratified, and the author gave one" in faults


def test_a_labelled_image_that_is_lost_is_wrong(sorted_upload, tmp_path):
    sorted_upload.labels["train/ants/scan.pdf"] = "ants"
    sorted_upload.splits["train/ants/scan.pdf"] = "train"
    sorted_upload.files["train/ants/scan.pdf"] = b"%PDF-1.4"
    word, faults = _verdict(sorted_upload, tmp_path)
    assert (word, faults) == ("wrong", ["1 labelled images are not in it, as train/ants/scan.pdf"])


def test_to_refuse_what_cannot_be_known_is_right(tmp_path):
    upload = Upload("flat")
    upload.unlabelled("images", 8)
    upload.must_not_be_ready = True
    assert _verdict(upload, tmp_path) == ("refused_rightly", [])


def test_to_refuse_what_can_be_read_counts_as_a_question(tmp_path):
    upload = Upload("flat")
    upload.labelled("images", ["ants", "bees"])
    assert _verdict(upload, tmp_path)[0] == "asked"


def test_a_refusal_that_names_no_file_with_labels_hides_the_reason(tmp_path):
    upload = Upload("flat")
    upload.unlabelled("images", 8)
    upload.text("marks.xml", "<marks/>")
    upload.must_not_be_ready = True
    refusal = outcome.Outcome(outcome.REFUSED, "The upload holds no class.")
    assert outcome.verdict(upload, refusal)[1] == [
        "the sentence names none of the files with labels, as marks.xml"
    ]
    refusal = outcome.Outcome(outcome.REFUSED, "marks.xml is in no format that is read.")
    assert outcome.verdict(upload, refusal) == ("refused_rightly", [])
