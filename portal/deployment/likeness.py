"""Whether the images sent to a board resemble its model's training images."""

from __future__ import annotations

from portal.datasets import indexes
from portal.deployment.models import Deployment
from workers.datakit.errors import StagingError
from workers.datakit.likeness import Likeness


def unlikeness(deployment: Deployment | None, grays: dict[str, bytes]) -> dict[str, float]:
    """How unlike the training images each image is, by name; empty if that is unknown."""
    version = deployment.compiled_model.model.dataset_version if deployment else None
    if version is None:
        return {}
    try:
        with indexes.opened(version) as index:
            known = Likeness(index)
    except StagingError:
        return {}
    found = {name: known.unlikeness(gray) for name, gray in grays.items()}
    return {name: value for name, value in found.items() if value is not None}
