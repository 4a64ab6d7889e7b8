"""Sends a file or a folder as a dataset's next version."""

from __future__ import annotations

import hashlib
import json

from portal.cli import follow, packing, tus
from portal.cli.client import Client
from portal.cli.screen import Screen, size


def push(
    client: Client,
    screen: Screen,
    source: packing.Source,
    name: str,
    options: dict[str, str] | None = None,
    piece: int = tus.PIECE,
) -> dict:
    """Send all bytes as the next version of the dataset ``name``; return the version, still to be checked.

    ``options`` go with the upload as texts: ``class_count``, ``class_names``, ``val_fraction``, ``seed``,
    ``layout``. An upload of the same files, name and options that was broken off is gone on with.
    """
    metadata = {"filename": source.filename, "dataset": name, **(options or {})}
    words = json.dumps([source.fingerprint, metadata], sort_keys=True)
    metadata["fingerprint"] = hashlib.sha256(words.encode()).hexdigest()
    with client.patient(follow.PATIENCE_SECONDS):
        path = _send(client, screen, source, metadata, piece)
        return client.get(f"dataset-versions/{client.get(path)['dataset_version']}/")


def _send(client: Client, screen: Screen, source: packing.Source, metadata: dict, piece: int) -> str:
    upload = tus.find(client, metadata["fingerprint"])
    begun_at = upload["offset"] if upload else 0
    if begun_at:
        screen.note(f"Going on at {size(begun_at)} of {size(source.size)}.")
    path = f"uploads/{upload['id']}/" if upload else tus.announce(client, source, metadata)
    with (
        follow.goes_on("Broken off: the same command goes on from here."),
        screen.bytes_bar(source.filename, source.size, begun_at) as on_offset,
    ):
        tus.send(client, path, source, on_offset, piece)
    return path
