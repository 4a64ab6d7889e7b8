"""Downloads: resumes interrupted ones, and keeps a file only if its hash is right."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import requests

from slipway.calls import TIMEOUT, Calls, Tries, checked
from slipway.errors import Refused, Unreachable

BLOCK = 1024 * 1024
RANGE_NOT_SATISFIABLE = 416


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_here(target: Path, sha256: str) -> bool:
    """Whether the file was downloaded before."""
    return target.is_file() and sha256_of(target) == sha256


def safe_path(folder: Path, name: str) -> Path:
    """The path of a file with this name below ``folder``. Raises Refused for a name that leads outside."""
    parts = PurePosixPath(name).parts
    if not parts or any(part in ("..", "/") or "\0" in part for part in parts):
        raise Refused(f"The portal named a file {name!r}, which no file is called.")
    return folder.joinpath(*parts)


def download(
    client: Calls,
    path: str,
    target: Path,
    sha256: str = "",
    on_bytes: Callable[[int], None] = lambda done: None,
) -> Path:
    """Download to ``target``; ``.part`` beside it holds what arrived so far.

    With ``sha256`` (hexadecimal), an interrupted download is resumed, also by a later call. Raises Refused,
    and keeps nothing, if the hash differs.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    if not sha256:
        part.unlink(missing_ok=True)
    tries = Tries(client)
    while not _receive(client, path, part, sha256, on_bytes):
        if not sha256:
            raise Unreachable(f"The connection to {client.base} broke in the middle of {target.name}.")
        tries.pause(f"The connection to {client.base} broke in the middle of {target.name}.")
    if sha256 and sha256_of(part) != sha256:
        part.unlink()
        raise Refused(f"{target.name} was damaged on the way: download it again.")
    os.replace(part, target)
    return target


def _receive(client: Calls, path: str, part: Path, sha256: str, on_bytes) -> bool:
    """Append what is missing to ``part``; False if the connection broke."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-", "If-Range": f'"{sha256}"'} if have else {}
    headers["Accept-Encoding"] = "identity"  # else a range counts other bytes than those on disk
    try:
        with client.ask("GET", path, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == RANGE_NOT_SATISFIABLE:  # nothing is missing; the hash decides
                return True
            return _write(checked(answer), part, have, on_bytes)
    except requests.RequestException:
        return False


def _write(answer: requests.Response, part: Path, have: int, on_bytes) -> bool:
    goes_on = answer.status_code == 206
    done = have if goes_on else 0
    length = answer.headers.get("Content-Length")
    end = done + int(length) if length else None
    with part.open("ab" if goes_on else "wb") as file:
        for block in answer.iter_content(BLOCK):
            file.write(block)
            done += len(block)
            on_bytes(done)
    return end is None or done == end
