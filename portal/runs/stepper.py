"""The five tiles of a run's page: Data → Train → ONNX → RKNN int8 → Board, built from its rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from portal.core.messages import shown
from portal.core.templatetags.slipway import chip_title, percent
from portal.devices.models import Device
from portal.jobs.models import ACTIVE, Job, Status
from portal.models.models import Evaluation
from portal.runs.graph import Graph
from portal.runs.models import Run, Step
from portal.runs.step_kinds import COMPILE, DEPLOY, IMPORT
from portal.tasks import Stage, Task

WAITING, SKIPPED = "waiting", "skipped"
ONNX_TOOLS = ("paddle2onnx", "onnxslim")
# The train program's phases once the model is trained.
ONNX_PHASES = ("make ONNX", "evaluate", "done")


@dataclass
class Line:
    """One chip or one device inside a tile."""

    name: str
    status: str
    job: Job | None = None
    figure: float | None = None  # of the task's metric, 0 to 1
    note: str = ""
    virtual: bool = False


@dataclass
class Tile:
    """One stage. ``figure`` is the task's metric, 0 to 1; ``count`` is a number of images instead."""

    key: str
    title: str
    icon: str
    status: str
    job: Job | None = None
    seconds: float | None = None
    figure: float | None = None
    count: int | None = None
    note: str = ""
    lines: list[Line] = field(default_factory=list)
    virtual: bool = False

    @property
    def ticking(self) -> bool:
        return bool(self.job and self.job.started_at and not self.job.finished_at)


@dataclass(frozen=True)
class Failure:
    """A failed step, with its message right below the stepper."""

    where: str
    job: Job


def _status(job: Job | None) -> str:
    return job.status if job else WAITING


def together(statuses: list[str]) -> str:
    """One status for several branches: what needs a person first, then what is active, then the rest."""
    for wanted in (
        Status.FAILED,
        Status.CANCELLING,
        Status.RUNNING,
        Status.QUEUED,
        Status.CANCELLED,
        WAITING,
        SKIPPED,
    ):
        if wanted in statuses:
            return str(wanted)
    return str(Status.SUCCEEDED)


def tiles(graph: Graph) -> list[Tile]:
    """The five tiles. In a finished run, steps that never started are skipped."""
    found = [_data(graph.run), _train(graph), _onnx(graph), _rknn(graph), _board(graph)]
    if graph.run.is_final:
        for part in [*found, *(line for tile in found for line in tile.lines)]:
            if part.status == WAITING:
                part.status = SKIPPED
    return found


def status_of(run: Run, tiles: list[Tile]) -> str:
    """The run's status; a queued run whose data is being checked counts as running."""
    busy = run.status == Status.QUEUED and any(tile.status == Status.RUNNING for tile in tiles)
    return str(Status.RUNNING if busy else run.status)


def _data(run: Run) -> Tile:
    version = run.dataset_version
    job = version.job
    status = version.status if job else WAITING
    tile = Tile("data", _("Data"), "images", status, job, job.seconds if job else None)
    if version.in_review:
        tile.note = _("Confirm how it was read: the run goes on then.")
    if version.is_ready:
        tile.count = version.images
        places = {"train": version.train_images, "val": version.val_images, "test": version.test_images}
        words = _("%(train)s training, %(val)s validation")
        if version.test_images:
            words = _("%(train)s training, %(val)s validation, %(test)s test")
        tile.note = words % places
    return tile


def _metric_on(task: Task, evaluation: Evaluation) -> str:
    places = {"metric": task.metric_title, "images": shown(evaluation.measured_on)}
    return _with_second(task, evaluation, _("%(metric)s on %(images)s") % places)


def _with_second(task: Task, evaluation: Evaluation, note: str) -> str:
    """A note, with the secondary figure of the task's metric."""
    second = task.second_metric
    value = evaluation.metrics.get(second.name) if second else None
    return note if value is None else f"{note} · {second.title} {percent(value)}"


def _train(graph: Graph) -> Tile:
    job, task = graph.training, graph.task
    title, icon = (_("Train"), "mortarboard")
    if graph.is_imported:
        title, icon = (_("Import"), "download")
    tile = Tile("train", title, icon, _status(job), job, job.seconds if job else None)
    measured = graph.evaluated.find(Stage.PADDLE)
    if measured is not None:
        tile.figure, tile.note = measured.value, _metric_on(task, measured)
    elif job and job.status == Status.RUNNING:
        best = job.metrics.filter(name=f"val/{task.metric}").order_by("-value").first()
        if best:
            tile.figure = best.value
            tile.note = _("best so far, epoch %(epoch)s") % {"epoch": best.step}
    return tile


