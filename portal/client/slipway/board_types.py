"""Rows of the review queue, of timings and of applications; responses may contain more fields."""

from __future__ import annotations

from typing import Any, TypedDict

from slipway.types import Job


class ReviewItem(TypedDict):
    """An image that came back from a device; ``state`` is waiting, accepted or discarded."""

    id: int
    device: int | None
    device_name: str
    release: str
    name: str
    prediction: Any
    state: str
    label: str | None
    corrected: bool
    dataset: int | None
    version: int | None


class BoardApplication(TypedDict):
    """The application on a board; ``told`` is what the board last reported."""

    id: int
    device: int
    config: Any
    told: Any
    act: str
    job: Job | None


class Profile(TypedDict):
    """A timing of the release on a device; ``figures`` is empty until its job has succeeded."""

    id: int
    device: int
    deployment: int | None
    release: str
    job: Job
    figures: dict[str, Any]
    estimate_ms: float | None
    created_at: str
