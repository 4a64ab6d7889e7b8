"""Compares two to six runs: settings, results, classes and curves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from portal import tasks
from portal.core.templatetags.slipway import augmentation_title, chip_title, preset_title, recipe_title
from portal.datasets.change_texts import split_label
from portal.jobs import curves
from portal.models.models import Evaluation
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.tasks import Stage

LEAST, MOST = 2, 6
CURVE_POINTS = 400


class CannotCompare(Exception):
    """These runs cannot be compared; the text says why. ``unknown`` if one does not exist."""

    def __init__(self, sentence: str, unknown: bool = False):
        super().__init__(sentence)
        self.unknown = unknown


@dataclass
class Row:
    """One row of a table: a value per run, None if a run has none.

    ``unit``: text, number, size, share (0 to 1), points (a difference of shares), ms, bytes, seconds.
    """

    name: str
    title: str
    values: list[Any]
    unit: str = "text"

    @property
    def differs(self) -> bool:
        return any(value != self.values[0] for value in self.values)

    @property
    def displayed(self) -> list[Any]:
        """The values as a page shows them: by title, if they have one."""
        title = _TITLES.get(self.name)
        return [title(value) if title and value else value for value in self.values]


_TITLES = {
    "preset": preset_title,
    "recipe": recipe_title,
    "augmentation": augmentation_title,
    "chips": lambda names: ", ".join(map(chip_title, names.split(", "))),
}


def choose(team, texts: list[str]) -> list[Run]:
    """The team's runs with these numbers, in this order; ``["1,2", "3"]`` means three. Raises
    CannotCompare.
    """
    words = [word.strip() for text in texts for word in text.split(",") if word.strip()]
    ids = list(dict.fromkeys(_number(word) for word in words))
    if not LEAST <= len(ids) <= MOST:
        raise CannotCompare(
            _("Choose two to six runs to compare (chosen: %(chosen)d).") % {"chosen": len(ids)}
        )
    rows = Run.objects.for_team(team).select_related(
        "dataset_version__dataset", "dataset_version__job", "created_by"
    )
    rows = rows.prefetch_related("tags")
    found = rows.in_bulk(ids)
    missing = [str(pk) for pk in ids if pk not in found]
    if missing:
        raise CannotCompare(
            _("Your team has no run %(numbers)s: choose from the list of runs.")
            % {"numbers": ", ".join(missing)},
            unknown=True,
        )
    return [found[pk] for pk in ids]


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 19):
        raise CannotCompare(
            _("“%(word)s” is no number of a run: give numbers with commas between them, as in 12,15.")
            % {"word": word[:40]}
        )
    return int(word)


class Comparison:
    """The runs and their tables. Read-only."""

    def __init__(self, runs: list[Run]):
        self.runs = runs
        self.graphs = [Graph(run) for run in runs]
        self.trained = [graph.evaluated.uncompiled for graph in self.graphs]
        self.metrics = [one.metrics if one else {} for one in self.trained]

    @cached_property
    def metric(self) -> tuple[str, str]:
        """Name and title of the runs' quality metric."""
        return tasks.metric_of(run.task for run in self.runs)

    @property
    def curves(self) -> list[tuple[str, str, bool]]:
        return curves_of(self.runs)

    # --- settings ---------------------------------------------------------------------------------

    @cached_property
    def parameters(self) -> list[Row]:
        versions = [run.dataset_version for run in self.runs]
        rows = [
            Row("dataset_version", _("Dataset"), [str(version) for version in versions]),
            Row("dataset_sha256", _("Content hash"), [version.content_hash for version in versions], "hash"),
            Row("preset", _("Preset"), [run.preset or None for run in self.runs]),
            Row("recipe", _("Recipe"), [run.recipe for run in self.runs]),
            Row("method", _("Method"), [graph.method_title for graph in self.graphs]),
        ]
        rows += [
            Row(name, title, [run.params.get(name) for run in self.runs], unit)
            for name, title, unit in _parameters()
        ]
        rows.append(Row("chips", _("Chips"), [", ".join(graph.chips) for graph in self.graphs]))
        rows.append(
            Row("devices", _("Devices"), [", ".join(map(str, graph.devices)) for graph in self.graphs])
        )
        return rows + self._tools()

    def _tools(self) -> list[Row]:
        used = [dict(graph.facts.get("versions", {})) for graph in self.graphs]
        for graph, tools in zip(self.graphs, used, strict=True):
            for compiled in graph.compiled:
                tools |= compiled.facts.get("versions", {})
        names = sorted({name for tools in used for name in tools})
        return [Row(f"tool.{name}", name, [tools.get(name) for tools in used]) for name in names]

    @property
    def differing(self) -> list[Row]:
        return [row for row in self.parameters if row.differs]

    @property
    def equal(self) -> list[Row]:
        return [row for row in self.parameters if not row.differs]

    # --- results ----------------------------------------------------------------------------------

    @cached_property
    def results(self) -> list[Row]:
        """Of the training, then of each chip, then of each device."""
        jobs, (metric, words) = [graph.training for graph in self.graphs], self.metric
        rows = [
            Row(f"paddle_{metric}", _at(words, "Paddle"), _each(self.trained, "value"), "share"),
            Row("images", _("Measured images"), [one.get("images") for one in self.metrics], "number"),
            Row("split", _("Measured on"), [split_label(one.split) if one else None for one in self.trained]),
            Row(
                "best_epoch", _("Best epoch"), [one.facts.get("best_epoch") for one in self.graphs], "number"
            ),
            Row(
                "train_seconds", _("Training took"), [job.seconds if job else None for job in jobs], "seconds"
            ),
            Row("total_seconds", _("Whole run took"), [_took(run) for run in self.runs], "seconds"),
        ]
        for chip in sorted({compiled.chip for graph in self.graphs for compiled in graph.compiled}):
            rows += self._of_chip(chip)
        devices = {row.device for graph in self.graphs for row in graph.deployments}
        for device in sorted(devices, key=lambda one: one.name):
            rows += self._of_device(device)
        return rows

    def _of_chip(self, chip: str) -> list[Row]:
        own = [next((one for one in graph.compiled if one.chip == chip), None) for graph in self.graphs]
        title, (metric, words) = chip_title(chip), self.metric
        onnx, int8 = (
            [
                graph.evaluated.find(stage, one.pk) if one else None
                for graph, one in zip(self.graphs, own, strict=True)
            ]
            for stage in (Stage.ONNX, Stage.SIMULATOR)
        )
        sizes = [one.facts.get("rknn_bytes") if one else None for one in own]
        return [
            Row(f"onnx_{metric}.{chip}", _on(_at(words, "ONNX"), title), _each(onnx, "value"), "share"),
            Row(f"int8_{metric}.{chip}", _on(_at(words, "int8"), title), _each(int8, "value"), "share"),
            Row(f"drop.{chip}", _on(_("Drop to int8"), title), _each(int8, "drop"), "points"),
            Row(f"rknn_bytes.{chip}", _on(_("Size of .rknn"), title), sizes, "bytes"),
        ]

    def _of_device(self, device) -> list[Row]:
        measured = [_measured_on(graph, device) for graph in self.graphs]
        times = [one.metrics.get("ms_median") if one else None for one in measured]
        virtual = _("virtual")
        title = f"{device.name} ({virtual})" if device.is_virtual else device.name
        metric, words = self.metric
        value = _on(_("%(metric)s on the board") % {"metric": words}, title)
        time = _on(_("Time per image"), title)
        return [
            Row(f"board_{metric}.device{device.pk}", value, _each(measured, "value"), "share"),
            Row(f"ms_median.device{device.pk}", time, times, "ms"),
        ]

    # --- class by class -----------------------------------------------------------------------

    @cached_property
    def classes(self) -> list[Row]:
        """For each class that all runs have, its metric: [Paddle, int8 of the first chip]."""
        trained = [_by_class(graph, one) for graph, one in zip(self.graphs, self.trained, strict=True)]
        quantized = [_by_class(graph, _first_int8(graph)) for graph in self.graphs]
        known = [one for one in trained if one]
        shared = [name for name in known[0] if all(name in one for one in known)] if known else []
        return [
            Row(
                name,
                name,
                [[own.get(name), int8.get(name)] for own, int8 in zip(trained, quantized, strict=True)],
                "share",
            )
            for name in shared
        ]

    # --- notices ----------------------------------------------------------------------------------

    @property
    def notices(self) -> list[str]:
        versions = [run.dataset_version for run in self.runs]
        found = []
        if len({version.content_hash or version.pk for version in versions}) > 1:
            found.append(
                _(
                    "These runs were trained and measured on different data (%(versions)s): "
                    "their accuracies are not of the same images."
                )
                % {"versions": ", ".join(dict.fromkeys(map(str, versions)))}
            )
        lists = [version.class_names for version in versions]
        if any(set(names) != set(lists[0]) for names in lists):
            everywhere = set(lists[0]).intersection(*lists)
            some = list(dict.fromkeys(name for names in lists for name in names if name not in everywhere))
            words = ", ".join(some[:12]) + (" …" if len(some) > 12 else "")
            found.append(_("Their classes differ: not all of them have %(classes)s.") % {"classes": words})
        elif any(names != lists[0] for names in lists):
            found.append(_("Their classes are the same in another order."))
        unfinished = [run.name for run in self.runs if run.is_active]
        if unfinished:
            found.append(
                _("Not finished yet: %(runs)s. Reload to see more.") % {"runs": ", ".join(unfinished)}
            )
        return found


