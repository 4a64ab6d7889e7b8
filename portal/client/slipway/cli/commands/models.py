"""Models from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from slipway import lookup, packing
from slipway.cli import follow
from slipway.cli.app import App, at, command, limited
from slipway.cli.screen import size
from slipway.errors import Refused, Usage
from slipway.types import ModelFile

FILE = click.argument("file", metavar="FILE")
SCALES = {
    "imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    "unit": ([0, 0, 0], [1, 1, 1]),
    "symmetric": ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
    "bytes": ([0, 0, 0], [1 / 255, 1 / 255, 1 / 255]),
}


def add_to(group: click.Group) -> None:
    @group.group()
    def model():
        """Models that were trained elsewhere: ONNX files, Paddle inference models."""

    command(model, "import", short_help="Upload a model and say what it is.")(import_)
    command(model, "files", at("models/files/"), short_help="List the model files.")(files)
    command(model, "inspect", _page, short_help="Show what a model file is.")(inspect)
    command(model, "compile", short_help="Compile, measure and deploy a model file.")(compile_)


def _page(app: App, file: str) -> str:
    return f"models/files/{lookup.number(file, 'file')}/"


@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="", help="What to call it; the file's name by default.")
def import_(app: App, path: Path, name: str):
    """Upload an ONNX file, or a zip with one or with a Paddle inference model, and show what it is.

    After an interruption the same command resumes the upload.
    """
    with follow.sending(app.screen, path.name, packing.FileSource(path).size) as on_bytes:
        row = app.client.import_model(path, name, wait=False, on_bytes=on_bytes)
    follow.job(app.client, app.screen, row["job"]["id"], "inspection")
    _show(app, app.client.inspected(row["id"]))


@limited
def files(app: App, limit: int):
    """List the model files, newest first."""
    rows = app.rows("model-files/", limit)
    app.screen.document(rows)
    cells = [
        (f"file/{row['id']}", row["name"], row["filename"], size(row["bytes"]), row["job"]["status"])
        for row in rows
    ]
    app.screen.table(["File", "Name", "Uploaded as", ">Size", "Inspection"], cells)


@FILE
def inspect(app: App, file: str):
    """Show what a model file is, what was fixed, and what each chip would make of it."""
    _show(app, app.client.get(f"model-files/{lookup.number(file, 'file')}/"))


def _show(app: App, row: ModelFile) -> None:
    app.screen.document(row)
    found = row["inspection"]
    if found is None:
        app.screen.line(
            f"file/{row['id']}: its inspection is {row['job']['status']}. {row['job']['message']}"
        )
        return
    if found["refusal"]:
        raise Refused(found["refusal"])
    width, height = found["input_size"]
    kind = f"{found['task']} ({found['detector']})" if found.get("detector") else found["task"]
    app.screen.line(
        f"file/{row['id']}: {kind}, {found['classes']} classes, {width}x{height}, opset {found['opset']}"
    )
    for fix in found["fixes"]:
        app.screen.line(f"  {fix}")
    if len(found.get("choices", [])) > 1:
        outputs = ", ".join(f"{one['output']} ({one['classes']} classes)" for one in found["choices"])
        app.screen.line(f"  Compile another output with --output: {outputs}")
    if closed := ", ".join(found.get("not_deployable_to", [])):
        app.screen.line(
            f"  The library of these boards does not decode it, so it is not deployed there: {closed}"
        )
    cells = [
        (one["chip"], "yes" if one["fits"] else "no", one["cycles"], size(one["memory_bytes"]),
         ", ".join(one["cpu"]), " ".join(one["problems"]))
        for one in found["chips"]
    ]  # fmt: skip
    app.screen.table(["Chip", "Fits", ">Cycles", ">Memory", "On the CPU", "Problem"], cells)


@FILE
@click.option("--dataset", required=True, metavar="NAME[@VERSION]", help="Calibrates and measures it.")
@click.option("--chip", "chips", multiple=True, help="Compile for this one; may be repeated.")
@click.option("--device", "devices", multiple=True, help="Deploy to this one; may be repeated.")
@click.option("--labels", type=click.File(encoding="utf-8"), help="A file: one label a line, as the outputs.")
@click.option("--scale", type=click.Choice([*SCALES]), default="imagenet", help="The pixels it expects.")
@click.option("--mean", type=float, nargs=3, help="Of pixels from 0 to 1, instead of --scale.")
@click.option("--std", type=float, nargs=3, help="Of pixels from 0 to 1, instead of --scale.")
@click.option(
    "--order", "model_order", type=click.Choice(["rgb", "bgr"]), default="rgb", help="Channel order."
)
@click.option("--output", help="Which output has the scores, if there are several.")
@click.option("--size", "input_size", metavar="WxH", help="Input size, if the file does not fix it.")
@click.option("--name", help="What to call the run.")
@click.option("--watch", is_flag=True, help="Wait for the end.")
def compile_(
    app: App, file: str, dataset: str, labels, scale: str, input_size: str | None, watch: bool, **given
):
    """Compile a model file for chips, measure it, and deploy it to devices."""
    if bool(given["mean"]) != bool(given["std"]):
        raise Usage("Give both --mean and --std, or neither.")
    mean, std = (list(given["mean"]), list(given["std"])) if given["mean"] else SCALES[scale]
    choices: dict[str, Any] = {"mean": mean, "std": std, "model_order": given["model_order"]}
    if labels is not None:
        choices["labels"] = [line.strip() for line in labels if line.strip()]
    if input_size:
        width, _, height = input_size.partition("x")
        if not (width.isdigit() and height.isdigit()):
            raise Usage("Give --size as WIDTHxHEIGHT, such as 224x224.")
        choices["input_size"] = [int(width), int(height)]
    if given["output"]:
        choices["output"] = given["output"]
    run = app.client.compile_file(
        lookup.number(file, "file"), dataset, chips=given["chips"], devices=given["devices"],
        name=given["name"], **choices,
    )  # fmt: skip
    app.screen.document(run)
    if watch:
        follow.run(app.client, app.screen, run["id"])
        return
    app.screen.line(f"Run {run['id']} is {run['status']}: slipway watch {run['id']}")
