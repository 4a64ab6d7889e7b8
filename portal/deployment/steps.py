"""Puts a release on a board and makes it current, step by step. No Django here.

Power may fail at any step: the earlier release stays current until a single rename, and the new one is
complete before that. After the rename the new release is on trial: if it fails, the earlier one is made
current again. Leftovers of a failed deployment are removed at once if the board is still reachable, otherwise
by the next deployment; an interrupted upload is resumed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.deployment.release import Release, size_of
from portal.devices.answers import malformation
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError, DiskFull, RemoteFailed
from portal.devices.remote_runner import (
    Profile,
    malformed,
    run_in_turn,
    run_release,
    run_release_manager,
)
from workers.contract.messages import join, msg

CHECK_SECONDS = 300.0
TIDY_SECONDS = 20.0
MANIFEST_BYTES = 16 * 1024 * 1024
OnPhase = Callable[[str], None]
OnProgress = Callable[[int, int], None]
PHASES = (
    msg("check the board"),
    msg("check space"),
    msg("upload"),
    msg("verify"),
    msg("golden images"),
    msg("switch"),
    msg("golden images after the switch"),
    msg("confirm"),
)


class RolledBack(BoardError):
    """The release failed its trial, and ``before`` is current again."""

    code = "put-back"

    def __init__(self, error: BoardError, before: str | None):
        again = (
            msg("The earlier release {release} is current again.", release=before)
            if before
            else msg("The board has no current release again.")
        )
        super().__init__(join([str(error), again]))
        self.before = before


class Trial:
    """The hooks of a release's trial; this base class does nothing."""

    golden_images: Sequence[str] | None = None  # the names of its golden images, if the release is known
    keep: int | None = None  # how many releases stay on the board once it is confirmed; None for all
    # Checks the board before anything is sent; raises a BoardError if it is not fit.
    examine: Callable[[BoardConnection, Profile], Any] = staticmethod(lambda connection, profile: None)

    def switched(self, before: str | None) -> None:
        """The release is current, instead of ``before``."""

    def prove(self) -> None:
        """The trial itself; any exception ends it."""

    def confirmed(self, found: dict[str, Any]) -> None:
        """The trial is over, and the lock of its token is released.

        ``found`` has ``current`` (an id or None) and ``releases`` (``id``, ``activated``, ``bytes``,
        ``classes``, ``provenance``), newest activation first; ``activated`` is in seconds by the board's
        clock, or None. With ``keep`` it also has the ids in ``removed``; ``untidy`` says why one was not.
        """

    def rolled_back(self, before: str | None) -> None:
        """``before`` is current again."""


@dataclass(frozen=True)
class Upload:
    """``sent`` is False if the board already had the whole release; ``resumed`` counts the bytes of an
    earlier upload.
    """

    sent: bool
    resumed: int = 0


@dataclass(frozen=True)
class Deployed:
    """The result of a deployment. ``engine`` is the board's own name for what predicted the golden images."""

    release: str
    before: str | None
    engine: str
    load_ms: float
    golden: list[dict[str, Any]]
    upload: Upload


def deploy(
    connection: BoardConnection,
    profile: Profile,
    release: Release,
    on_phase: OnPhase = lambda phase: None,
    on_progress: OnProgress = lambda done, total: None,
    token: str = "",
    trial: Trial | None = None,
) -> Deployed:
    """Upload, verify, test, switch and try out. ``on_phase`` gets each of PHASES, ``on_progress`` bytes sent.

    With a ``token``, the board switches only while that token holds the board's lock.

    Raises a BoardError, or whatever ``on_phase``, ``on_progress``, ``trial`` or the connection's ``on_wait``
    raises. The previous release is then current, unless the connection was lost after the switch. A cancel
    during the switch takes effect after it.
    """
    trial = trial or Trial()
    with _undone(connection, profile, release.id, release.upload, token, trial):
        on_phase(msg("check the board"))
        trial.examine(connection, profile)
        upload = _bring(connection, profile, release, on_phase, on_progress)
        on_phase(msg("golden images"))
        trial.golden_images = [one["image"] for one in release.manifest["golden"]]
        messages = check(connection, profile, f"releases/{release.id}", trial.golden_images)
        before = _trial_run(connection, profile, release.id, on_phase, token, trial)
    return Deployed(
        release.id,
        before,
        messages[-1]["engine"],
        messages[-1]["load_ms"],
        [message for message in messages if message["type"] == "answer"],
        upload,
    )