def _onnx(graph: Graph) -> Tile:
    """The training's job makes the ONNX model at its end; the conversions measure it."""
    job = graph.training
    status = WAITING
    if job and job.status in (Status.SUCCEEDED, Status.CANCELLED):
        status = job.status
    elif job and job.status == Status.RUNNING and job.phase in ONNX_PHASES:
        status = str(Status.RUNNING)
    tile = Tile("onnx", "ONNX", "diagram-3", status)
    if job and status == Status.SUCCEEDED:
        tile.seconds = sum(job.tool_seconds.get(tool, 0.0) for tool in ONNX_TOOLS) or None
        tile.note = _("measured while converting")
    measured = graph.evaluated.find(Stage.ONNX)
    if measured is not None:
        tile.figure, tile.note = measured.value, _metric_on(graph.task, measured)
    return tile


def _rknn(graph: Graph) -> Tile:
    steps = graph.of_kind(COMPILE)
    lines = [_chip_line(graph, step) for step in steps]
    quantized = all(compiled.is_quantized for compiled in graph.compiled)
    title = "RKNN int8" if quantized else "RKNN"
    tile = Tile("rknn", title, "cpu", together([line.status for line in lines]))
    if len(lines) == 1:
        _take_over(tile, lines[0])
        tile.note = f"{tile.note} · {lines[0].name}" if tile.note else lines[0].name
    else:
        _put_lines(tile, lines)
    return tile


def _chip_line(graph: Graph, step: Step) -> Line:
    line = Line(chip_title(step.inputs["chip"]), _status(step.job), step.job)
    compiled = graph.compiled_by(step)
    measured = graph.evaluated.find(Stage.SIMULATOR, compiled.pk) if compiled else None
    if measured is not None:
        line.figure = measured.value
        places = {"drop": _points(measured.drop), "images": shown(measured.measured_on)}
        line.note = _with_second(graph.task, measured, _("%(drop)s on %(images)s") % places)
    return line


def _points(drop: float | None) -> str:
    """The loss of int8 against ONNX, in words."""
    if drop is None:
        return _("not compared")
    if abs(drop) < 0.00005:
        return _("no drop")
    words = _("drop %(points)s points") if drop > 0 else _("%(points)s points better")
    return words % {"points": f"{abs(100 * drop):.2f}"}


def _board(graph: Graph) -> Tile:
    lines = [_device_line(graph, row.device, row.job) for row in graph.deployments]
    begun = {row.device_id for row in graph.deployments}
    waiting = [step for step in graph.of_kind(DEPLOY) if step.device_id not in begun]
    lines += [_waiting_line(step) for step in waiting]
    if not lines:
        return Tile("board", _("Board"), "motherboard", SKIPPED, note=_("no device selected"))
    tile = Tile("board", _("Board"), "motherboard", together([line.status for line in lines]))
    if len(lines) == 1:
        _take_over(tile, lines[0])
        tile.virtual = lines[0].virtual
        tile.note = f"{tile.note} · {lines[0].name}" if tile.note else lines[0].name
    else:
        _put_lines(tile, lines)
    return tile


def _device_line(graph: Graph, device: Device, job: Job | None) -> Line:
    line = Line(device.name, _status(job), job, virtual=device.is_virtual)
    measured = graph.evaluated.find(Stage.BOARD, job_id=job.pk) if job else None
    if measured is not None:
        line.figure, line.note = measured.value, _board_note(graph.task, measured)
    return line


def _board_note(task: Task, measured: Evaluation) -> str:
    """The number of images, and the int8 score on the same ones: its own tile may count others."""
    before = measured.parity.get("before")
    if before is None:
        return _metric_on(task, measured)
    places = {"metric": task.metric_title, "images": shown(measured.measured_on), "share": percent(before)}
    return _with_second(task, measured, _("%(metric)s on %(images)s; int8 on the same: %(share)s") % places)


def _waiting_line(step: Step) -> Line:
    """A planned deployment that has not started, or was withheld because the device runs a better model."""
    if step.withheld:
        return Line(step.device.name, SKIPPED, note=_("keeps its model"), virtual=step.device.is_virtual)
    return Line(step.device.name, WAITING, virtual=step.device.is_virtual)


def _take_over(tile: Tile, line: Line) -> None:
    tile.job, tile.figure, tile.note = line.job, line.figure, line.note
    tile.seconds = line.job.seconds if line.job else None


def _put_lines(tile: Tile, lines: list[Line]) -> None:
    tile.lines = lines
    tile.job = next((line.job for line in lines if line.job and line.job.status in ACTIVE), None)
    tile.seconds = sum((line.job.seconds or 0) for line in lines if line.job) or None


def failures(graph: Graph) -> list[Failure]:
    """Every failed step, in order."""
    named = [(_("Data check"), graph.run.dataset_version.job)]
    named += [(step_title(step), step.job) for step in graph.steps]
    return [Failure(where, job) for where, job in named if job and job.status == Status.FAILED]


def step_title(step: Step) -> str:
    """The title of a step, from its kind and its target."""
    if step.kind == COMPILE:
        return _("Conversion for %(chip)s") % {"chip": chip_title(step.inputs["chip"])}
    if step.kind == DEPLOY:
        return _("Deployment to %(device)s") % {"device": step.device.name}
    return _("Import") if step.kind == IMPORT else _("Training")
