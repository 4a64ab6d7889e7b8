"""Asks the release before the current one about live images, once the view has ended.

While somebody watches, the board runs one model. A sample of the frames is kept in memory instead; at the
end, both releases predict the same files, so that a difference is the models' and not the image's.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial

from portal import tasks
from portal.devices import running, seen
from portal.devices.answers import predict
from portal.devices.camera_stream import Frame
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError
from portal.devices.models import Device
from portal.devices.remote_runner import Profile
from portal.jobs.context import JobContext
from workers.contract.messages import msg_n
from workers.contract.tasks import FIRST_TASK

EVERY_SECONDS = 5.0
MOST = 20  # frames of one view, each as likely as the others
MOST_BYTES = 32 * 1024 * 1024


class Sample:
    """Frames of one view, evenly over its time; none if nobody wants to know what changed."""

    def __init__(self, device: Device, chance: random.Random | None = None):
        self._wanted = seen.wants_before(device)
        self._chance = chance or random.Random()  # noqa: S311 - a sample is no secret
        self._offered, self._last = 0, 0.0
        self._frames: list[Frame] = []

    def offer(self, frame: Frame) -> None:
        now = time.monotonic()
        if not self._wanted or "task" not in frame.fields or now - self._last < EVERY_SECONDS:
            return
        self._last, self._offered = now, self._offered + 1
        if len(self._frames) < MOST:
            self._frames.append(frame)
        elif (place := self._chance.randrange(self._offered)) < MOST:
            self._frames[place] = frame

    @property
    def files(self) -> list[tuple[str, bytes]]:
        found, total = [], 0
        for frame in sorted(self._frames, key=lambda frame: frame.fields["number"]):
            total += len(frame.jpeg)
            if total > MOST_BYTES:
                break
            found.append((f"live-{frame.fields['number']:06d}.jpg", frame.jpeg))
        return found


def ask(
    sample: Sample,
    device: Device,
    connection: BoardConnection,
    profile: Profile,
    release: str,
    context: JobContext,
    needed: Callable[[], bool],
) -> int:
    """Offer the frames that the two releases predict differently; how many were compared.

    Nothing is compared while ``needed`` says that somebody else needs the board. A failure of the earlier
    release is logged and does not fail the view.
    """
    files = sample.files
    if not files or not release or needed():
        return 0
    try:
        earlier = running.read_before(connection, profile, release)
        if earlier is None:
            return 0
        context.phase(
            msg_n(
                "comparing {count} image with the previous release",
                "comparing {count} images with the previous release",
                len(files),
            )
        )
        after = _predictions(connection, profile, files, release)
        if needed():
            return 0
        before = _predictions(connection, profile, files, earlier)
    except BoardError as error:
        context.log(str(error))
        return 0
    return _offer(device, release, files, before, after)


def _predictions(
    connection: BoardConnection, profile: Profile, files: list[tuple[str, bytes]], release: str
) -> dict[str, dict]:
    found = predict(connection, profile, files, release=release)
    return {one["image"]: one for one in found.answers if "error" not in one}


def _offer(device: Device, release: str, files: list[tuple[str, bytes]], before: dict, after: dict) -> int:
    images: dict[str, list[seen.Seen]] = {}
    for name, content in files:
        if name not in before or name not in after:
            continue
        task = after[name].get("task", FIRST_TASK)
        kept, earlier = tasks.get(task).kept(after[name]), tasks.get(task).kept(before[name])
        images.setdefault(task, []).append(
            seen.Seen(name, kept, partial(bytes, content), earlier, is_comparison=True)
        )
    for task, found in images.items():
        seen.offer(device, task, release, found, source=seen.LIVE)
    return sum(map(len, images.values()))
