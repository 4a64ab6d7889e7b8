"""Checkpoints on disk: which are whole, which are kept, how another job goes on from them."""

from __future__ import annotations

import pytest

from workers.contract import JobFolder
from workers.train.checkpoints import (
    SUFFIXES,
    History,
    complete_epochs,
    load_history,
    prune,
    resumable,
    take_over,
)

IDENTITY = {"recipe": "r", "epochs": 12}


def save_epoch(output, epoch, suffixes=SUFFIXES, folder="PPLCNet_x0_25"):
    for suffix in suffixes:
        path = output / folder / f"epoch_{epoch}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{epoch}{suffix}")


@pytest.fixture
def earlier(tmp_path):
    """The folder of a job that was killed while epoch 4 was being saved; epoch 2 was its best."""
    job = tmp_path / "earlier"
    output = job / "scratch" / "output"
    for epoch in (2, 3):
        save_epoch(output, epoch)
    save_epoch(output, 4, suffixes=(".pdparams",))
    History(IDENTITY, {1: 0.5, 2: 0.9, 3: 0.8, 4: 0.95}).save(job / "scratch")
    return job


@pytest.mark.parametrize("folder", ["PPLCNet_x0_25", "."])
def test_a_checkpoint_is_found_wherever_the_suite_puts_it(tmp_path, folder):
    save_epoch(tmp_path, 7, folder=folder)
    assert complete_epochs(tmp_path) == {7: tmp_path / folder / "epoch_7"}


@pytest.mark.parametrize("missing", SUFFIXES)
def test_half_a_checkpoint_does_not_count(tmp_path, missing):
    save_epoch(tmp_path, 1, suffixes=[suffix for suffix in SUFFIXES if suffix != missing])
    assert complete_epochs(tmp_path) == {}


def test_pruning_keeps_what_it_is_told_to_keep(tmp_path):
    for epoch in range(1, 6):
        save_epoch(tmp_path, epoch)
    prune(tmp_path, keep={2, 4, 5})
    assert sorted(complete_epochs(tmp_path)) == [2, 4, 5]
    assert len(list(tmp_path.rglob("epoch_*"))) == 9


def test_of_equal_scores_the_lowest_loss_is_best():
    history = History({}, {1: 0.5, 2: 1.0, 3: 1.0, 4: 1.0}, {1: 0.01, 2: 8.4, 3: 0.02, 4: 0.03})
    assert history.best_epoch == 3
    history = History({}, {1: 1.0, 2: 1.0}, {2: 0.02})  # the first is of a history without losses
    assert history.best_epoch == 2


def test_the_best_epoch_is_the_first_of_equals():
    assert History({}, {1: 0.5, 2: 0.9, 3: 0.9}).best_epoch == 2
    assert History({}, {1: 0.5, 2: 0.9, 3: 0.9}, {1: 0.1, 2: 0.3, 3: 0.3}).best_epoch == 2
    assert History({}).best_epoch == 0


def test_a_history_survives_being_saved(tmp_path):
    History(IDENTITY, {1: 0.5}, {1: 2.5}).save(tmp_path)
    assert load_history(tmp_path) == History(IDENTITY, {1: 0.5}, {1: 2.5})


def test_an_unreadable_history_is_none(tmp_path):
    assert load_history(tmp_path) is None
    (tmp_path / "history.json").write_text("{")
    assert load_history(tmp_path) is None


def test_it_goes_on_from_the_last_whole_checkpoint_and_brings_the_best_along(earlier, tmp_path):
    output, history = tmp_path / "output", History(IDENTITY)
    stem = take_over(earlier, output, history)
    assert stem == output / "PPLCNet_x0_25" / "epoch_3"
    assert sorted(complete_epochs(output)) == [2, 3]
    assert history.scores == {1: 0.5, 2: 0.9, 3: 0.8}
    assert history.best_epoch == 2


def test_another_job_goes_on_from_the_copy_that_the_program_offers(earlier, tmp_path):
    scratch = earlier / "scratch"
    folder = JobFolder(earlier)
    folder.checkpoint(resumable(scratch, load_history(scratch)))
    prune(scratch / "output", keep=set())  # the copy has files of its own
    history = History(IDENTITY)
    stem = take_over(scratch / "checkpoint-1", tmp_path / "output", history)
    assert stem.name == "epoch_3" and history.best_epoch == 2
    assert '"folder": "scratch/checkpoint-1"' in (earlier / "events.jsonl").read_text()


def test_the_last_two_copies_are_kept_and_parts_stay_together(earlier):
    folder, teacher = JobFolder(earlier), earlier / "scratch" / "teacher.pdparams"
    teacher.write_text("teacher")
    folder.checkpoint([teacher], "teacher")
    for _ in range(2):
        folder.checkpoint(resumable(folder.scratch, load_history(folder.scratch)))
    assert sorted(path.name for path in folder.scratch.glob("checkpoint-*")) == [
        "checkpoint-2",
        "checkpoint-3",
    ]
    assert (folder.scratch / "checkpoint-3" / "scratch" / "teacher.pdparams").read_text() == "teacher"
    assert (folder.scratch / "checkpoint-3" / "scratch" / "history.json").exists()


def test_nothing_is_offered_before_an_epoch_is_whole(tmp_path):
    assert resumable(tmp_path, History(IDENTITY, {1: 0.5})) == []


def test_an_epoch_that_was_saved_but_not_heard_of_is_trained_again(earlier, tmp_path):
    History(IDENTITY, {1: 0.5, 2: 0.9}).save(earlier / "scratch")
    history = History(IDENTITY)
    assert take_over(earlier, tmp_path / "output", history).name == "epoch_2"
    assert history.scores == {1: 0.5, 2: 0.9}


def test_it_does_not_go_on_from_another_training(earlier, tmp_path):
    history = History({**IDENTITY, "recipe": "other"})
    assert take_over(earlier, tmp_path / "output", history) is None
    assert history.scores == {}


def test_it_does_not_go_on_from_a_job_that_saved_nothing(tmp_path):
    assert take_over(tmp_path / "gone", tmp_path / "output", History(IDENTITY)) is None
