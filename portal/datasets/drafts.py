"""Drafts: a person's changes to a version, until they become the next version or are discarded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils.translation import gettext as _

from portal.datasets import indexes, services
from portal.datasets.box_checks import CORRECTED
from portal.datasets.change_checks import checked
from portal.datasets.draft_models import Draft, DraftChange, DraftState
from portal.datasets.models import Dataset, DatasetVersion
from portal.datasets.refused_changes import ChangeRefused
from portal.jobs.kinds import Invocation
from portal.jobs.models import Job, Status
from portal.teams import audit
from workers.contract.messages import msg
from workers.datakit.changes import Plan
from workers.datakit.errors import InputError
from workers.datakit.index import Index

MAX_CHANGES = 10_000
ATTEMPTS = 3


def open_draft(user, dataset: Dataset) -> Draft | None:
    """The person's open draft of a dataset, on any of its versions."""
    rows = Draft.objects.filter(dataset=dataset, created_by=user, state=DraftState.OPEN)
    return rows.select_related("base", "base__dataset").first()


def plan_of(draft: Draft | None, index: Index) -> Plan:
    """The draft's changes in effect, applied to the images of its base's ``index``."""
    return Plan(index.class_names, draft.done().values_list("kind", "payload") if draft else [])


@transaction.atomic
def begin(user, version: DatasetVersion) -> Draft:
    """The person's open draft on ``version``, a new one if there is none. Raises ChangeRefused."""
    Dataset.objects.select_for_update().get(pk=version.dataset_id)  # two tabs must not start two
    draft = _usable_draft(user, version)
    if draft is None:
        return Draft.objects.create(team=version.team, created_by=user, dataset=version.dataset, base=version)
    return draft


def _usable_draft(user, version: DatasetVersion) -> Draft | None:
    """The open draft for changes to ``version``, if there is one. Raises ChangeRefused."""
    if not version.is_ready:
        raise ChangeRefused(_("This version is not ready: wait until its check has succeeded."))
    if version.is_deleted:
        raise ChangeRefused(_("This version is deleted: restore it first."))
    draft = open_draft(user, version.dataset)
    if draft is not None and draft.base_id != version.pk:
        raise ChangeRefused(
            _("You have changes to %(other)s that are not a version yet: finish or discard them first.")
            % {"other": draft.base}
        )
    return draft


def add(
    user, version: DatasetVersion, kind: str, payload: dict[str, Any], *, join: bool = False
) -> DraftChange:
    """Add a change to the person's draft on ``version``. Raises ChangeRefused.

    With ``join`` the boxes of an image replace those of the last change if that drew on the same image: a
    page saves after each box, and drawing on an image is one change.

    Undone changes can no longer be redone then. The index, which may be slow to read, is read before the
    database is locked; if the draft changes in between, the change is checked again.
    """
    draft = _usable_draft(user, version)
    with indexes.opened(version) as index:
        for _attempt in range(ATTEMPTS):
            seen = _state(draft)
            clean, images = checked(kind, payload, index, plan_of(draft, index))
            change = _write(user, version, seen, join, kind=kind, payload=clean, images=images)
            if change is not None:
                return change
            draft = _usable_draft(user, version)
    raise ChangeRefused(_("These changes are being made in another window as well: reload the page."))


def _state(draft: Draft | None) -> tuple:
    """Differs whenever the changes in effect differ; a draft without any equals no draft."""
    if draft is None:
        return (0, 0, None)
    undone = Count("pk", filter=Q(undone=True))
    found = draft.changes.aggregate(all=Count("pk"), undone=undone, last=Max("pk"))
    return found["all"], found["undone"], found["last"]


@transaction.atomic
def _write(user, version: DatasetVersion, seen: tuple, join: bool, **fields) -> DraftChange | None:
    """Append a change that was checked against the draft as ``seen``; None if it has changed since."""
    draft = begin(user, version)
    if _state(draft) != seen:
        return None
    draft.changes.filter(undone=True).delete()
    if join:
        _join(draft, fields["payload"])
    last = draft.changes.aggregate(last=Max("number"))["last"] or 0
    if last >= MAX_CHANGES:
        raise ChangeRefused(
            _("These are %(most)d changes: make a new version of them, then go on.") % {"most": MAX_CHANGES}
        )
    return DraftChange.objects.create(draft=draft, number=last + 1, **fields)


