"""The job kind that trains."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.datasets import usage
from portal.jobs import kinds
from portal.training import services


def register() -> None:
    usage.add_reading_jobs("model__dataset_version__content_hash")
    usage.add_reading_jobs("model__unlabelled__content_hash")
    kinds.register(
        kinds.Kind(
            name=services.KIND,
            title=_("Train"),
            queue="train",
            time_limit=24 * 3600,
            prepare=services.prepare,
            complete=services.complete,
            replace=services.replace,
        )
    )
