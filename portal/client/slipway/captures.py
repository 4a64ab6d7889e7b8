"""Images that a device takes for a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway import waiting
from slipway.waiting import OnChange

if TYPE_CHECKING:
    from slipway.client import Client
    from slipway.types import Version


def begin(client: Client, dataset: str, task: str = "") -> dict[str, Any]:
    """Your open draft of images for a dataset, a new one if there is none."""
    return client.post("capture-drafts/", json={"dataset": dataset, **({"task": task} if task else {})})


def order(client: Client, draft: int, device: int, **options: Any) -> dict[str, Any]:
    """Let a device take images for a draft; the options are the fields of ``POST /captures/``."""
    return client.post("captures/", json={"draft": draft, "device": device, **options})


def take(
    client: Client,
    device: int,
    dataset: str,
    *,
    task: str = "",
    commit: bool = False,
    on_change: OnChange = lambda job: None,
    **options: Any,
) -> dict[str, Any] | Version:
    """Capture images and wait until they are stored; return the draft, or with ``commit`` the new version.

    Raises Failed.
    """
    draft = begin(client, dataset, task)
    made = order(client, draft["id"], device, **options)
    job = waiting.until_final(client, f"jobs/{made['job']['id']}/", on_change)
    waiting.succeeded("The capture", job)
    if commit:
        return client.checked(client.post(f"capture-drafts/{draft['id']}/commit/", json={}))
    return client.get(f"capture-drafts/{draft['id']}/")
