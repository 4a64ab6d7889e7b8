"""What a run's page shows of its results: per class, confusions, flipped images, cost, files."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.jobs.models import Artifact, Job, Status

FLIPPED_SHOWN = 24
CONFUSIONS_SHOWN = 12
LAYERS_SHOWN = 15
# What people look for first, and what it is. Everything else of a job follows below.
FILE_WORDS = {
    "model.rknn": "compiled model for the board",
    "labels.txt": "class names, one a line",
    "best_model.pdparams": "trained weights (Paddle)",
    "inference.json": "Paddle inference model: graph",
    "inference.pdmodel": "Paddle inference model: graph",
    "inference.pdiparams": "Paddle inference model: weights",
    "model.onnx": "ONNX, with softmax",
    "model.slim.onnx": "ONNX, fixed input, cut before the softmax",
    "build.onnx": "ONNX as the RKNN toolkit got it",
    "calibration.zip": "calibration pictures and settings",
    "predictions.json": "each validation image's answers",
    "val_predictions.json": "each validation image's answers in Paddle",
    "operators.json": "operators and their cost",
    "provenance.json": "where the model comes from",
}


@dataclass
class Files:
    """A job's files with a heading."""

    title: str
    rows: list[tuple]  # (artifact, words)


def artifacts_of(jobs: list[Job | None]) -> dict[int, list[Artifact]]:
    """The files that these jobs made, by the job's id, asked for at once."""
    made: dict[int, list[Artifact]] = {job.pk: [] for job in jobs if job}
    for artifact in Artifact.objects.filter(job__in=made):
        made[artifact.job_id].append(artifact)
    return made


def files(trained_job: Job | None, models: list, made: dict[int, list[Artifact]]) -> list[Files]:
    """The files of a run by the step that made them, the important ones first."""
    steps = [("Training and ONNX", trained_job)]
    steps += [(f"RKNN for {model.chip}", model.job) for model in models]
    groups = [Files(title, _rows(made[job.pk])) for title, job in steps if job]
    return [group for group in groups if group.rows]


def _rows(artifacts: list[Artifact]) -> list[tuple]:
    order = list(FILE_WORDS)
    rows = [(artifact, FILE_WORDS.get(artifact.name, "")) for artifact in artifacts]
    return sorted(rows, key=lambda row: (order.index(row[0].name) if row[1] else len(order), row[0].name))


def confusions(metrics: dict) -> list[dict]:
    """The most frequent mistakes: ``{"truth", "answer", "count"}``."""
    matrix = metrics.get("confusion") or []
    names = [row["name"] for row in metrics.get("per_class", [])]
    found = [
        {"truth": names[truth], "answer": names[answer], "count": count}
        for truth, row in enumerate(matrix)
        for answer, count in enumerate(row)
        if truth != answer and count
    ]
    return sorted(found, key=lambda one: -one["count"])[:CONFUSIONS_SHOWN]


def per_class(metrics: dict, models: list) -> list[dict]:
    """The training's rows with each compiled model's int8 top-1 of the class beside them."""
    measured = [model for model in models if model.parity]
    by_model = [{row["id"]: row for row in model.parity.get("per_class", [])} for model in measured]
    return [
        {**row, "int8": [known.get(row["id"], {}).get("int8_top1") for known in by_model]}
        for row in metrics.get("per_class", [])
    ]


@dataclass
class Flipped:
    """Images whose answer changed on the way, of one compiled model or one board."""

    title: str
    count: int
    images: int
    rows: list[dict]  # {"image", "truth", "before", "after", "right"}


def flipped(
    models: list, deployments: list, names: list[str], made: dict[int, list[Artifact]]
) -> list[Flipped]:
    """Where int8 answered otherwise than ONNX, and a board otherwise than the int8 simulator."""
    found = []
    for model in models:
        answers = _predictions(model.job, made)
        changed = [row for row in answers if row["onnx"] != row["int8"]]
        rows = [_change(row, row["onnx"], row["int8"], names) for row in changed[:FLIPPED_SHOWN]]
        if answers:
            found.append(
                Flipped(
                    _("ONNX → int8 for %(chip)s") % {"chip": model.chip}, len(changed), len(answers), rows
                )
            )
    for row in deployments:
        if row.measured:
            changed = row.measured.get("flipped", [])
            rows = [_change(one, one["int8"], one["board"], names) for one in changed[:FLIPPED_SHOWN]]
            title = _("int8 simulator → board %(device)s") % {"device": row.device.name}
            found.append(Flipped(title, len(changed), row.measured.get("images", 0), rows))
    return found


def _change(row: dict, before: int | None, after: int | None, names: list[str]) -> dict:
    return {
        "image": row["image"].rpartition("/")[2],
        "truth": _name(row["label"], names),
        "before": _name(before, names),
        "after": _name(after, names),
        "right": after == row["label"],
    }


def _name(label: int | None, names: list[str]) -> str:
    if label is None:
        return _("no answer")
    return names[label] if 0 <= label < len(names) else _("class %(number)s") % {"number": label}


def _predictions(job: Job | None, made: dict[int, list[Artifact]]) -> list[dict]:
    if job is None or job.status != Status.SUCCEEDED:
        return []
    artifact = next((one for one in made[job.pk] if one.name == "predictions.json"), None)
    if artifact is None:
        return []
    with artifact.file.open("rb") as source:
        return json.load(source)


def heaviest_layers(cost: dict) -> list[list]:
    """[name, cycles] of the layers that take longest."""
    layers = [layer for layer in cost.get("layers", []) if layer.get("cycles")]
    layers.sort(key=lambda layer: -layer["cycles"])
    return [[_layer_name(layer), layer["cycles"]] for layer in layers[:LAYERS_SHOWN]]


def _layer_name(layer: dict) -> str:
    name = layer.get("name", "").rpartition(":")[2] or layer.get("name", "")
    return f"{layer['id']} {layer['type']}" + (f" {name[:28]}" if name else "")
