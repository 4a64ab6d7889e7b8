"""Descriptive download names."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.text import slugify

from portal.models import pages
from portal.models.models import CompiledModel

LONGEST = 60  # characters of a dataset's name


def rknn_name(compiled: CompiledModel) -> str:
    """For example ``parts-v2-run4-rv1106.rknn``."""
    return rknn_names([compiled])[compiled.pk]


def rknn_names(rows: Collection[CompiledModel]) -> dict[int, str]:
    """The names of several compiled models, by id."""
    known = pages.of([row.model for row in rows])
    return {row.pk: _name(row, known[row.model_id].names.get("run")) for row in rows}


def _name(compiled: CompiledModel, run: dict | None) -> str:
    version = compiled.model.dataset_version
    dataset = slugify(version.dataset.name, allow_unicode=True)[:LONGEST] or "model"
    made_by = f"run{run['id']}" if run else f"model{compiled.model_id}"
    return f"{dataset}-v{version.number}-{made_by}-{compiled.chip}.rknn"
