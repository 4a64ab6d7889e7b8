"""Images that a device takes for a dataset."""

from __future__ import annotations

from typing import Any

from slipway import waiting
from slipway.calls import Calls
from slipway.types import Version
from slipway.waiting import OnChange


def begin(calls: Calls, dataset: str, task: str = "") -> dict[str, Any]:
    """Your open draft of images for a dataset, a new one if there is none."""
    return calls.post("capture-drafts/", json={"dataset": dataset, **({"task": task} if task else {})})


def order(calls: Calls, draft: int, device: int, **options: Any) -> dict[str, Any]:
    """Let a device take images for a draft; the options are the fields of ``POST /captures/``."""
    return calls.post("captures/", json={"draft": draft, "device": device, **options})


def take(
    calls: Calls,
    device: int,
    dataset: str,
    *,
    task: str = "",
    commit: bool = False,
    on_change: OnChange = lambda job: None,
    **options: Any,
) -> dict[str, Any] | Version:
    """Capture images and wait until they are stored; return the draft, or with ``commit`` the new version,
    whose check may not have ended.

    Raises Failed.
    """
    draft = begin(calls, dataset, task)
    made = order(calls, draft["id"], device, **options)
    job = waiting.until_final(calls, f"jobs/{made['job']['id']}/", on_change)
    waiting.succeeded("The capture", job)
    if commit:
        return calls.post(f"capture-drafts/{draft['id']}/commit/", json={})
    return calls.get(f"capture-drafts/{draft['id']}/")
