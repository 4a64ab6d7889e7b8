"""Labelled and unlabelled images as one dataset."""

import pytest

from workers.contract import InputError
from workers.train.methods.mixing import mix


@pytest.fixture
def further(tmp_path):
    folder = tmp_path / "further"
    (folder / "images").mkdir(parents=True)
    for name in ("b.png", "a.png"):
        (folder / "images" / name).write_bytes(name.encode())
    return folder


def test_further_images_join_the_training_without_a_class_and_nothing_else_changes(
    dataset, further, tmp_path
):
    before = (dataset / "train.txt").read_text()
    mixed = tmp_path / "mixed"
    assert mix(dataset, further, mixed) == 2
    assert (mixed / "train.txt").read_text() == before + "more/a.png -1\nmore/b.png -1\n"
    assert (mixed / "val.txt").read_text() == (dataset / "val.txt").read_text()
    assert (mixed / "label.txt").read_text() == (dataset / "label.txt").read_text()
    for line in (mixed / "train.txt").read_text().splitlines():
        assert (mixed / line.rpartition(" ")[0]).is_file()
    assert (dataset / "train.txt").read_text() == before


def test_a_dataset_without_images_is_refused(dataset, tmp_path):
    (tmp_path / "empty" / "images").mkdir(parents=True)
    with pytest.raises(InputError, match="is empty"):
        mix(dataset, tmp_path / "empty", tmp_path / "mixed")