def activate(
    connection: BoardConnection,
    profile: Profile,
    release_id: str,
    on_phase: OnPhase = lambda phase: None,
    token: str = "",
    trial: Trial | None = None,
    manifest_sha256: str = "",
) -> dict[str, Any]:
    """Make a release that is already on the board current (a rollback), with a trial like a new one's.

    With ``manifest_sha256``, only with that manifest, and with predictions of the golden images it names.

    Returns ``{"before": id or None, "engine": …}``. Raises as ``deploy``.
    """
    trial = trial or Trial()
    with _undone(connection, profile, release_id, release_id, token, trial):
        on_phase(msg("golden images"))
        if manifest_sha256:
            trial.golden_images = _golden_on_board(connection, profile, release_id, manifest_sha256)
        done = check(connection, profile, f"releases/{release_id}", trial.golden_images)[-1]
        before = _trial_run(connection, profile, release_id, on_phase, token, trial)
    return {"before": before, "engine": done["engine"]}


def _golden_on_board(
    connection: BoardConnection, profile: Profile, release_id: str, manifest_sha256: str
) -> list[str]:
    """The names of a release's golden images, from its manifest on the board."""
    manifest = connection.get(f"{profile.root}/releases/{release_id}/manifest.json", MANIFEST_BYTES)
    if hashlib.sha256(manifest).hexdigest() != manifest_sha256:
        raise RemoteFailed(
            msg(
                "The manifest of {release} on the board at {address} is not the deployed one: deploy its "
                "model again.",
                release=release_id,
                address=connection.address,
            )
        )
    return [one["image"] for one in json.loads(manifest)["golden"]]


def _bring(
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


def check(
    connection: BoardConnection,
    profile: Profile,
    folder: str = "current",
    golden: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Have a release on the board, the current one by default, verify its files and predict its golden
    images, which must be ``golden``, if given.

    Returns the runner's messages. Raises WrongAnswer, NoVendorLibrary, NoPython, RemoteFailed …
    """
    messages = run_release(connection, profile, f"{profile.root}/{folder}", "check", timeout=CHECK_SECONDS)
    answers = [message for message in messages if message["type"] == "answer"]
    if golden is not None and (wrong := malformation(golden, answers, None)):
        raise malformed(connection, wrong)
    return messages


def _trial_run(
    connection, profile, release_id: str, on_phase: OnPhase, token: str, trial: Trial
) -> str | None:
    """Switch, run the trial, and confirm the release; return the previous one."""
    on_phase(msg("switch"))
    with connection.undisturbed():
        arguments = ("activate", release_id, *filter(None, [token]))
        before = run_release_manager(connection, profile, *arguments)["before"]
        trial.switched(before)
    on_phase(msg("golden images after the switch"))
    check(connection, profile, golden=trial.golden_images)
    trial.prove()
    with connection.undisturbed():
        on_phase(msg("confirm"))
        trial.confirmed(_confirm(connection, profile, release_id, token, trial.keep))
    return before


@contextlib.contextmanager
def _undone(
    connection: BoardConnection, profile: Profile, release_id: str, upload: str, token: str, trial: Trial
) -> Iterator[None]:
    """If the block fails, restore the previous release and remove leftovers.

    A board whose connection is lost is left to the next contact.
    """
    try:
        yield
    except BaseException as error:
        if connection.gone():
            raise
        found = restore(connection, profile, release_id, token)
        discard(connection, profile, release_id, upload)
        if not found["restored"]:
            raise
        trial.rolled_back(found["current"])
        if isinstance(error, BoardError):
            raise RolledBack(error, found["current"]) from error
        raise


def restore(
    connection: BoardConnection, profile: Profile, release_id: str, token: str = ""
) -> dict[str, Any]:
    """If the release is current and on trial, make the previous one current again.

    Returns ``{"restored": bool, "current": id or None}``; raises nothing, so that the original error is
    reported.
    """
    with connection.undisturbed(TIDY_SECONDS), contextlib.suppress(BoardError):
        arguments = ("restore", release_id, *filter(None, [token]))
        return run_release_manager(connection, profile, *arguments)
    return {"restored": False, "current": None}


def _confirm(
    connection: BoardConnection, profile: Profile, release_id: str, token: str, keep: int | None
) -> dict[str, Any]:
    """End the trial, remove old releases, release the lock; return what is on the board now."""
    tidy = [] if keep is None else [("prune", str(keep))]
    unlock = [("unlock", token)] if token else []
    found = run_in_turn(connection, profile, ("confirm", release_id), *tidy, ("status",), *unlock)
    if found["current"] != release_id:
        raise RemoteFailed(
            msg(
                "The board at {address} runs {current} and not {id} after the switch: look "
                "whether something else deploys to this board, then deploy again.",
                address=connection.address,
                current=found["current"],
                id=release_id,
            )
        )
    return found


def discard(connection: BoardConnection, profile: Profile, release_id: str, upload: str) -> None:
    """Remove what a failed deployment made; a release that was ever confirmed stays.

    Raises nothing, so that the original error is reported.
    """
    if connection.gone():
        return
    with connection.undisturbed(TIDY_SECONDS), contextlib.suppress(BoardError):
        try:
            run_release_manager(connection, profile, "discard", release_id, upload)
        except BoardError:
            # A board without Python can only hold a partial upload.
            connection.run(["rm", "-rf", f"{profile.root}/releases/{upload}.part"])
