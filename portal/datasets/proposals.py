"""A model's proposed labels for the images of a draft: pending ones, accepting and rejecting them.

A proposal is pending until a later change decides about its image: it is accepted, corrected (other boxes are
drawn, another class is set) or rejected. Undoing that change makes it pending again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from portal.datasets import drafts, indexes
from portal.datasets.draft_models import Draft, DraftChange, Proposal
from portal.datasets.models import DatasetVersion
from portal.datasets.refused_changes import ChangeRefused
from workers.datakit.changes import Plan, wanted_images
from workers.datakit.index import Filter, Index

MOST = 10_000  # images per job
LABELLING = ("boxes", "relabel", "accept")  # kinds of change that label an image
DECIDING = (*LABELLING, "reject")


def touched(draft: Draft | None, index: Index, kinds: Iterable[str] = LABELLING, since=None) -> set[int]:
    """The images named by the draft's changes of these kinds in effect, made after ``since``."""
    if draft is None:
        return set()
    if index.has_boxes:  # their classes are changed there, and no image gets one
        kinds = set(kinds) - {"relabel"}
    rows = draft.done().filter(kind__in=kinds)
    rows = rows.filter(created_at__gte=since) if since else rows
    # The database reads these: an image can have thousands of boxes.
    found: set[int] = set(rows.filter(kind="boxes").values_list("payload__image", flat=True))
    for kind, payload in rows.exclude(kind="boxes").values_list("kind", "payload"):
        if kind == "accept":
            found.update(map(int, payload["labels"]))
        else:
            found.update(index.ids(wanted_images(payload["images"])))
    return found


def unlabelled(draft: Draft | None, index: Index) -> list[int]:
    """The images without a label after the draft's changes, in order.

    An image that a person explicitly left without boxes counts as labelled.
    """
    done = touched(draft, index)
    return [image for image in index.ids(Filter(unlabelled=True)) if image not in done]


def waiting(draft: Draft | None, index: Index) -> list[int]:
    """The images with a pending proposal, in order."""
    first = draft.proposals.first() if draft and draft.is_open else None
    if first is None:
        return []
    decided = touched(draft, index, DECIDING, first.created_at)
    return [image for image in draft.proposals.values_list("image", flat=True) if image not in decided]


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting:
    """A draft's pending proposals, for pages that show some of its images."""

    ids: list[int] = dataclasses.field(default_factory=list)
    by: str = ""
    rows: dict[int, Proposal] = dataclasses.field(default_factory=dict)

    def next_to(self, number: int) -> int | None:
        """The next image after ``number`` with a pending proposal, starting over after the last."""
        others = [image for image in self.ids if image != number]
        return next((image for image in others if image > number), others[0] if others else None)


def waiting_of(draft: Draft | None, index: Index, shown: Iterable[int]) -> Waiting:
    """The pending proposals, in full for the images ``shown``."""
    ids = waiting(draft, index)
    if not ids:
        return Waiting()
    wanted = set(shown) & set(ids)
    rows = {row.image: row for row in draft.proposals.filter(image__in=wanted)}
    return Waiting(ids, draft.proposals.first().by, rows)


def replace(draft: Draft, rows: Iterable[Proposal]) -> None:
    """Replace the draft's earlier proposals. Call it in a transaction."""
    draft.proposals.all().delete()
    Proposal.objects.bulk_create(rows, batch_size=500)


def accept(user, version: DatasetVersion, images: dict[str, Any]) -> DraftChange:
    """Accept the proposals for these images (``ids`` or ``filter``) as a change. Raises ChangeRefused."""
    draft, ids = _chosen(user, version, images)
    rows = list(draft.proposals.filter(image__in=ids))
    labels = {str(row.image): row.label for row in rows}
    return drafts.add(user, version, "accept", {"labels": labels, "by": rows[0].by, "model": rows[0].model})


def reject(user, version: DatasetVersion, images: dict[str, Any]) -> DraftChange:
    """Reject the proposals for these images, which stay as they are. Raises ChangeRefused."""
    _draft, ids = _chosen(user, version, images)
    return drafts.add(user, version, "reject", {"images": {"ids": sorted(ids)}})


def _chosen(user, version: DatasetVersion, images: dict[str, Any]) -> tuple[Draft, set[int]]:
    draft = drafts.open_draft(user, version.dataset)
    if draft is None or draft.base_id != version.pk:
        raise ChangeRefused(_("There are no proposed labels here: let a model propose some first."), "images")
    with indexes.opened(version) as index:
        left = waiting(draft, index)
        given = images.get("ids")
        chosen = set(left) & set(given if given is not None else index.ids(wanted_images(images)))
    if not chosen:
        raise ChangeRefused(
            _("None of these images has a proposed label that waits: reload the page."), "images"
        )
    return draft, chosen


def corrected(draft: Draft | None, image: int) -> dict[str, Any]:
    """The fields of a change ``boxes`` that say which pending proposal it corrects; none without one."""
    proposal = draft.proposals.filter(image=image).first() if draft and image else None
    if proposal is None:
        return {}
    with indexes.opened(draft.base) as index:
        if image in touched(draft, index, DECIDING, proposal.created_at):
            return {}
    return {"by": proposal.by, "model": proposal.model, "proposed": proposal.label}


def left_boxes(proposal: Proposal | None, plan: Plan) -> list[list[float]] | None:
    """The proposal's boxes in classes that still exist; None without a proposal."""
    if proposal is None:
        return None
    return [box for box in proposal.label if plan.names[int(box[0])] is not None]
