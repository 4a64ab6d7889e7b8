"""Brings a release's files to a board, resuming an interrupted upload. No Django here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.deployment.manager import run_in_turn, run_release_manager
from portal.deployment.release import Release, size_of
from portal.devices.connection import BoardConnection
from portal.devices.errors import DiskFull, RemoteFailed
from portal.devices.remote_runner import Profile
from workers.contract.messages import msg

OnPhase = Callable[[str], None]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Upload:
    """``sent`` is False if the board already had the whole release; ``resumed`` counts the bytes of an
    earlier upload.
    """

    sent: bool
    resumed: int = 0


def bring(
    connection: BoardConnection,
    profile: Profile,
    release: Release,
    on_phase: OnPhase,
    on_progress: OnProgress,
) -> Upload:
    """Upload the complete release folder, unless the board has it."""
    on_phase(msg("check space"))
    connection.make_folder(f"{profile.root}/releases")
    found = run_in_turn(
        connection,
        profile,
        ("sweep", release.id, release.upload),
        ("verify", release.id, release.manifest_sha256),
        ("held", release.upload),
    )
    if found["there"] and not found["bad"]:
        return Upload(sent=False)
    held = _held(found["files"], release)
    resumed = sum(held.values())
    _check_space(connection, profile, release, resumed)
    on_phase(msg("upload"))
    _upload(connection, profile, release, held, on_progress)
    on_phase(msg("verify"))
    found = run_release_manager(
        connection, profile, "accept", release.id, release.upload, release.manifest_sha256
    )
    bad = found["bad"] if found["there"] else sorted(release.files)
    if bad:
        raise RemoteFailed(
            msg(
                "{bad} arrived damaged on the board at {address}: its SD card may be failing; "
                "try again, then replace the card.",
                bad=", ".join(bad),
                address=connection.address,
            )
        )
    return Upload(True, resumed)


def _held(files: list[dict[str, Any]], release: Release) -> dict[str, int]:
    """The number of bytes of each file that an interrupted upload left on the board."""
    rows = {row["name"]: row for row in files if row["name"] in release.files}
    return {name: row["bytes"] for name, row in rows.items() if _begins(release.files[name], row)}


def _begins(content: bytes | Path, held: dict[str, Any]) -> bool:
    """Whether the content begins with the bytes that the board has."""
    data = content if isinstance(content, bytes) else content.read_bytes()
    count = held["bytes"]
    return count <= len(data) and hashlib.sha256(data[:count]).hexdigest() == held["sha256"]


def _check_space(connection: BoardConnection, profile: Profile, release: Release, held: int) -> None:
    free = connection.free_bytes(f"{profile.root}/releases")
    wanted = release.total_bytes - held + profile.free_space_bytes
    if free is not None and free < wanted:
        raise DiskFull(
            msg(
                "The board at {address} has {free} free and this release needs {wanted} with the "
                "reserve: delete files or old releases on it, or use a larger SD card.",
                address=connection.address,
                free=_megabytes(free),
                wanted=_megabytes(wanted),
            )
        )


def _upload(
    connection: BoardConnection,
    profile: Profile,
    release: Release,
    held: Mapping[str, int],
    on_progress: OnProgress,
) -> None:
    folder = f"{profile.root}/releases/{release.upload}.part"
    places = sorted({name.rpartition("/")[0] for name in release.files})
    connection.make_folder(*(f"{folder}/{place}" if place else folder for place in places))
    sent, total = 0, release.total_bytes
    for name, content in release.files.items():
        start, size = held.get(name), size_of(content)
        if start == size:
            pass
        elif isinstance(content, bytes):
            connection.put_bytes(content, f"{folder}/{name}", verify=False)
        else:
            connection.put_file(
                content,
                f"{folder}/{name}",
                verify=False,
                on_progress=lambda done, sent=sent: on_progress(sent + done, total),
                start=start or 0,
            )
        sent += size
        on_progress(sent, total)


def _megabytes(count: int) -> str:
    return f"{count / 1048576:.1f} MB"
