"""The provenance of a compiled model, as written into the ``.rknn`` and beside it."""

from __future__ import annotations

from portal.models.models import CompiledModel


def provenance(compiled: CompiledModel) -> dict[str, str]:
    """Texts by name; the board's manifest and a deployment's evidence contain the same."""
    model = compiled.model
    version = model.dataset_version
    shown_from = {} if model.shown_from is None else {"score_threshold": f"{model.shown_from:g}"}
    file = model.facts.get("file")
    imported = {"file": file["name"], "file_sha256": file["sha256"]} if file else {}
    return (
        shown_from
        | imported
        | {
            "model": str(model.pk),
            "model_name": model.name,
            "origin": model.origin,
            "dataset": str(version),
            "dataset_sha256": version.content_hash,
            "recipe": model.recipe,
            "train_job": str(model.job_id),
            "convert_job": str(compiled.job_id),
            "chip": compiled.chip,
        }
    )
