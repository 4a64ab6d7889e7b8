"""The lock on a board: one deployment at a time changes its release folder, whoever deploys.

The lock is on the board itself: two teams, or two portals, may share a board and nothing else, and only who
can sign in there can take it. It expires ``LEASE`` seconds after its last renewal.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from django.utils.crypto import salted_hmac

from portal.deployment.steps import TIDY_SECONDS, run_release_manager
from portal.devices import running
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError, RemoteFailed
from portal.devices.models import Device
from portal.devices.remote_runner import Profile
from portal.devices.services import connect
from portal.jobs.context import JobContext
from portal.jobs.models import Job
from workers.contract.messages import msg

LEASE = 600  # seconds: longer than the longest step without a renewal, the golden image check
RENEW_SECONDS = 60.0
WAIT_SECONDS = 180.0
AGAIN_SECONDS = 3.0


@contextlib.contextmanager
def locked_board(
    device: Device, job: Job, context: JobContext
) -> Iterator[tuple[BoardConnection, BoardLock]]:
    """A connection to a board that no other deployment changes meanwhile.

    Its current release is recorded first, so that what a killed attempt left is understood before it is
    changed.
    """
    context.phase(msg("connecting to {host}:{port}", host=device.host, port=device.port))
    profile = device.board_profile
    with connect(device, context) as connection:
        running.record(device, running.ask(connection, profile))
        with BoardLock(connection, profile, job, context.phase) as lock:
            yield connection, lock


class BoardBusy(RemoteFailed):
    """Another deployment is using the board, and did not end while this one waited."""

    code = "board-busy"


def owner_of(device: Device) -> str:
    """The owner of a lock: a team's jobs for one address, of which only one is ever live. It reveals
    nothing else.
    """
    words = f"{device.team_id} {device.host.lower()} {device.port}"
    return salted_hmac("board lock", words, algorithm="sha256").hexdigest()[:16]


class BoardLock:
    """A context manager around everything that changes releases; call ``renew`` regularly inside.

    ``token`` identifies this execution: one that was assumed lost and replaced can no longer switch.
    """

    def __init__(
        self, connection: BoardConnection, profile: Profile, job: Job, on_wait: Callable[[str], None]
    ):
        self._connection, self._profile = connection, profile
        self._owner = owner_of(job.deployment.device)
        self.token = salted_hmac("board lock", job.worker, algorithm="sha256").hexdigest()[:16]
        self._on_wait = on_wait
        self._renewed_at = 0.0

    def __enter__(self) -> BoardLock:
        deadline = time.monotonic() + WAIT_SECONDS
        while (left := self._ask()) is not None:
            if time.monotonic() > deadline:
                raise BoardBusy(
                    msg(
                        "Another deployment is at work on the board at {address}: wait for its end, then "
                        "try again.",
                        address=self._connection.address,
                    )
                )
            self._on_wait(msg("waiting for another deployment on this board, {left} s at most", left=left))
            time.sleep(AGAIN_SECONDS)
        return self

    def __exit__(self, *_exc: object) -> None:
        if not self._connection.gone():
            with self._connection.undisturbed(TIDY_SECONDS), contextlib.suppress(BoardError):
                run_release_manager(self._connection, self._profile, "unlock", self.token)

    def renew(self) -> None:
        """Cheap to call often. Raises BoardBusy if the lock has passed to another deployment."""
        if time.monotonic() - self._renewed_at < RENEW_SECONDS:
            return
        if self._ask() is not None:
            raise BoardBusy(
                msg(
                    "Another deployment has taken over the board at {address}: look what runs on it, "
                    "then deploy again.",
                    address=self._connection.address,
                )
            )

    def _ask(self) -> int | None:
        """None once the lock is ours, else the maximum seconds that another holds it."""
        found = run_release_manager(
            self._connection, self._profile, "lock", self._owner, self.token, str(LEASE)
        )
        if not found["locked"]:
            return int(found.get("left", 0))
        self._renewed_at = time.monotonic()
        return None
