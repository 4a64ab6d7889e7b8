"""The job kind that compiles a model."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.compilation import services
from portal.datasets import usage
from portal.jobs import kinds


def register() -> None:
    usage.add_reading_jobs("compiled_model__model__dataset_version__content_hash")
    kinds.register(
        kinds.Kind(
            name=services.KIND,
            title=_("Convert"),
            queue="convert",
            time_limit=4 * 3600,
            prepare=services.prepare,
            study=services.study,
            complete=services.complete,
            replace=services.replace,
            file_name=services.file_name,
        )
    )
