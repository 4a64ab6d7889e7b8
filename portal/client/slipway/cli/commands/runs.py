"""Runs: start, list, watch."""

from __future__ import annotations

import json

import click

from slipway import lookup, waiting
from slipway.cli import follow
from slipway.cli.app import App, command
from slipway.cli.commands import readings
from slipway.cli.commands.jobs import filters, narrowed
from slipway.cli.screen import Screen, percent, seconds
from slipway.errors import Usage


def add_to(group: click.Group) -> None:
    command(group, "run", short_help="Train, convert and deploy in one go.")(run)
    command(group, "runs", short_help="List runs, newest first.")(runs)
    command(group, "show", short_help="Show a run's steps and its accuracy at each hop.")(show)
    command(group, "watch", short_help="Wait for a run's end.")(watch)


@click.option("--dataset", required=True, metavar="NAME[@VERSION]", help="VERSION: v3, or a hash prefix.")
@click.option("--preset", help="A recipe with how to train it, such as fast.")
@click.option("--recipe", help="The model to train; its own defaults.")
@click.option(
    "--chip", "chips", multiple=True, help="Convert for this chip, such as rv1106; may be repeated."
)
@click.option("--device", "devices", multiple=True, help="Deploy to this device; may be repeated.")
@click.option("--name", help="What to call the run.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter, such as epochs=20.")
@click.option("--watch", "to_watch", is_flag=True, help="Wait for its end; the outcome is the exit code.")
def run(
    app: App, dataset: str, devices: tuple[str, ...], settings: tuple[str, ...], to_watch: bool, **choices
):
    """Train on a dataset, convert for each chip and deploy to each device, without another call."""
    body = {key: value for key, value in choices.items() if value}
    body["params"] = dict(map(_setting, settings))
    version = lookup.version(app.client, dataset)
    readings.raise_if_not_ready(app, version)
    body["dataset_version"] = version["id"]
    body["devices"] = [lookup.device(app.client, name)["id"] for name in devices]
    row = app.client.post("runs/", json=body)
    app.screen.note(f"Run {row['id']}: {app.client.base}/runs/{row['id']}/")
    if to_watch:
        _watch(app, row["id"])
        return
    app.screen.document(row)
    app.screen.line(f"Run {row['id']} is {row['status']}.")


def _setting(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise Usage(f"{text!r} is no setting: write it as in epochs=20.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


@click.argument("run", metavar="RUN")
def watch(app: App, run: str):
    """Wait for a run's end; the outcome is the exit code. Ctrl-C leaves the run alone."""
    _watch(app, lookup.number(run, "run"))


def _watch(app: App, run_id: int) -> None:
    row = follow.run(app.client, app.screen, run_id)
    _print(app, row)
    waiting.succeeded(f"Run {run_id}", row)


@filters
def runs(app: App, status: str | None, limit: int):
    """List runs, newest first."""
    rows = narrowed(app.client, "runs/", status, limit)
    app.screen.document(rows)
    cells = [
        (f"run/{row['id']}", row["name"], row["dataset"], row["recipe"], row["status"], row["created_by"],
         row["message"])
        for row in rows
    ]  # fmt: skip
    app.screen.table(["Run", "Name", "Dataset", "Recipe", "Status", "By", "Message"], cells)


@click.argument("run", metavar="RUN")
def show(app: App, run: str):
    """Show a run's steps and its accuracy at each hop."""
    _print(app, app.client.get(f"runs/{lookup.number(run, 'run')}/"))


def _print(app: App, row: dict) -> None:
    report = app.client.get(f"runs/{row['id']}/report/")
    app.screen.document({**row, "report": report})
    screen = app.screen
    screen.line(f"Run {row['id']} ({row['name']}): {row['status']}")
    cells = [
        (
            name,
            *((f"job/{job['id']}", job["status"], seconds(job["seconds"])) if job else ("", "waiting", "")),
        )
        for name, job in follow.steps_of(row)
    ]
    screen.table(["Step", "Job", "Status", ">Took"], cells)
    _print_hops(screen, report)


def _print_hops(screen: Screen, report: dict) -> None:
    """Accuracy at each hop, as far as it was measured."""
    images = report["dataset"][f"{report['split']}_images"]
    hops = [("Paddle", report["paddle_value"], images)]
    for model in report["models"]:
        hops += [("ONNX", model["onnx_value"], model["images"])]
        hops += [(f"int8 {model['chip']}", model["int8_value"], model["images"])]
    hops += [
        (f"Board {board['device']}", board["board_value"], board["images"]) for board in report["boards"]
    ]
    cells = [(name, percent(value), count) for name, value, count in hops if value is not None]
    if cells:
        screen.table(["Stage", f">{report['metric']['title']}", ">Images"], cells)
