"""Uploads a file by tus 1.0 in pieces, and resumes an interrupted upload.

The portal finds the upload again by its fingerprint, so that no state is kept here: killed at any byte, the
same command resumes it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import requests

from slipway.calls import Calls, Tries, checked
from slipway.errors import Refused
from slipway.packing import Source

PIECE = 32 * 1024 * 1024
VERSION = {"Tus-Resumable": "1.0.0"}
# Another connection holds the upload (ours, broken a moment ago), or its offset differs from ours.
LOOK_AGAIN = {409, 423, 429, 460, 500, 502, 503, 504}


class _Body:
    """A piece as a request body; its length is known and its bytes are read as they are sent."""

    def __init__(self, blocks: Iterator[bytes], size: int, on_bytes: Callable[[int], None]):
        self.blocks, self.size, self.on_bytes = blocks, size, on_bytes

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[bytes]:
        for block in self.blocks:
            yield block
            self.on_bytes(len(block))


def find(client: Calls, fingerprint: str) -> Any:
    """The caller's own resumable upload with this fingerprint."""
    return next(client.rows("uploads/", most=1, fingerprint=fingerprint), None)


def announce(client: Calls, source: Source, metadata: dict[str, str]) -> str:
    """Create an upload and return its path. Raises Refused if the portal has no room for it."""
    pairs = [f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in metadata.items()]
    headers = VERSION | {"Upload-Length": str(source.size), "Upload-Metadata": ",".join(pairs)}
    return client.call("POST", "uploads/", headers=headers).headers["Location"]


def send(
    client: Calls, path: str, source: Source, on_offset: Callable[[int], None], piece: int = PIECE
) -> None:
    """Send all bytes that the portal lacks; ``on_offset`` gets the bytes done so far."""
    offset = _offset(client, path)
    tries = Tries(client)
    while offset < source.size:
        on_offset(offset)
        reached, problem = _send_piece(client, path, source, offset, piece, on_offset)
        if problem:
            tries.pause(problem)
            reached = _offset(client, path)
        if reached > offset:
            tries = Tries(client)  # progress resets the patience
        offset = reached
    on_offset(offset)


def _send_piece(
    client: Calls, path: str, source: Source, offset: int, piece: int, on_offset
) -> tuple[int, str]:
    """Send one piece; return the portal's offset, or ours with a sentence about what interrupted it."""
    end = min(offset + piece, source.size)
    done = offset

    def on_bytes(count: int) -> None:
        nonlocal done
        done += count
        on_offset(done)

    headers = VERSION | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    body = _Body(source.blocks(offset, end), end - offset, on_bytes)
    try:
        answer = client.send_once("PATCH", path, data=body, headers=headers)
    except requests.RequestException:
        return offset, f"The connection to {client.base} broke."
    if answer.status_code in LOOK_AGAIN:
        return offset, f"The portal could not take the bytes just now (status {answer.status_code})."
    return int(checked(answer).headers["Upload-Offset"]), ""


def _offset(client: Calls, path: str) -> int:
    """The portal's offset. It responds 423 while a broken connection still counts as sending."""
    tries = Tries(client)
    while True:
        answer = client.ask("HEAD", path, headers=VERSION)
        if answer.status_code != 423:
            break
        tries.pause("Another connection is sending this upload.", then=Refused)
    return int(checked(answer).headers["Upload-Offset"])
