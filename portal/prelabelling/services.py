"""Lets a model propose labels: maps its classes, runs the job, stores the proposals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from portal.core.files import fetch_artifact
from portal.datasets import contents, drafts, indexes, proposals
from portal.datasets.draft_models import Draft, Proposal
from portal.datasets.models import DatasetVersion
from portal.datasets.refused_changes import ChangeRefused
from portal.jobs import services as jobs
from portal.jobs.kinds import Invocation
from portal.jobs.models import ACTIVE, Job
from portal.models.models import Model, Prelabelling
from portal.tasks import Prediction
from portal.teams import audit
from workers.contract import InputError
from workers.contract.messages import msg
from workers.datakit import names
from workers.datakit.changes import Plan
from workers.datakit.index import Filter, Index

KIND = "prelabel"
RESULTS = "proposals.json"
DEFAULT_SCORE = 0.4
MOST_BYTES = 64 * 1024 * 1024  # of the program's output


@dataclass(frozen=True)
class Matched:
    """A class of a model, and the dataset's class of the same name, if there is one."""

    name: str
    class_id: int | None


def usable(version: DatasetVersion):
    """The team's models that can propose labels for a version, newest first."""
    rows = Model.objects.for_team(version.team).live().filter(task=version.task, job__status="succeeded")
    return rows.select_related("dataset_version__dataset", "job")


def usual_score(model: Model) -> float:
    """The score chosen for the model, if there is one."""
    return DEFAULT_SCORE if model.score_threshold is None else model.score_threshold


def matched(model: Model, plan: Plan) -> list[Matched]:
    """The model's classes by id, each with the dataset's class of that name after the changes in ``plan``."""
    ours = {names.class_key(name): number for number, name in enumerate(plan.names) if name is not None}
    return [Matched(name, ours.get(names.class_key(name))) for name in model.class_names]


def start(
    user, version: DatasetVersion, model: Model, classes: dict[str, int | None], least_score: float | None
) -> Prelabelling:
    """Queue a job that proposes labels for the unlabelled images. Raises ChangeRefused, QuotaReached.

    ``classes`` maps each class of the model whose name the dataset lacks; None leaves it out. Labels with a
    score below ``least_score`` are not proposed; None means ``usual_score``.
    """
    if model.task != version.task:
        raise ChangeRefused(
            _("This model is for %(one)s and the dataset for %(other)s: choose another model.")
            % {"one": model.task_class.title, "other": version.labels.title},
            "model",
        )
    if model.deleted_at or not model.is_ready:
        raise ChangeRefused(_("This model is not there, or not trained yet: choose another one."), "model")
    jobs.refuse_if_full(version.team)
    with indexes.opened(version) as index:
        draft = drafts.open_draft(user, version.dataset)
        here = draft if draft and draft.base_id == version.pk else None
        asked = _requested_classes(model, drafts.plan_of(here, index), classes)
        if not proposals.unlabelled(here, index):
            raise ChangeRefused(_("Every image has a label already: there is nothing to propose."))
    return _write(user, version, model, asked, usual_score(model) if least_score is None else least_score)


def _requested_classes(model: Model, plan: Plan, classes: dict[str, int | None]) -> list[int | None]:
    """The dataset's class for each class of the model."""
    found = matched(model, plan)
    unknown = set(classes) - {one.name for one in found}
    if unknown:
        raise ChangeRefused(
            _("The model has no class %(name)s.") % {"name": names.show(min(unknown))}, "classes"
        )
    unclear = [one.name for one in found if one.class_id is None and one.name not in classes]
    if unclear:
        raise ChangeRefused(
            _("The dataset has no class %(names)s: say which of its classes that is, or leave it out.")
            % {"names": ", ".join(map(names.show, unclear[:5])) + (" …" if len(unclear) > 5 else "")},
            "classes",
        )
    asked = [classes.get(one.name, one.class_id) for one in found]
    for class_id in asked:
        if class_id is not None and (class_id >= len(plan.names) or plan.names[class_id] is None):
            raise ChangeRefused(_("Choose one of the classes that are there."), "classes")
    if not any(class_id is not None for class_id in asked):
        raise ChangeRefused(_("Every class of the model is left out: choose a class for one."), "classes")
    return asked


