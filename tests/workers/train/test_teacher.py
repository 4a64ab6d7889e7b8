"""A teacher that is trained in the student's job, from pretrained weights."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from workers.contract import InputError, JobFolder
from workers.contract.messages import Decoder
from workers.train import teacher
from workers.train.checkpoints import History
from workers.train.plan import read_plan

from .conftest import RECIPE, make_spec

LARGE = {**RECIPE, "name": "pp_lcnet_x1_0", "title": "PP-LCNet x1.0", "architecture": "PPLCNet_x1_0"}


class Trained:
    """Stands for a training; the last one's plan stays for the test."""

    def __init__(self, folder, plan):
        Trained.folder, Trained.plan = folder, plan
        self.history, self.best_weights = History({}), Path("/weights/epoch_2.pdparams")

    def run(self):
        self.folder.phase("epoch 2/12")
        self.history.scores |= {1: 0.5, 2: 0.875}
        return Path("/inference")


@pytest.fixture
def plan(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(teacher, "Training", Trained)
    monkeypatch.setattr(teacher, "clean_pretrained", lambda path, folder: folder / path.name)
    weights = tmp_path / "x1_0.pdparams"
    weights.write_bytes(pickle.dumps({}))
    method = {"name": "distill", "teacher": {"recipe": LARGE}}
    spec = make_spec(dataset, ["off", "on"], batch_size=16, method=method)
    spec["inputs"] |= {"teacher": str(weights), "unlabelled": str(dataset)}
    return read_plan(spec)


def test_it_is_trained_like_the_student_but_plainly_on_the_labelled_images(plan, tmp_path):
    job = JobFolder(tmp_path)
    taught = teacher.with_trained_teacher(job, plan)
    own = Trained.plan
    assert (own.recipe, own.dataset, own.epochs) == (LARGE, plan.dataset, plan.epochs)
    assert (own.method, own.unlabelled, own.teacher, own.resume) == (None, None, None, None)
    assert own.pretrained == Trained.folder.scratch / "pretrained" / "x1_0.pdparams"
    assert taught.teacher == Path("/weights/epoch_2.pdparams") and taught.recipe == plan.recipe
    assert taught.method["teacher"]["architecture"] == "PPLCNet_x1_0"
    assert "The teacher, PP-LCNet x1.0, reached 87.5 % on the validation images." in taught.notices
    event = json.loads((tmp_path / "events.jsonl").read_text(), cls=Decoder)
    assert str(event["name"]) == "teacher: epoch 2/12"


def test_a_resumed_job_goes_on_with_the_teachers_checkpoints(plan, tmp_path):
    earlier = tmp_path / "earlier"
    folder = earlier / "scratch" / teacher.FOLDER
    folder.mkdir(parents=True)
    teacher.with_trained_teacher(JobFolder(tmp_path), replace(plan, resume=earlier))
    assert Trained.plan.resume == folder


def test_weights_that_are_no_tensors_are_refused(dataset, plan, tmp_path, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(InputError, match="The pretrained weights x1_0.pdparams were not opened"):
        teacher.with_trained_teacher(JobFolder(tmp_path), plan)
