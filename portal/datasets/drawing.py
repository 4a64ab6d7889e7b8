"""Drawing boxes in the browser: data for the page's script, and progress of the labelling."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.urls import reverse

from portal.datasets import drafts, grid, indexes, proposals
from portal.datasets.draft_models import Draft, DraftChange
from portal.datasets.models import DatasetVersion
from workers.datakit.changes import EditedImage, Plan
from workers.datakit.index import Index


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """How many of a version's images are labelled in a draft: with boxes, or explicitly without any.

    ``following`` is the next unlabelled image, None if there is none left; ``is_left``: the displayed image
    is unlabelled.
    """

    labelled: int
    total: int
    following: int | None
    is_left: bool


def progress(index: Index, draft: Draft | None, number: int) -> Progress:
    """``number`` is the displayed image."""
    left = proposals.unlabelled(draft, index)
    others = [image for image in left if image != number]
    following = next((image for image in others if image > number), others[0] if others else None)
    total = index.count()
    return Progress(total - len(left), total, following, len(others) < len(left))


def state(
    version: DatasetVersion, now: EditedImage, plan: Plan, proposed: list[list[float]] | None
) -> dict[str, Any]:
    """The initial state of the page's script. Lengths are in pixels of the image; ``proposed`` are the boxes
    of a pending proposal.
    """
    return {
        "width": now.row.width,
        "height": now.row.height,
        "boxes": now.box_rows(),
        "proposed": proposed,
        "classes": [
            {"id": one.class_id, "name": one.name, "key": one.key, "colour": one.class_id % grid.COLOURS}
            for one in grid.class_choices(plan)
        ],
        "save": reverse("dataset-image-boxes", args=[version.pk, now.row.id]),
    }


def save(
    user, version: DatasetVersion, number: int, body: dict[str, Any], *, join: bool = True
) -> DraftChange:
    """Store all boxes of an image, as sent by its page. Raises ChangeRefused.

    With ``join`` it is one change with what was drawn there just before: the page itself undoes single boxes.
    """
    payload = {"image": number, "boxes": body.get("boxes"), "expected": body.get("expected")}
    payload |= proposals.corrected(drafts.open_draft(user, version.dataset), number)
    return drafts.add(user, version, "boxes", payload, join=join)


def add(user, version: DatasetVersion, number: int, box: list[float | None]) -> DraftChange:
    """Add one box to an image. Raises ChangeRefused."""
    draft = drafts.open_draft(user, version.dataset)
    with indexes.opened(version) as index:
        plan = drafts.plan_of(draft if draft and draft.base_id == version.pk else None, index)
        row = index.image(number)
        boxes = plan.now(row).box_rows() if row else []
    return save(user, version, number, {"boxes": [*boxes, box], "expected": boxes}, join=False)
