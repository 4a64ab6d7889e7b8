"""Deletes runs: hidden at once, restorable for some days, then removed with their files.

What a board runs is neither deleted nor removed: it could no longer be identified.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.deployment.models import Deployment
from portal.jobs.models import ACTIVE, Artifact, IllegalTransition, Job
from portal.models import placements
from portal.models.models import CompiledModel, Model
from portal.runs import tags
from portal.runs.models import Run
from portal.teams import audit
from workers.contract.messages import Message, msg


def until(run: Run):
    """Until when a deleted run can be restored for certain."""
    return run.deleted_at + timedelta(days=settings.DATASET_KEPT_DAYS)


def refusal(run: Run) -> Message | None:
    """Why the run cannot be deleted now; None if it can."""
    if run.is_active or _jobs_of(run).filter(status__in=ACTIVE).exists():
        return msg("{run} is still running: cancel it or wait for it to finish.", run=run)
    boards = sorted({str(device) for devices in _placed(run).values() for device in devices})
    if boards:
        words = ", ".join(boards)
        return msg(
            "A model of {run} runs on {devices}: deploy another model there first.", devices=words, run=run
        )
    return None


@transaction.atomic
def delete(run: Run, user) -> None:
    """Hide a run and its models. Raises IllegalTransition if there is a ``refusal``."""
    row = Run.objects.select_for_update().get(pk=run.pk)
    # A deployment locks its model: it is either active already, or finds the model hidden.
    list(_compiled_of(row).select_for_update(of=("self",)))
    if row.deleted_at is None:
        if why := refusal(row):
            raise IllegalTransition(why)
        _mark(row, timezone.now())
        audit.record("run.delete", row, actor=user)
    run.deleted_at = row.deleted_at


@transaction.atomic
def restore(run: Run, user) -> None:
    """Restore a deleted run."""
    row = Run.objects.select_for_update().get(pk=run.pk)
    if row.deleted_at is not None:
        _mark(row, None)
        audit.record("run.restore", row, actor=user)
    run.deleted_at = None


def refuse_if_deleted(run: Run) -> None:
    """Raise IllegalTransition for anything that would start work on a deleted run."""
    if run.deleted_at is not None:
        raise IllegalTransition(msg("{run} was deleted: restore it first.", run=run))


def sweep() -> None:
    """Before: runs deleted long ago. After: only those whose models a board runs again."""
    horizon = timezone.now() - timedelta(days=settings.DATASET_KEPT_DAYS)
    for run in Run.objects.filter(deleted_at__lte=horizon):
        _remove(run.pk)


@transaction.atomic
def _remove(pk: int) -> None:
    run = Run.objects.select_for_update().filter(pk=pk).exclude(deleted_at=None).first()
    if run is None or refusal(run):
        return
    jobs = list(_jobs_of(run).values_list("pk", flat=True))
    files = list(Artifact.objects.filter(job__in=jobs).values_list("file", flat=True))
    Deployment.objects.filter(compiled_model__in=_compiled_of(run)).delete()
    models, team = list(_models_of(run).values_list("pk", flat=True)), run.team
    run.delete()
    Model.objects.filter(pk__in=models).delete()
    Job.objects.filter(pk__in=jobs).delete()
    tags.sweep(team)
    transaction.on_commit(lambda: [default_storage.delete(name) for name in files if name])


def _mark(run: Run, moment) -> None:
    run.deleted_at = moment
    run.save(update_fields=["deleted_at"])
    _models_of(run).update(deleted_at=moment)


def _models_of(run: Run):
    return Model.objects.filter(job__attempt_of__step__run=run)


def _compiled_of(run: Run):
    return CompiledModel.objects.filter(model__in=_models_of(run))


def _jobs_of(run: Run):
    """Every attempt of its steps, and the jobs of its results: variants, deployments, comparisons …"""
    mine = Q(attempt_of__step__run=run) | Q(step__run=run) | Q(baseline__run=run)
    compiled = _compiled_of(run)
    made = Q(compiled_model__in=compiled) | Q(deployment__compiled_model__in=compiled)
    made |= Q(layer_errors__compiled_model__in=compiled) | Q(quantization_search__model__in=_models_of(run))
    return Job.objects.filter(pk__in=Job.objects.filter(mine | made).values("pk"))


def _placed(run: Run) -> dict:
    return placements.of(set(_compiled_of(run).values_list("pk", flat=True)))
