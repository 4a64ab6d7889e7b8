"""The five tiles of a run's page: Data → Train → ONNX → RKNN int8 → Board, from the rows to figures."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from portal.core import configs, sentences
from portal.jobs.models import ACTIVE, Job, Status
from portal.runs.models import Run

WAITING, SKIPPED = "waiting", "skipped"
ONNX_TOOLS = ("paddle2onnx", "onnxslim")
# What the train program says it does once the model is trained.
ONNX_PHASES = ("make ONNX", "evaluate", "done")


@dataclass
class Line:
    """One chip or one device inside a tile."""

    name: str
    status: str
    job: Job | None = None
    figure: float | None = None  # top-1, 0..1
    note: str = ""
    virtual: bool = False


@dataclass
class Tile:
    """One hop. ``figure`` is a top-1 from 0 to 1; ``count`` a number of images instead of it."""

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
    """A step that failed: its sentence stands right under the stepper."""

    where: str
    job: Job


def _status(job: Job | None) -> str:
    return job.status if job else WAITING


def together(statuses: list[str]) -> str:
    """One word for several branches: what needs a person first, then what moves, then what is left."""
    for wanted in (
        Status.FAILED,
        Status.CANCELLING,
        Status.RUNNING,
        Status.QUEUED,
        Status.CANCELLED,
        WAITING,
    ):
        if wanted in statuses:
            return str(wanted)
    return str(Status.SUCCEEDED)


def tiles(run: Run, models: list, deployments: list) -> list[Tile]:
    """The tiles of a run; ``models`` and ``deployments`` are its rows with their jobs loaded."""
    return [
        _data(run),
        _train(run),
        _onnx(run, models),
        _rknn(models),
        _board(deployments),
    ]


def _data(run: Run) -> Tile:
    version = run.dataset_version
    job = version.job
    tile = Tile("data", _("Data"), "images", _status(job), job, job.seconds if job else None)
    if version.is_ready:
        tile.count = version.images
        tile.note = _("%(train)s train, %(val)s validate") % {
            "train": version.train_images,
            "val": version.val_images,
        }
    return tile


def _top1_on(figures: dict) -> str:
    return _("top-1 on %(images)s images") % {"images": figures.get("images", "?")}


def _train(run: Run) -> Tile:
    trained = run.trained_model
    job = trained.job
    tile = Tile(
        "train", _("Train"), "mortarboard", _status(job), job, job.seconds if job else None, trained.top1
    )
    if trained.top1 is not None:
        tile.note = _top1_on(trained.metrics)
    elif job and job.status == Status.RUNNING:
        best = job.metrics.filter(name="val/top1").order_by("-value").first()
        if best:
            tile.figure = best.value
            tile.note = _("best so far, epoch %(epoch)s") % {"epoch": best.step}
    return tile


def _onnx(run: Run, models: list) -> Tile:
    """The ONNX model is made at the end of the training's job, and measured by the conversions."""
    job = run.trained_model.job
    status = WAITING
    if job and job.status in (Status.SUCCEEDED, Status.CANCELLED):
        status = job.status
    elif job and job.status == Status.RUNNING and job.phase in ONNX_PHASES:
        status = str(Status.RUNNING)
    tile = Tile("onnx", "ONNX", "diagram-3", status)
    if job and status == Status.SUCCEEDED:
        tile.seconds = sum(job.tool_seconds.get(tool, 0.0) for tool in ONNX_TOOLS) or None
        tile.note = _("measured while converting")
    parity = next((model.parity for model in models if model.parity), None)
    if parity:
        tile.figure, tile.note = parity.get("onnx_top1"), _top1_on(parity)
    return tile


def _rknn(models: list) -> Tile:
    lines = [_chip_line(model) for model in models]
    quantized = all(model.facts.get("quantized", True) for model in models)
    tile = Tile(
        "rknn", "RKNN int8" if quantized else "RKNN", "cpu", together([line.status for line in lines])
    )
    if len(models) == 1:
        _take_over(tile, lines[0])
        tile.note = f"{tile.note} · {chip_title(models[0].chip)}" if tile.note else chip_title(models[0].chip)
    else:
        tile.lines = lines
        tile.job = next((line.job for line in lines if line.job and line.job.status in ACTIVE), None)
        tile.seconds = sum((line.job.seconds or 0) for line in lines if line.job) or None
    return tile


def chip_title(chip: str) -> str:
    return sentences.translate(configs.chips().get(chip, {}).get("title", chip))


def _chip_line(model) -> Line:
    parity = model.parity
    line = Line(chip_title(model.chip), _status(model.job), model.job, parity.get("int8_top1"))
    if parity:
        places = {"drop": _points(parity.get("drop")), "images": parity.get("images", "?")}
        line.note = _("%(drop)s on %(images)s images") % places
    return line


def _points(drop: float | None) -> str:
    """What int8 cost against ONNX, as a person says it."""
    if drop is None:
        return _("not compared")
    if abs(drop) < 0.00005:
        return _("no drop")
    words = _("drop %(points)s points") if drop > 0 else _("%(points)s points better")
    return words % {"points": f"{abs(100 * drop):.2f}"}


def _board(deployments: list) -> Tile:
    if not deployments:
        return Tile("board", _("Board"), "motherboard", SKIPPED, note=_("no device was chosen"))
    lines = [_device_line(row) for row in deployments]
    tile = Tile("board", _("Board"), "motherboard", together([line.status for line in lines]))
    if len(lines) == 1:
        _take_over(tile, lines[0])
        tile.virtual = lines[0].virtual
        tile.note = f"{tile.note} · {lines[0].name}" if tile.note else lines[0].name
    else:
        tile.lines = lines
        tile.job = next((line.job for line in lines if line.job and line.job.status in ACTIVE), None)
        tile.seconds = sum((line.job.seconds or 0) for line in lines if line.job) or None
    return tile


def _device_line(row) -> Line:
    line = Line(row.device.name, _status(row.job), row.job, row.measured.get("board_top1"))
    line.virtual = row.device.is_virtual
    if row.measured:
        line.note = _top1_on(row.measured)
    return line


def _take_over(tile: Tile, line: Line) -> None:
    tile.job, tile.figure, tile.note = line.job, line.figure, line.note
    tile.seconds = line.job.seconds if line.job else None


def failures(run: Run, models: list, deployments: list) -> list[Failure]:
    """Every step that failed, in the order of the path."""
    steps = [(_("Data check"), run.dataset_version.job), (_("Training"), run.trained_model.job)]
    steps += [
        (_("Conversion for %(chip)s") % {"chip": chip_title(model.chip)}, model.job) for model in models
    ]
    steps += [(_("Deployment to %(device)s") % {"device": row.device.name}, row.job) for row in deployments]
    return [Failure(where, job) for where, job in steps if job and job.status == Status.FAILED]
