"""One deployment at a time changes a board's release folder, whoever deploys.

Within a portal, a database constraint ensures it (``Deployment.holds``): devices that lead to one board, also
those of several teams, count as one. Between portals, it is a lock on the board itself, which expires
``LEASE`` seconds after its last renewal. Only someone who can sign in there can take either lock.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.utils.crypto import salted_hmac

from portal.deployment.models import Deployment
from portal.deployment.steps import TIDY_SECONDS
from portal.devices import health, running
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError, RemoteFailed
from portal.devices.hostkeys import HostKey
from portal.devices.models import Device
from portal.devices.remote_runner import Profile, run_in_turn, run_release_manager
from portal.devices.services import connect
from portal.jobs.context import JobContext
from portal.jobs.models import Job
from workers.contract.messages import msg

LEASE = 600  # seconds: longer than the longest step without a renewal, the golden image check
RENEW_SECONDS = 60.0
WAIT_SECONDS = 180.0
AGAIN_SECONDS = 3.0


@contextlib.contextmanager
def locked_board(deployment: Deployment, context: JobContext) -> Iterator[tuple[BoardConnection, BoardLock]]:
    """A connection to a board that no other deployment changes meanwhile.

    Its current release is recorded first, so that the leftovers of a killed attempt are identified before
    they change.
    """
    device = deployment.device
    context.phase(msg("connecting to {host}:{port}", host=device.host, port=device.port))
    profile = device.board_profile
    with connect(device, context) as connection:
        running.record(device, running.read_current(connection, profile))
        boot = health.boot_of(connection)
        with (
            held_board(deployment, identity(device, boot), connection.address, context.phase),
            BoardLock(connection, profile, deployment.job, context.phase) as lock,
        ):
            lock.boot = boot
            yield connection, lock


@contextlib.contextmanager
def held_board(
    deployment: Deployment, board: str, address: str, on_wait: Callable[[str], None]
) -> Iterator[None]:
    """Be the portal's only deployment that changes the board. Raises BoardBusy."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not Deployment.objects.hold(deployment, board):
        if time.monotonic() > deadline:
            raise busy(address)
        on_wait(msg("waiting for another deployment on this board"))
        time.sleep(AGAIN_SECONDS)
    try:
        yield
    finally:
        Deployment.objects.filter(pk=deployment.pk).update(holds="")


def identity(device: Device, boot: str) -> str:
    """The identity of a board, however it is reached: its host key, which boards of one image may share,
    and its current boot.
    """
    words = f"{HostKey.parse(device.host_key).fingerprint} {boot}"
    return hashlib.sha256(words.encode()).hexdigest()


def busy(address: str) -> BoardBusy:
    return BoardBusy(
        msg(
            "Another deployment is in progress on the board at {address}: wait for its end, then try again.",
            address=address,
        )
    )


class BoardBusy(RemoteFailed):
    """Another deployment is using the board, and did not end while this one waited."""

    code = "board-busy"


def owner_of(device: Device) -> str:
    """The owner of a lock: a team's jobs for one address, of which only one is ever live. It reveals
    nothing else.
    """
    words = f"{device.team_id} {device.host.lower()} {device.port}"
    words += f" {device.jump_id}" if device.jump_id else ""  # the same address elsewhere is another board
    words += f" at {device.site}" if device.site else ""
    return salted_hmac("board lock", words, algorithm="sha256").hexdigest()[:16]


class BoardLock:
    """A context manager around everything that changes releases; call ``renew`` regularly inside.

    ``token`` identifies this execution: one that was assumed lost and replaced can no longer switch. ``boot``
    is the board's start in which the lock was taken.
    """

    boot = ""
    released = False  # by a command that did so together with other things

    def __init__(
        self, connection: BoardConnection, profile: Profile, job: Job, on_wait: Callable[[str], None]
    ):
        self._connection, self._profile = connection, profile
        self._owner = owner_of(job.deployment.device)
        self.token = salted_hmac("board lock", job.worker, algorithm="sha256").hexdigest()[:16]
        self._on_wait = on_wait
        self._renewed_at = 0.0
        self.status: dict[str, Any] = {}  # the board's releases when the lock was taken

    def __enter__(self) -> BoardLock:
        deadline = time.monotonic() + WAIT_SECONDS
        while (left := self._request_lock(("status",))) is not None:
            if time.monotonic() > deadline:
                raise busy(self._connection.address)
            self._on_wait(msg("waiting for another deployment on this board, {left} s at most", left=left))
            time.sleep(AGAIN_SECONDS)
        return self

    def __exit__(self, *_exc: object) -> None:
        if not self.released and not self._connection.gone():
            with self._connection.undisturbed(TIDY_SECONDS), contextlib.suppress(BoardError):
                run_release_manager(self._connection, self._profile, "unlock", self.token)

    def renew(self) -> None:
        """Cheap to call often. Raises BoardBusy if the lock has passed to another deployment."""
        if time.monotonic() - self._renewed_at < RENEW_SECONDS:
            return
        if self._request_lock() is not None:
            raise BoardBusy(
                msg(
                    "Another deployment has taken over the board at {address}: look what runs on it, "
                    "then deploy again.",
                    address=self._connection.address,
                )
            )

    def _request_lock(self, *also: tuple[str, ...]) -> int | None:
        """None once the lock is ours, else the maximum number of seconds that another deployment holds it."""
        lock = ("lock", self._owner, self.token, str(LEASE))
        found = run_in_turn(self._connection, self._profile, lock, *also)
        if not found["locked"]:
            return int(found.get("left", 0))
        self.status = found if also else self.status
        self._renewed_at = time.monotonic()
        return None
