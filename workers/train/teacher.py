"""Trains a recipe from its pretrained weights on the labelled images, so that it can teach a smaller one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from workers.contract import JobFolder
from workers.contract.messages import msg
from workers.train.onnx_files import make_onnx
from workers.train.parameters import Plan
from workers.train.tasks import TASKS
from workers.train.training import Training
from workers.train.weights import clean_pretrained

FOLDER = "teacher-job"


class TeacherFolder(JobFolder):
    """A folder inside the scratch of the student's job, which reports the teacher's phases."""

    def __init__(self, student: JobFolder):
        super().__init__(student.scratch / FOLDER)
        self.student = student
        for folder in (self.artifacts, self.scratch):
            folder.mkdir(parents=True, exist_ok=True)

    def phase(self, name: str) -> None:
        self.student.phase(msg("teacher: {phase}", phase=name))

    def checkpoint(self, files: list[Path], part: str = FOLDER) -> None:
        self.student.checkpoint(files, part)


def with_trained_teacher(folder: JobFolder, plan: Plan) -> Plan:
    """Return the plan of a distillation with its teacher trained.

    ``plan.method["teacher"]["recipe"]`` is the teacher's recipe, ``plan.teacher`` its pretrained weights. It
    trains as long as the student, with the same settings.
    """
    own, task = TeacherFolder(folder), TASKS[plan.task]
    recipe = plan.method["teacher"]["recipe"]
    training = Training(own, _teachers_plan(plan, recipe, own.scratch))
    inference = training.run()
    taught_by = training.best_weights
    if task.teaches_by_onnx:
        make_onnx(own, inference, plan.input_size, task)
        taught_by = own.artifacts / "model.slim.onnx"
    sentence = msg(
        "The teacher, {title}, reached {score} % on the validation images.",
        title=recipe["title"],
        score=f"{100 * training.history.scores[training.history.best_epoch]:.1f}",
    )
    facts = {key: recipe[key] for key in ("architecture", "mean", "std")}
    teacher = {**facts, "input_size": list(plan.input_size)}
    return replace(
        plan,
        teacher=taught_by,
        method={**plan.method, "teacher": teacher},
        notices=[*plan.notices, sentence],
    )


def _teachers_plan(plan: Plan, recipe: dict, scratch: Path) -> Plan:
    earlier = plan.resume / "scratch" / FOLDER if plan.resume else None
    return replace(
        plan,
        recipe=recipe,
        pretrained=clean_pretrained(plan.teacher, scratch / "pretrained"),
        teacher=None,
        unlabelled=None,
        method=None,
        resume=earlier if earlier and earlier.is_dir() else None,
        notices=[],
    )
