"""Variants of a run's model: other quantization settings, the error of each layer, searches."""

from __future__ import annotations

from typing import Any

import click

from slipway import lookup, waiting
from slipway.cli import follow
from slipway.cli.app import App, command
from slipway.cli.numbers import Number, Whole
from slipway.cli.screen import percent, points
from slipway.errors import BelowLimits

RUN = click.argument("run", metavar="RUN")
VARIANT = click.argument("variant", metavar="VARIANT")
CHIP = click.option("--chip", required=True, help="One that the run's model was compiled for.")
FLOAT = "fp16"
NO_WAIT = click.option("--no-wait", is_flag=True, help="Return without waiting for its end.")


def add_to(group: click.Group) -> None:
    @group.group()
    def variant():
        """A run's model, compiled with other quantization settings."""

    command(variant, "list", _page, short_help="List the variants of a run's model.")(list_)
    command(variant, "add", short_help="Compile a run's model with other settings.")(add)
    command(variant, "choose", short_help="Choose the variant that is deployed to its chip.")(choose)
    command(variant, "layers", short_help="Show the error of each layer.")(layers)
    command(variant, "search", short_help="Search settings that lose no more than allowed.")(search)
    command(variant, "watch", short_help="Wait for a search's end and show what it found.")(watch)


def _page(app: App, run: str) -> str:
    return f"models/{app.client.model_of(lookup.number(run, 'run'))}/variants/"


@RUN
def list_(app: App, run: str):
    """List the variants of a run's model, oldest first, with what each lost in the simulator."""
    model = app.client.model_of(lookup.number(run, "run"))
    measured = app.client.rows("evaluations/", model=model, stage="simulator")
    evaluations = {row["compiled_model"]: row for row in measured}
    rows = [
        {**row, "evaluation": evaluations.get(row["id"])}
        for row in app.client.rows("compiled-models/", model=model)
    ]
    rows.sort(key=lambda row: row["id"])
    app.screen.document(rows)
    heads = ["Variant", "Chip", "Settings", "Status", ">Value", ">Drop", "Chosen"]
    app.screen.table(heads, map(_cells, rows))


def _cells(row: dict[str, Any]) -> tuple:
    measured = row["evaluation"] or {"value": None, "parity": {}}
    chosen = "yes" if row["chosen"] else ""
    return (
        f"variant/{row['id']}", row["chip"], _words(row["quantization"]), row["job"]["status"],
        percent(measured["value"]), points(measured["parity"].get("drop")), chosen,
    )  # fmt: skip


def _words(settings: dict[str, Any]) -> str:
    """``algorithm=mmse method=channel``; empty for the usual settings."""
    return " ".join(f"{name}={value}" for name, value in sorted(settings.items()) if value not in (None, []))


@RUN
@CHIP
@click.option("--float", "is_float", is_flag=True, help="16-bit float, on chips that have it.")
@click.option("--algorithm", help="normal, kl_divergence or mmse.")
@click.option("--method", help="channel or layer: what each scale of the weights is for.")
@click.option("--images", "calibration_images", type=Whole(1, unit="images"), help="Calibration images.")
@click.option("--choice", help="How they are chosen: balanced, random or farthest.")
@click.option("--seed", type=Whole(0), help="Of the choice.")
@click.option("--wide", "int16_layers", multiple=True, metavar="LAYER",
              help="Compute this layer in 16 bits; may be repeated.")  # fmt: skip
@NO_WAIT
def add(app: App, run: str, chip: str, is_float: bool, no_wait: bool, **given):
    """Compile a run's model with other quantization settings and measure it; those left out are the usual."""
    settings = {name: value for name, value in given.items() if value not in (None, ())}
    if is_float:
        settings["dtype"] = FLOAT
    row = app.client.add_variant(lookup.number(run, "run"), chip, settings, wait=False)
    if not no_wait:
        follow.job(app.client, app.screen, row["job"]["id"], f"Variant {row['id']}")
        row = app.client.get(f"compiled-models/{row['id']}/")
    app.screen.document(row)
    app.screen.line(f"Variant {row['id']} is {row['job']['status']}.")
    if not no_wait:
        waiting.succeeded("The conversion", row["job"])


@VARIANT
def choose(app: App, variant: str):
    """Choose the variant that is deployed to its chip; boards keep theirs until the next deployment."""
    row = app.client.choose_variant(lookup.number(variant, "variant"))
    app.screen.document(row)
    app.screen.line(f"Variant {row['id']} is chosen for {row['chip']}.")


@VARIANT
@click.option("--images", type=Whole(1, unit="images"), help="Measure on this many images.")
@click.option("--again", is_flag=True, help="Measure, although it was measured before.")
@NO_WAIT
def layers(app: App, variant: str, images: int | None, again: bool, no_wait: bool):
    """Show the error of each layer in the simulator, from input to output; measure it if it is unknown.

    A cosine of 1 is no error: "own" is the layer's, "summed" also that of all layers before it.
    """
    number = lookup.number(variant, "variant")
    known = app.client.rows("layer-errors/", 1, compiled_model=number, status="succeeded")
    row = None if again or images else next(known, None)
    if row is None:
        row = app.client.layer_errors(number, images, wait=False)
        if not no_wait:
            follow.job(app.client, app.screen, row["job"]["id"], "Layers")
            row = app.client.get(f"layer-errors/{row['id']}/")
    app.screen.document(row)
    cells = [
        (one["name"], one["type"], one["single_cosine"], one["cosine"], one["outlier"])
        for one in row["layers"]
    ]
    app.screen.table(["Layer", "Type", ">Own cosine", ">Summed cosine", ">Outlier"], cells)
    if not no_wait:
        waiting.succeeded("The measurement", row["job"])


@RUN
@CHIP
@click.option("--max-drop", type=Number(0, 1), required=True,
              help="The most that may be lost, such as 0.01 for a point.")  # fmt: skip
@NO_WAIT
def search(app: App, run: str, chip: str, max_drop: float, no_wait: bool):
    """Compile variants, the cheapest first, until one loses no more than allowed, and choose it.

    If none does, the one that comes nearest is named but not chosen, and the exit code says so.
    """
    row = app.client.search_variant(lookup.number(run, "run"), chip, max_drop, wait=False)
    if not no_wait:
        _watch(app, row["id"])
        return
    app.screen.document(row)
    app.screen.line(f"Search {row['id']} is {follow.status_of(row)}: slipway variant watch {row['id']}")


@click.argument("search", metavar="SEARCH")
def watch(app: App, search: str):
    """Wait for a search's end and show what it found; the outcome is the exit code."""
    _watch(app, lookup.number(search, "search"))


def _watch(app: App, number: int) -> None:
    hint = f"Search {number} goes on. Look again: slipway variant watch {number}"
    with follow.goes_on(hint):
        row = follow.until_final(app.client, app.screen, f"quantization-searches/{number}/", _steps)
    app.screen.document(row)
    waiting.succeeded(f"Search {number}", row["job"])
    if not row["met"]:
        raise BelowLimits(row["outcome"])
    app.screen.line(row["outcome"])


def _steps(row: dict[str, Any]) -> list[tuple[str, dict | None]]:
    return [
        ("Search", {**row["job"], "status": follow.status_of(row)}),
        *((f"Variant {one['id']}", one["job"]) for one in row["variants"]),
    ]
