"""The job that sends a person's images to a device and stores the predictions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from portal import tasks
from portal.devices import inference_images, releases, running, seen
from portal.devices.answers import predict
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError
from portal.devices.models import Inference, InferenceImage
from portal.devices.remote_runner import Profile
from portal.devices.services import connect
from portal.jobs.context import JobContext
from portal.jobs.models import Job, NothingLeft, Status
from workers.contract.messages import msg, msg_n
from workers.contract.tasks import FIRST_TASK
from workers.datakit.errors import InputError

BATCH_BYTES = 64 * 1024 * 1024  # held in memory at a time


def perform(job: Job, context: JobContext) -> dict:
    inference = job.inference
    plain, profile = _plain_rows(inference, context), inference.device.board_profile
    rows = list(plain)
    context.phase(msg("connecting to {host}:{port}", host=inference.device.host, port=inference.device.port))
    answers, engine, done = [], "", 0
    with connect(inference.device, context) as connection:
        context.phase(
            msg_n("running inference on {count} image", "running inference on {count} images", len(rows))
        )
        # By name, so that a switch in between cannot attribute the predictions to another release.
        release = running.read_current(connection, profile)
        running.record(inference.device, release)
        before = _ReleaseBefore.of(inference, connection, profile, release, context)
        for batch in batches(rows):
            files = [(_file_name(row), _content(row)) for row in batch]

            def on_answer(count: int, _total: int, before: int = done) -> None:
                context.progress(before + count, len(rows))

            found = predict(connection, profile, files, release=release, on_answer=on_answer)
            answers += found.answers
            engine, done = found.done.get("engine", ""), done + len(batch)
            before.ask(files)
    grays = {_file_name(row): gray for row, gray in plain.items()}
    unlikeness = releases.unlikeness(inference.device, release, grays)
    return {
        "answers": answers,
        "engine": engine,
        "release": release,
        "unlikeness": unlikeness,
        "before": {"release": before.release or "", "answers": before.answers},
    }


class _ReleaseBefore:
    """The release that ran before the current one and is still on the board: asked for the same images, if
    somebody wants to know what changed. A failure of it does not fail the inference.
    """

    def __init__(
        self, connection: BoardConnection, profile: Profile, release: str | None, context: JobContext
    ):
        self.release = release
        self.answers: dict[str, dict] = {}
        self._connection, self._profile, self._context = connection, profile, context

    @classmethod
    def of(cls, inference, connection, profile, current: str | None, context) -> _ReleaseBefore:
        earlier = None
        if current and seen.wants_before(inference.device):
            with _only_logged(context):
                earlier = running.read_before(connection, profile, current)
        return cls(connection, profile, earlier, context)

    def ask(self, files: list[tuple[str, bytes]]) -> None:
        if self.release is None:
            return
        with _only_logged(self._context):
            found = predict(self._connection, self._profile, files, release=self.release)
            good = [one for one in found.answers if "error" not in one]
            self.answers |= {one["image"]: tasks.get(one.get("task", FIRST_TASK)).kept(one) for one in good}


@contextlib.contextmanager
def _only_logged(context: JobContext) -> Iterator[None]:
    try:
        yield
    except BoardError as error:
        context.log(str(error))


def _plain_rows(inference: Inference, context: JobContext) -> dict[InferenceImage, bytes]:
    """The images that can be decoded, in a format that boards read, with their gray values.

    Raises InputError if none can be decoded.
    """
    rows = list(inference.images.all())
    context.phase(msg("preparing the images"))
    plain = {}
    for number, row in enumerate(rows):
        gray = inference_images.make_plain(row)
        if gray is not None:
            plain[row] = gray
        context.progress(number + 1, len(rows))
    if not plain:
        raise InputError(
            msg("{name} cannot be sent: {error} Choose other images.", name=rows[0].name, error=rows[0].error)
        )
    return plain


def batches(rows: list[InferenceImage]) -> Iterator[list[InferenceImage]]:
    """The rows in order, in batches of at most ``BATCH_BYTES``; a larger image is a batch of its own."""
    batch: list[InferenceImage] = []
    for row in rows:
        if batch and sum(one.bytes for one in batch) + row.bytes > BATCH_BYTES:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _file_name(row: InferenceImage) -> str:
    return Path(row.file.name).name


def _content(row: InferenceImage) -> bytes:
    with row.file.open("rb") as stream:
        return stream.read()


def complete(job: Job, result: dict) -> None:
    inference = job.inference
    rows = {_file_name(row): row for row in inference.images.all()}
    for one in result["answers"]:
        row = rows[one["image"]]
        row.milliseconds, row.error = one.get("ms"), one.get("error", "")[:300]
        row.unlikeness = result.get("unlikeness", {}).get(one["image"])
        if not row.error:
            inference.task = one.get("task", FIRST_TASK)
            row.prediction = tasks.get(inference.task).kept(one)
    columns = ["prediction", "milliseconds", "error", "unlikeness"]
    InferenceImage.objects.bulk_update(rows.values(), columns, batch_size=100)
    inference.engine = result["engine"][:120]
    if "release" in result:
        inference.release = result["release"] or ""
    inference.save(update_fields=["engine", "release", "task"])


def after_end(job: Job) -> None:
    """Offer the images with a prediction to the apps above."""
    if job.status != Status.SUCCEEDED:
        return
    inference = Inference.objects.select_related("device__team").get(job=job)
    if not seen.wants(inference.device):
        return
    before = job.result.get("before", {}).get("answers", {})
    images = [
        seen.Seen(row.name, row.prediction, partial(_content, row), before.get(_file_name(row)))
        for row in inference.images.all()
        if row.prediction
    ]
    seen.offer(inference.device, inference.task, inference.release, images)


def replace(old: Job, new: Job) -> None:
    if not Inference.objects.filter(job=old).update(job=new):
        raise NothingLeft(old)