def _at(metric: str, stage: str) -> str:
    return _("%(metric)s, %(stage)s") % {"metric": metric, "stage": stage}


def _on(words: str, where: str) -> str:
    return f"{words} · {where}"


def _each(evaluations: list[Evaluation | None], name: str) -> list:
    return [getattr(one, name) if one else None for one in evaluations]


def _measured_on(graph: Graph, device) -> Evaluation | None:
    job_id = next((row.job_id for row in graph.deployments if row.device_id == device.pk), None)
    return graph.evaluated.find(Stage.BOARD, job_id=job_id) if job_id else None


def _took(run: Run) -> float | None:
    return (run.finished_at - run.created_at).total_seconds() if run.finished_at else None


def _first_int8(graph: Graph) -> Evaluation | None:
    return graph.evaluated.find(Stage.SIMULATOR, graph.compiled[0].pk) if graph.compiled else None


def _by_class(graph: Graph, measured: Evaluation | None) -> dict[str, float | None]:
    rows = measured.metrics.get("per_class", []) if measured else []
    return {row["name"]: row.get(graph.task.class_metric) for row in rows}


def _parameters() -> list[tuple[str, str, str]]:
    return [
        ("input_size", _("Input size, pixels"), "size"),
        ("epochs", _("Epochs"), "number"),
        ("batch_size", _("Batch size"), "number"),
        ("learning_rate", _("Learning rate"), "number"),
        ("augmentation", _("Augmentation"), "text"),
        ("pretrained", _("Pretrained weights"), "flag"),
        ("seed", _("Seed"), "number"),
        ("calibration_images", _("Calibration images"), "number"),
        ("board_images", _("Images measured on a board"), "number"),
        ("max_drop", _("Largest allowed drop"), "points"),
        ("fail_under", _("Required quality"), "share"),
        ("replace_better", _("Replaces a better model"), "yes"),
        ("build_anyway", _("Built although it is known not to run"), "yes"),
    ]


def curves_of(runs: list[Run]) -> list[tuple[str, str, bool]]:
    """The curves drawn in one chart: metric, heading, whether it is a fraction."""
    charts = dict.fromkeys(chart for run in runs for chart in tasks.get(run.task).charts)
    return [
        (line.metric, line.compared, chart.share) for chart in charts for line in chart.lines if line.compared
    ]


def curve_points(runs: list[Run]) -> dict[str, list[list]]:
    """For each curve, ``[[step, value], …]`` of every run, thinned; empty if a run has none."""
    found: dict[str, list[list]] = {name: [] for name, _title, _share in curves_of(runs)}
    for run in runs:
        job = Graph(run).training
        points = curves.thinned(job, CURVE_POINTS, found) if job else []
        for name in found:
            found[name].append([[step, value] for _pk, own, step, value in points if own == name])
    return found