@transaction.atomic
def _write(
    user, version: DatasetVersion, model: Model, classes: list[int | None], least_score: float
) -> Prelabelling:
    draft = drafts.begin(user, version)
    running = draft.prelabellings.filter(job__status__in=ACTIVE).first()
    if running is not None:
        raise ChangeRefused(
            _("Labels are being proposed for these images already: wait for job %(job)d, or cancel it.")
            % {"job": running.job_id}
        )
    made = Prelabelling.objects.create(
        team=version.team,
        created_by=user,
        draft=draft,
        model=model,
        classes=classes,
        least_score=least_score,
        job=jobs.submit(KIND, version.team, user),
    )
    audit.record("draft.prelabel", draft, actor=user, detail=f"{version}: {model}")
    return made


# --- the job ----------------------------------------------------------------------------------


def prepare(job: Job, folder: Path) -> Invocation:
    """Put the model and the unlabelled images into the job's folder."""
    asked = job.prelabelling
    draft, model = asked.draft, asked.model
    _refuse_closed(draft)
    if model is None or model.deleted_at is not None:
        raise InputError(msg("The model was deleted: choose another one."))
    onnx = fetch_artifact(model.job, "model.slim.onnx", folder / "inputs" / "model.onnx")
    pictures = folder / "inputs" / "images"
    pictures.mkdir()
    with indexes.opened(draft.base) as index:
        wanted = proposals.unlabelled(draft, index)[: proposals.MOST]
        if not wanted:
            raise InputError(msg("Every image has a label by now: there is nothing to propose."))
        images = _copied(index, draft.base, wanted, pictures)
    return Invocation(
        argv=settings.PRELABEL_PROGRAM,
        inputs={"onnx": str(onnx), "images": str(pictures)},
        params={
            "task": model.task,
            "class_names": model.class_names,
            **{name: model.facts[name] for name in ("mean", "std", "input_size")},
            "images": images,
        },
        data_bytes=settings.CONVERT_MEMORY_BYTES or None,
    )


def _refuse_closed(draft: Draft) -> None:
    if not draft.is_open:
        raise InputError(
            msg(
                "The changes to {version} were committed or discarded meanwhile: let the model propose "
                "labels for the newest version.",
                version=draft.base,
            )
        )


def _copied(index: Index, version: DatasetVersion, ids: list[int], folder: Path) -> list[list]:
    """Copy these images to ``folder``; each as [file name, width, height], in the order of ids."""
    rows = sorted(index.page(Filter(ids=tuple(ids)), limit=len(ids)), key=lambda row: (row.pack, row.start))
    for row, content in contents.reader(version)(iter(rows)):
        (folder / row.name).write_bytes(content)
    return [[row.name, row.width, row.height] for row in sorted(rows, key=lambda row: row.id)]


def study(job: Job, artifacts: Path, result: dict) -> dict:
    """Turn the program's predictions into proposals, for images that are still unlabelled."""
    asked, path = job.prelabelling, artifacts / RESULTS
    if path.stat().st_size > MOST_BYTES:
        raise InputError(msg("The model proposes too much: ask for a higher score."))
    predicted = json.loads(path.read_text(encoding="utf-8"))
    draft = Draft.objects.select_related("base__dataset").get(pk=asked.draft_id)
    _refuse_closed(draft)
    with indexes.opened(draft.base) as index:
        left = set(proposals.unlabelled(draft, index))
    rows = [_proposal(asked, draft, row) for row in predicted]
    # Stored beside the row, not in the result: a job's result is small.
    asked.found = [row for row in rows if row is not None and row.image in left]
    return {**result, "proposed": len(asked.found)}


def _proposal(asked: Prelabelling, draft: Draft, row: Prediction) -> Proposal | None:
    proposed = asked.model.task_class.proposed(row, asked.classes, asked.least_score)
    if proposed is None:
        return None
    label, score = proposed
    number = int(Path(row["image"]).stem)
    model = asked.model
    return Proposal(draft=draft, image=number, label=label, score=score, by=model.name, model=model.pk)


def complete(job: Job, result: dict) -> None:
    """Raises InputError if the draft was closed while the model was working."""
    asked = job.prelabelling
    draft = Draft.objects.select_for_update().select_related("base__dataset").get(pk=asked.draft_id)
    _refuse_closed(draft)
    proposals.replace(draft, asked.found)
    Prelabelling.objects.filter(pk=asked.pk).update(images=result["images"], proposed=len(asked.found))


def replace(old: Job, new: Job) -> None:
    Prelabelling.objects.filter(job=old).update(job=new)
