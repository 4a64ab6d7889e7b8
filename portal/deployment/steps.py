"""Puts a release on a board and makes it current, step by step. No Django here.

Power may fail at any step: the previous release stays current until one rename, and repeating the deployment
completes it. Leftovers of a failed deployment are removed at once if the board is still reachable, otherwise
by the next deployment.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portal.deployment.release import Release
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError, DiskFull, RemoteFailed
from portal.devices.remote_runner import Profile, run_release, run_sent
from workers.contract.messages import msg

CHECK_SECONDS = 300.0
TIDY_SECONDS = 20.0
PHASES = (
    msg("check space"),
    msg("upload"),
    msg("verify"),
    msg("rename"),
    msg("golden images"),
    msg("switch"),
    msg("confirm"),
)
# The fields that the result of a command must have.
FIELDS = {
    "status": ("current", "releases"),
    "verify": ("there", "bad"),
    "activate": ("before",),
    "prune": ("removed",),
    "lock": ("locked",),
}

OnPhase = Callable[[str], None]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Deployed:
    """The result of a deployment. ``engine`` is the board's own name for what predicted the golden images."""

    release: str
    before: str | None
    engine: str
    load_ms: float
    golden: list[dict[str, Any]]
    uploaded: bool


def run_release_manager(
    connection: BoardConnection, profile: Profile, command: str, *arguments: str
) -> dict[str, Any]:
    """Run a command of ``workers/board/release_manager.py`` on the board; return its message."""
    fields, program = FIELDS.get(command, ()), "release_manager.py"
    return run_sent(connection, profile, program, command, profile.root, *arguments, fields=fields)


def list_releases(connection: BoardConnection, profile: Profile) -> dict[str, Any]:
    """``{"current": id or None, "releases": [{"id", "activated", "bytes", "classes", "provenance"}]}``,
    newest activation first; ``activated`` is seconds since the epoch by the board's clock, or None."""
    return run_release_manager(connection, profile, "status")


def deploy(
    connection: BoardConnection,
    profile: Profile,
    release: Release,
    on_phase: OnPhase = lambda phase: None,
    on_progress: OnProgress = lambda done, total: None,
    token: str = "",
) -> Deployed:
    """Upload, verify, test and switch. ``on_phase`` gets each of PHASES, ``on_progress`` bytes sent.

    With a ``token``, the board switches only while that token holds the board's lock.

    Raises a BoardError, or whatever ``on_phase``, ``on_progress`` or the connection's ``on_wait`` raises. The
    previous release is then still current, unless the failure came after the switch. A cancel cannot stop it
    between the switch and the end.
    """
    try:
        uploaded = _bring(connection, profile, release, on_phase, on_progress)
        on_phase(msg("golden images"))
        messages = check(connection, profile, release.id)
        on_phase(msg("switch"))
        with connection.undisturbed():
            before = run_release_manager(connection, profile, "activate", release.id, *filter(None, [token]))[
                "before"
            ]
            on_phase(msg("confirm"))
            _confirm(connection, profile, release)
    except BaseException:
        discard(connection, profile, release.id)
        raise
    return Deployed(
        release.id,
        before,
        messages[-1]["engine"],
        messages[-1]["load_ms"],
        [message for message in messages if message["type"] == "answer"],
        uploaded,
    )


def check(connection: BoardConnection, profile: Profile, release_id: str) -> list[dict[str, Any]]:
    """Have a release on the board verify its files and predict its golden images.

    Returns the runner's messages. Raises WrongAnswer, NoVendorLibrary, NoPython, RemoteFailed …
    """
    folder = f"{profile.root}/releases/{release_id}"
    return run_release(connection, profile, folder, "check", timeout=CHECK_SECONDS)


