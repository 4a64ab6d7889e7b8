"""Searches for a model that fits a chip."""

from __future__ import annotations

from typing import Any

import click

from slipway import lookup, waiting
from slipway.cli import follow
from slipway.cli.app import App, at, command, limited
from slipway.cli.numbers import Number, Whole
from slipway.cli.screen import percent
from slipway.errors import BelowLimits

NO_WAIT = click.option("--no-wait", is_flag=True, help="Return without waiting for its end.")
SEARCH = click.argument("search", metavar="SEARCH")


def add_to(group: click.Group) -> None:
    @group.group()
    def fit():
        """Search the recipe and input size that fit a chip."""

    command(fit, "start", short_help="Search within limits and a budget of time.")(start)
    command(fit, "list", at("fits/"), short_help="List the searches.")(list_)
    command(fit, "show", _page, short_help="Show the candidates of a search.")(show)
    command(fit, "watch", _page, short_help="Wait for a search's end and show what it found.")(watch)


def _page(app: App, search: str) -> str:
    return f"fits/{lookup.number(search, 'search')}/"


@click.option("--dataset", required=True, metavar="NAME[@VERSION]", help="What it is trained on.")
@click.option("--chip", required=True, help="The chip that it must fit.")
@click.option("--minutes", type=Whole(5, 10080, unit="minutes"), required=True, help="The budget of time.")
@click.option(
    "--max-ms",
    type=Number(0, unit="milliseconds"),
    help="An image's time on the chip, estimated from the cycles.",
)
@click.option("--max-cycles", type=Whole(1, unit="cycles"), help="Cycles of the compiled model.")
@click.option(
    "--max-memory", "max_memory_bytes", type=Whole(1, unit="bytes"), help="Bytes of weights and feature maps."
)
@click.option("--min-accuracy", type=Number(0, 1), help="The metric of the compiled model, such as 0.95.")
@click.option("--recipe", "recipes", multiple=True, help="Try this one; may be repeated.")
@click.option("--size", "input_sizes", multiple=True, metavar="WxH", help="Try this size; may be repeated.")
@click.option("--augmentation", help="For every candidate, instead of each recipe's own.")
@click.option("--channel-order", type=click.Choice(["rgb", "bgr"]), help="What the board feeds.")
@click.option("--seed", type=Whole(0), help="Of the trainings.")
@click.option("--name", help="What to call the search.")
@NO_WAIT
def start(app: App, dataset: str, chip: str, minutes: int, no_wait: bool, **given):
    """Train recipes at several input sizes briefly, go on with the best, and name the one that fits.

    If nothing keeps to the limits, the exit code says so, and what comes nearest is named.
    """
    goal: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if value not in (None, ())
    }
    version = lookup.version(app.client, dataset)
    row = app.client.fit(version, chip, minutes, wait=False, **goal)
    if not no_wait:
        _watch(app, row["id"])
        return
    app.screen.document(row)
    app.screen.line(f"Search {row['id']} is {follow.status_of(row)}: slipway fit watch {row['id']}")


@limited
def list_(app: App, limit: int):
    """List the searches, newest first."""
    rows = app.rows("fit-searches/", limit)
    app.screen.document(rows)
    cells = [
        (f"search/{row['id']}", row["name"], row["chip"], follow.status_of(row), _met(row)) for row in rows
    ]
    app.screen.table(["Search", "Name", "Chip", "Status", "Fits"], cells)


def _met(row: dict[str, Any]) -> str:
    return {True: "yes", False: "nothing", None: ""}[row["met"]]


@SEARCH
def show(app: App, search: str):
    """Show the candidates of a search with what was measured of each."""
    row = app.client.get(f"fit-searches/{lookup.number(search, 'search')}/")
    _show(app, row)
    app.screen.note(row["outcome"] or f"Search {row['id']} is {follow.status_of(row)}.")


def _show(app: App, row: dict[str, Any]) -> None:
    app.screen.document(row)
    app.screen.table(
        ["Candidate", "Size", ">Value", ">Cycles", ">Memory", ">Epochs", "Fits", "Left out"],
        [_cells(row, one) for one in row["candidates"]],
    )


def _cells(row: dict[str, Any], one: dict[str, Any]) -> tuple:
    fits = "winner" if one["id"] == row["winner"] else "yes" if one["keeps"] else ""
    width, height = one["input_size"]
    epochs = sum(trial["epochs"] for trial in one["trials"]) or ""
    return (
        one["recipe"], f"{width}x{height}", percent(one["value"]), one["cycles"], one["memory"], epochs, fits,
        one["left_out"],
    )  # fmt: skip


@SEARCH
def watch(app: App, search: str):
    """Wait for a search's end and show what it found; the outcome is the exit code."""
    _watch(app, lookup.number(search, "search"))


def _watch(app: App, number: int) -> None:
    hint = f"Search {number} goes on. Look again: slipway fit watch {number}"
    with follow.goes_on(hint):
        row = follow.until_final(app.client, app.screen, f"fit-searches/{number}/", _steps)
    _show(app, row)
    waiting.succeeded(f"Search {number}", row["job"])
    if not row["met"]:
        raise BelowLimits(row["outcome"])
    app.screen.note(row["outcome"])


def _steps(row: dict[str, Any]) -> list[tuple[str, dict | None]]:
    return [("Search", {**row["job"], "status": follow.status_of(row)})]