def _join(draft: Draft, payload: dict[str, Any]) -> None:
    """Take back the last change if it drew on the image of ``payload``, which keeps what it corrects."""
    last = draft.changes.last()
    if last is None or last.kind != "boxes" or last.payload["image"] != payload["image"]:
        return
    payload |= {key: last.payload[key] for key in CORRECTED if key in last.payload}
    last.delete()


@transaction.atomic
def undo(draft: Draft) -> DraftChange | None:
    """Undo the last change and return it; None if there is none."""
    _lock_open(draft)
    return _mark(draft.done().last(), undone=True)


@transaction.atomic
def redo(draft: Draft) -> DraftChange | None:
    """Redo the last undone change and return it; None if there is none."""
    _lock_open(draft)
    return _mark(draft.changes.filter(undone=True).first(), undone=False)


def _mark(change: DraftChange | None, undone: bool) -> DraftChange | None:
    if change is not None:
        change.undone = undone
        change.save(update_fields=["undone"])
    return change


@transaction.atomic
def discard(draft: Draft) -> None:
    _lock_open(draft)
    draft.changes.all().delete()
    draft.state = DraftState.DISCARDED
    draft.save(update_fields=["state"])
    audit.record("draft.discard", draft, detail=str(draft.base))


@transaction.atomic
def commit(draft: Draft, message: str = "") -> DatasetVersion:
    """Queue a job that makes a new version from the draft. Raises ChangeRefused.

    If it fails, the draft is open again, see ``after_revise``.
    """
    _lock_open(draft)
    if not draft.length:
        raise ChangeRefused(_("There is nothing to make a version of: change something first."))
    user, base = draft.created_by, draft.base
    version = services.add_version(
        base.dataset, "revise", user, parent=base, upload_name=base.upload_name, task=base.task
    )
    draft.state, draft.message, draft.version = DraftState.COMMITTED, message.strip()[:200], version
    draft.save(update_fields=["state", "message", "version"])
    audit.record("dataset.revise", version, actor=user, detail=draft.message or str(draft))
    return version


def _lock_open(draft: Draft) -> None:
    draft.refresh_from_db(from_queryset=Draft.objects.select_for_update())
    if not draft.is_open:
        raise ChangeRefused(closed())


def closed() -> str:
    """Why a draft that became a version or was discarded cannot be changed."""
    return _("These changes are no longer open: look at the dataset's versions.")


# --- the job ----------------------------------------------------------------------------------


def prepare_revise(job: Job, folder: Path) -> Invocation:
    version = job.dataset_version
    draft = Draft.objects.filter(version=version).first()
    if draft is None:
        raise InputError(msg("These changes have become another version since: look at that one."))
    if draft.state == DraftState.DISCARDED:
        raise InputError(msg("These changes were discarded: make them again."))
    base = indexes.copy_to(version.parent, folder / "base.sqlite")
    changes = [list(pair) for pair in draft.done().values_list("kind", "payload")]
    return Invocation(
        argv=[sys.executable, "-m", "workers.datakit.revise"],
        inputs={"base": str(base)},
        params={"changes": changes, "layout": version.parent.layout, "split": version.parent.split},
        memory_bytes=services.INGEST_MEMORY_BYTES,
    )


def replace(old: Job, new: Job) -> None:
    """A retry closes the draft again, as the commit did: it makes a version of all changes now in effect,
    and no change may follow that the version would lack.
    """
    services.replace(old, new)
    Draft.objects.filter(version__job=new, state=DraftState.OPEN).update(state=DraftState.COMMITTED)


def complete_revise(job: Job, result: dict[str, Any]) -> None:
    services.fill(job.dataset_version, job, result)


def after_revise(job: Job) -> None:
    """If a new version could not be made, reopen the draft.

    It stays closed if the person has started another draft of the dataset since.
    """
    draft = Draft.objects.filter(version__job=job, state=DraftState.COMMITTED).first()
    if draft is None or job.status == Status.SUCCEEDED:
        return
    with transaction.atomic():
        Dataset.objects.select_for_update().get(pk=draft.dataset_id)
        if open_draft(draft.created_by, draft.dataset) is None:
            Draft.objects.filter(pk=draft.pk).update(state=DraftState.OPEN)