def activate(
    connection: BoardConnection, profile: Profile, release_id: str, on_phase: OnPhase = lambda phase: None
) -> dict[str, Any]:
    """Make a release that is already on the board current (a rollback), after checking its golden images.

    Returns ``{"before": id or None, "engine": …}``.
    """
    on_phase(msg("golden images"))
    done = check(connection, profile, release_id)[-1]
    on_phase(msg("switch"))
    return {
        "before": run_release_manager(connection, profile, "activate", release_id)["before"],
        "engine": done["engine"],
    }


def prune(connection: BoardConnection, profile: Profile, count: int = 3) -> list[str]:
    """Keep ``count`` releases: the current one and the newest others. Return the ids removed."""
    return run_release_manager(connection, profile, "prune", str(count))["removed"]


def _bring(
    connection: BoardConnection,
    profile: Profile,
    release: Release,
    on_phase: OnPhase,
    on_progress: OnProgress,
) -> bool:
    """Upload the complete release folder; return False if the board already has it."""
    on_phase(msg("check space"))
    connection.make_folder(f"{profile.root}/releases")
    run_release_manager(connection, profile, "sweep", release.id)
    if not _bad_files(connection, profile, release):
        return False
    _check_space(connection, profile, release)
    on_phase(msg("upload"))
    _upload(connection, profile, release, on_progress)
    on_phase(msg("verify"))
    bad = _bad_files(connection, profile, release, "part")
    if bad:
        raise RemoteFailed(
            msg(
                "{bad} arrived damaged on the board at {address}: its SD card may be failing; "
                "try again, then replace the card.",
                bad=", ".join(bad),
                address=connection.address,
            )
        )
    on_phase(msg("rename"))
    run_release_manager(connection, profile, "promote", release.id)
    return True


def _bad_files(
    connection: BoardConnection, profile: Profile, release: Release, *part: str
) -> list[str] | None:
    """The names of files that are missing or damaged on the board; all of them if the folder is missing."""
    found = run_release_manager(connection, profile, "verify", release.id, release.manifest_sha256, *part)
    return found["bad"] if found["there"] else sorted(release.files)


def _check_space(connection: BoardConnection, profile: Profile, release: Release) -> None:
    free = connection.free_bytes(f"{profile.root}/releases")
    wanted = release.total_bytes + profile.free_space_bytes
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


def _upload(connection: BoardConnection, profile: Profile, release: Release, on_progress: OnProgress) -> None:
    folder = f"{profile.root}/releases/{release.id}.part"
    for place in sorted({name.rpartition("/")[0] for name in release.files}):
        connection.make_folder(f"{folder}/{place}" if place else folder)
    sent, total = 0, release.total_bytes
    for name, content in release.files.items():
        if isinstance(content, bytes):
            connection.put_bytes(content, f"{folder}/{name}", verify=False)
            sent += len(content)
        else:
            start = sent
            connection.put_file(
                content,
                f"{folder}/{name}",
                verify=False,
                on_progress=lambda done, start=start: on_progress(start + done, total),
            )
            sent += content.stat().st_size
        on_progress(sent, total)


def _confirm(connection: BoardConnection, profile: Profile, release: Release) -> None:
    found = list_releases(connection, profile)
    if found["current"] != release.id:
        raise RemoteFailed(
            msg(
                "The board at {address} runs {current} and not {id} after the switch: look "
                "whether something else deploys to this board, then deploy again.",
                address=connection.address,
                current=found["current"],
                id=release.id,
            )
        )


def discard(connection: BoardConnection, profile: Profile, release_id: str) -> None:
    """Remove what a failed deployment made; a release that was ever current stays.

    Raises nothing, so that the original error is reported.
    """
    if connection.gone():
        return
    folder = f"{profile.root}/releases/{release_id}"
    with connection.undisturbed(TIDY_SECONDS), contextlib.suppress(BoardError):
        try:
            run_release_manager(connection, profile, "discard", release_id)
        except BoardError:
            # A board without Python can only hold a partial upload.
            connection.run(["rm", "-rf", f"{folder}.part"])


def _megabytes(count: int) -> str:
    return f"{count / 1048576:.1f} MB"
