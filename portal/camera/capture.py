"""The job in which a device takes a number of images and stores them in a draft."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.camera import black, services
from portal.camera.models import Capture, CaptureDraft, Origin
from portal.camera.refused import CaptureRefused
from portal.devices import running
from portal.devices.camera_stream import SIZE, CameraStream
from portal.devices.connection import BoardConnection
from portal.devices.errors import ConnectionLost, RemoteTimeout
from portal.devices.models import Device
from portal.devices.services import connect
from portal.jobs import services as jobs
from portal.jobs.context import JobContext
from portal.jobs.models import Job, NothingLeft
from portal.teams import audit
from workers.contract.messages import msg, msg_n

KIND = "capture"
MOST_IMAGES = 1000  # of one capture
LONGEST_EVERY_MS = 60_000
LARGEST = (2304, 1296)
USUAL_BYTES = 200 * 1024  # of an image, to see whether the team has room for all
CUTS = 3  # of the link, without an image in between


@dataclass(frozen=True)
class Order:
    """What a device shall take: ``count`` images, one every ``every_ms``; 0 for as fast as it can."""

    count: int = 1
    every_ms: int = 500
    class_name: str = ""
    size: tuple[int, int] = field(default=SIZE)

    def check(self) -> None:
        """Raises CaptureRefused."""
        if not 1 <= self.count <= MOST_IMAGES:
            raise CaptureRefused(_("Take 1 to %(most)d images.") % {"most": MOST_IMAGES}, "count")
        if not 0 <= self.every_ms <= LONGEST_EVERY_MS:
            raise CaptureRefused(
                _("The time between images is 0 to %(most)d ms.") % {"most": LONGEST_EVERY_MS}, "every_ms"
            )
        if any(side % 8 or not 8 <= side <= most for side, most in zip(self.size, LARGEST, strict=True)):
            raise CaptureRefused(
                _("Width and height are multiples of 8, at most %(width)d×%(height)d.")
                % {"width": LARGEST[0], "height": LARGEST[1]},
                "width",
            )


@transaction.atomic
def start(draft: CaptureDraft, user, device: Device, order: Order) -> Capture:
    """Queue a capture. Raises CaptureRefused, QuotaReached."""
    order.check()
    if not Device.objects.select_for_update().filter(pk=device.pk).exists():
        raise CaptureRefused(_("This device was deleted: choose another one."), "device")
    jobs.refuse_if_full(draft.team)
    services.lock_open(draft)
    services.refuse_without_room(draft, order.count * USUAL_BYTES, order.count)
    capture = Capture.objects.create(
        draft=draft,
        device=device,
        job=jobs.submit(KIND, draft.team, user, **device.lane),
        class_name=services.clean_class(draft, order.class_name),
        count=order.count,
        every_ms=order.every_ms,
        width=order.size[0],
        height=order.size[1],
    )
    audit.record(
        "device.capture",
        device,
        actor=user,
        detail=msg_n("{count} image for {dataset}", "{count} images for {dataset}", order.count,
                     dataset=draft.dataset_name),
    )  # fmt: skip
    return capture


def perform(job: Job, context: JobContext) -> dict:
    """Take the images that are missing, over as many connections as it needs.

    An image is taken when it is stored: after a cut of the link the next number is the first one missing.
    """
    taking = _Taking(job.capture, context)
    cuts = 0
    while taking.missing:
        before = taking.missing
        context.phase(msg("connecting to {host}:{port}", host=taking.device.host, port=taking.device.port))
        try:
            with connect(taking.device, context) as connection:
                taking.take(connection)
        except (ConnectionLost, RemoteTimeout) as error:
            cuts = 0 if taking.missing < before else cuts + 1
            if cuts >= CUTS:
                raise
            context.log(str(error))
    return {"images": taking.capture.count, "draft": taking.capture.draft_id}


class _Taking:
    """What a capture has stored so far."""

    def __init__(self, capture: Capture, context: JobContext):
        self.capture, self.device, self._context = capture, capture.device, context
        stored = capture.draft.images.filter(key__startswith=f"capture-{capture.pk}-")
        known = set(stored.values_list("key", flat=True))
        self._missing = [n for n in range(capture.count) if self._key(n) not in known]

    @property
    def missing(self) -> int:
        return len(self._missing)

    def _key(self, number: int) -> str:
        return f"capture-{self.capture.pk}-{number:05d}"

    def take(self, connection: BoardConnection) -> None:
        """Capture images until none is missing."""
        profile = self.device.board_profile
        release = running.read_current(connection, profile)
        running.record(self.device, release)
        size, interval = (self.capture.width, self.capture.height), self.capture.every_ms / 1000
        with CameraStream(connection, profile, size, ahead=0 if interval else 2) as stream:
            self._context.phase(msg("capturing images"))
            frame, due = black.first_frame(stream), time.monotonic()
            while True:
                self._store(frame.jpeg, release or "")
                if not self._missing:
                    return
                due = max(due + interval, time.monotonic())
                stream.rest(due - time.monotonic())
                frame = stream.next()

    def _store(self, jpeg: bytes, release: str) -> None:
        services.store(
            self.capture.draft,
            self._key(self._missing[0]),
            jpeg,
            class_name=self.capture.class_name,
            origin=Origin.DEVICE,
            device=self.device,
            release=release,
            taken_at=timezone.now(),
        )
        self._missing.pop(0)
        self._context.progress(self.capture.count - self.missing, self.capture.count)


def replace(old: Job, new: Job) -> None:
    """A retry takes the images that are missing."""
    if not Capture.objects.filter(job=old).update(job=new):
        raise NothingLeft(old)
