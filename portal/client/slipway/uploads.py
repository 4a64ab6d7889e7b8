"""Uploads a file or a folder as a dataset's next version."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from slipway import packing, tus, waiting
from slipway.calls import Calls
from slipway.errors import Failed, Refused, Undecided


def push(
    calls: Calls,
    source: packing.Source,
    name: str,
    options: Mapping[str, Any] | None = None,
    on_bytes: Callable[[int], None] = lambda done: None,
    piece: int = tus.PIECE,
) -> Any:
    """Send all bytes as the next version of the dataset ``name``; return the version, not checked yet.

    ``options`` are fields of ``POST /datasets/``, such as ``class_count``, ``as`` or ``roles``. An
    interrupted upload of the same files, name and options is resumed.
    """
    metadata = {"filename": source.filename, "dataset": name, **_texts(options or {})}
    words = json.dumps([source.fingerprint, metadata], sort_keys=True)
    metadata["fingerprint"] = hashlib.sha256(words.encode()).hexdigest()
    with calls.patient(waiting.PATIENCE_SECONDS):
        upload = tus.find(calls, metadata["fingerprint"])
        path = f"uploads/{upload['id']}/" if upload else tus.announce(calls, source, metadata)
        tus.send(calls, path, source, on_bytes, piece)
        version = calls.get(f"dataset-versions/{calls.get(path)['dataset_version']}/")
        return version


def _texts(options: Mapping[str, Any]) -> dict[str, str]:
    """Options as upload metadata: lists have one entry per line."""
    texts = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            value = [f"{folder}={role}" for folder, role in value.items()]
        texts[name] = "\n".join(value) if isinstance(value, list | tuple) else str(value)
    return texts


def resolve_unchanged(calls: Calls, version: Mapping[str, Any]) -> Any:
    """The version after its check; if it equals the previous version, that one.

    The new version is then discarded, unless a run was started on it meanwhile.
    """
    version = calls.get(f"dataset-versions/{version['id']}/")
    if version["state"] != "ready":
        return version
    rows = calls.rows("dataset-versions/", dataset=version["dataset"], ordering="-id")
    before = next(
        (row for row in rows if row["number"] < version["number"] and row["state"] == "ready"), None
    )
    if before and before["content_hash"] == version["content_hash"]:
        with contextlib.suppress(Refused):
            calls.call("POST", f"dataset-versions/{version['id']}/discard/")
            return calls.get(f"dataset-versions/{before['id']}/")
    return version


def raise_if_not_ready(version: Mapping[str, Any], advice: str = "") -> None:
    """Raises Refused or Failed if the check did not succeed, Undecided if it needs a person."""
    if version["state"] == "refused":
        refused = Refused if version["job"]["error_kind"] == "input" else Failed
        raise refused(version["message"] or "The check of the dataset did not succeed.")
    if version["state"] == "review":
        doubt = version["message"] or "It is checked and waits for a person."
        raise Undecided(f"{doubt} {advice}".strip())
