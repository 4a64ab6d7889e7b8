"""Classification datasets made from the boxes of another version."""

from __future__ import annotations

from django.db import transaction

from portal.datasets import services
from portal.datasets.models import DatasetVersion
from portal.jobs import services as jobs
from workers.contract.messages import msg
from workers.datakit.cutting import LAYOUT
from workers.datakit.errors import InputError


@transaction.atomic
def create(
    source: DatasetVersion, user, name: str, *, how: str, margin: float, least_side: int
) -> DatasetVersion:
    """Make the boxes of ``source`` the next version of the team's dataset ``name``, and queue its check.

    ``how`` is one of ``cutting.WAYS``. Raises InputError if that is impossible, QuotaReached if no more
    checks may be queued.
    """
    jobs.refuse_if_full(source.team)
    check(source)
    if source.dataset.name == name:
        raise InputError(msg("{name} is the dataset with the boxes: choose another name.", name=name))
    cut = {"how": how, "margin": margin, "least_side": least_side}
    options = {"cut": cut, "layout": LAYOUT, "fresh": True}
    return services.upload_version(source.team, user, name, options, upload_name=str(source), source=source)


def check(source: DatasetVersion) -> None:
    """Raise InputError if no classification dataset can be made of ``source``."""
    if not source.is_ready or source.is_deleted or not source.labels.has_boxes:
        raise InputError(
            msg(
                "{version} cannot be cut: choose a version with boxes that is ready.",
                version=str(source),
            )
        )
    if len(source.class_names) < 2:
        raise InputError(
            msg("{version} has boxes of one class only, and a classifier needs two.", version=str(source))
        )
