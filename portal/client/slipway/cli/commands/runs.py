"""Runs: start, list, watch."""

from __future__ import annotations

import json
from typing import Any

import click

from slipway import lookup, waiting
from slipway.cli import follow
from slipway.cli.app import App, at, command, is_given, limited
from slipway.cli.commands import readings
from slipway.cli.commands.jobs import by_status
from slipway.cli.numbers import Number
from slipway.cli.screen import Screen, percent, points, seconds
from slipway.documents import required
from slipway.errors import BelowLimits, Refused, Usage
from slipway.types import Quality


def add_to(group: click.Group) -> None:
    command(group, "run", short_help="Train, convert and deploy in one command.")(run)
    command(group, "runs", at("runs/"), short_help="List runs, newest first.")(runs)
    command(group, "show", _page, short_help="Show a run's steps and its accuracy at each stage.")(show)
    command(group, "watch", _page, short_help="Wait for a run's end.")(watch)
    command(group, "parity", short_help="Show what each stage lost, and why.")(parity)
    command(group, "delete", short_help="Delete a run with its files; it can be restored.")(delete)
    command(group, "restore", short_help="Restore a deleted run.")(restore)
    command(group, "clone", short_help="Repeat a run, with changes.")(clone)
    command(group, "improve", short_help="Improve a run's model in a new run.")(improve)


def limits(function):
    """Quality limits of a run's models; fractions from 0 to 1."""
    share = Number(0, 1)
    for option in (
        click.option("--fail-under", type=share, help="The least metric, such as 0.95."),
        click.option("--max-drop", type=share, help="The most that may be lost, such as 0.03 for 3 points."),
    ):
        function = option(function)
    return function


def plan_options(function):
    """Options of a run."""
    options = [
        limits,
        click.option("--preset", default="", help="A recipe with training parameters, such as fast."),
        click.option("--recipe", default="", help="The model to train, with its default parameters."),
        click.option("--chip", "chips", multiple=True, help="Convert for this chip; may be repeated."),
        click.option("--device", "devices", multiple=True, help="Deploy to this device; may be repeated."),
        click.option("--name", default="", help="The name of the run."),
        click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
                     help="A parameter, such as epochs=20."),
        click.option("--watch", "to_watch", is_flag=True,
                     help="Wait for its end; the outcome is the exit code."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def _version(app: App, name: str) -> Any:
    version = lookup.version(app.client, name)
    readings.raise_if_not_ready(app, version)
    return version


@click.option("--dataset", required=True, metavar="NAME[@VERSION]", help="VERSION: v3, or a hash prefix.")
@plan_options
def run(app: App, dataset: str, settings: tuple[str, ...], to_watch: bool, **plan):
    """Train on a dataset, convert for each chip and deploy to each device, in one command."""
    params = _params(settings, plan)
    row = app.client.run(_version(app, dataset), params=params, **plan)
    _started(app, row, to_watch)


@click.argument("origin", metavar="RUN")
@click.option("--dataset", metavar="NAME[@VERSION]", help="Train on this one.")
@plan_options
def clone(app: App, origin: str, dataset: str | None, settings: tuple[str, ...], to_watch: bool, **plan):
    """Repeat a run; the options given here replace its own."""
    params = _params(settings, plan)
    body = {key: value for key, value in plan.items() if value}
    if params:
        body["params"] = params
    if dataset:
        body["dataset_version"] = _version(app, dataset)["id"]
    if body.get("devices"):
        body["devices"] = [app.client.device(name)["id"] for name in body["devices"]]
    path = f"runs/{lookup.number(origin, 'run')}/clone/"
    _started(app, app.client.post(path, json=body), to_watch)


@click.argument("origin", metavar="RUN")
@click.option(
    "--method", required=True, help="qat (quantization-aware training), distill, prune or continue."
)
@click.option("--teacher", type=int, help="distill: the number of a model of the same classes.")
@click.option("--teacher-recipe", metavar="RECIPE", help="distill: or a recipe with pretrained weights.")
@click.option("--unlabelled", metavar="NAME[@VERSION]", help="distill: images that need no labels.")
@click.option(
    "--share",
    type=Number(0, 1),
    help="prune: the share of its cost that remains, 0.1 to 0.9; default half, or the least possible.",
)
@click.option("--unit", type=click.Choice(["cycles", "macs"]), help="prune: what the cost is counted in.")
@click.option("--importance", type=click.Choice(["taylor", "l1", "fpgm"]), help="prune: which channels stay.")
@click.option("--name", default="", help="What to call the new run.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter, such as epochs=4.")
@click.option("--anyway", is_flag=True, help="qat, distill: although nothing measured says that it helps.")
@click.option("--watch", "to_watch", is_flag=True, help="Wait for its end; the outcome is the exit code.")
def improve(app: App, origin: str, settings: tuple[str, ...], to_watch: bool, **given):
    """Improve a run's model for its chips, in a new run with the same chips."""
    body = {key: value for key, value in given.items() if is_given(value) and value != ""}
    body["params"] = dict(map(_setting, settings))
    if body.get("unlabelled"):
        body["unlabelled"] = _version(app, body["unlabelled"])["id"]
    row = app.client.post(f"runs/{lookup.number(origin, 'run')}/improve/", json=body)
    _started(app, row, to_watch)


def _started(app: App, row: Any, to_watch: bool) -> None:
    app.screen.note(f"Run {row['id']}: {app.client.base}/runs/{row['id']}/")
    if to_watch:
        _watch(app, row["id"])
        return
    app.screen.document(row)
    app.screen.line(f"Run {row['id']} is {row['status']}.")


def _params(settings: tuple[str, ...], plan: dict[str, Any]) -> dict[str, object]:
    """The parameters, with the limits taken out of the options in ``plan``."""
    named = {name: plan.pop(name) for name in ("max_drop", "fail_under")}
    chosen = {name: limit for name, limit in named.items() if limit is not None}
    return {**dict(map(_setting, settings)), **chosen}


def _setting(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise Usage(f"{text!r} is no setting: write it as in epochs=20.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _page(app: App, run: str) -> str:
    return f"runs/{lookup.number(run, 'run')}/"


@click.argument("run", metavar="RUN")
@limits
def watch(app: App, run: str, **wanted: float | None):
    """Wait for a run's end; the outcome is the exit code. Ctrl-C does not stop the run.

    Limits given here replace the run's own.
    """
    _watch(app, lookup.number(run, "run"), wanted)


def _watch(app: App, run_id: int, wanted: dict[str, float | None] | None = None) -> None:
    row = follow.run(app.client, app.screen, run_id)
    if wanted and any(limit is not None for limit in wanted.values()):
        row["quality"] = required(app.client.parity(run_id, **wanted), "quality")
    _print(app, row)
    waiting.succeeded(f"Run {run_id}", row)
    _raise_if_missed(row["quality"])


def _raise_if_missed(quality: Quality | None) -> None:
    if quality and quality["state"] == "failed":
        raise BelowLimits(" ".join(miss["sentence"] for miss in quality["misses"]))


@click.argument("run", metavar="RUN")
@limits
def parity(app: App, run: str, **wanted: float | None):
    """Show the loss at each stage, from the trained model to the boards, and why.

    Limits given here replace the run's own; if a model misses them, or nothing was measured that they can
    judge, the exit code says so.
    """
    number = lookup.number(run, "run")
    found = app.client.parity(number, **wanted)
    app.screen.document(found)
    for branch in found["branches"]:
        app.screen.line(branch["finding"]["sentence"])
        _print_branch(app.screen, found["metric"]["title"], branch)
    if not found["branches"]:
        app.screen.line("No compiled model has been measured yet.")
    quality = required(found, "quality")
    _raise_if_missed(quality)
    _raise_if_unjudged(number, wanted, quality, bool(found["branches"]))


def _raise_if_unjudged(
    number: int, wanted: dict[str, float | None], quality: Quality | None, is_compiled: bool
) -> None:
    """A script that gives a limit must not take a run without measurements for a good one."""
    is_unjudged = quality is None or (wanted.get("max_drop") is not None and not is_compiled)
    if is_unjudged and any(limit is not None for limit in wanted.values()):
        raise Refused(
            f"Run {number} has no measurement for this limit. If it is still running, wait for its end: "
            f"slipway watch {number}  If it has ended, see why: slipway show {number}"
        )


def _print_branch(screen: Screen, metric: str, branch: dict[str, Any]) -> None:
    cells = []
    for stage in branch["stages"]:
        compared = stage["parity"]
        drift = compared.get("drift") or {}
        cells.append((
            stage["title"], percent(stage["value"]), points(compared.get("drop")),
            percent(compared.get("agreement")), compared.get("lost", ""), compared.get("gained", ""),
            percent(drift.get("worst")), stage["images"],
        ))  # fmt: skip
    screen.table(
        ["Stage", f">{metric}", ">Drop", ">Agreement", ">Worse", ">Better", ">Worst drift", ">Images"], cells
    )


@click.argument("run", metavar="RUN")
def delete(app: App, run: str):
    """Delete a run with its models and files. It can be restored for some days.

    Refused while the run is active, and while a board runs one of its models.
    """
    number = lookup.number(run, "run")
    sentence = f"Run {number} is deleted. To restore it: slipway restore {number}"
    app.delete(f"runs/{number}/", {"deleted": number}, sentence)


@click.argument("run", metavar="RUN")
def restore(app: App, run: str):
    """Restore a deleted run."""
    row = app.client.post(f"runs/{lookup.number(run, 'run')}/restore/")
    app.screen.document(row)
    app.screen.line(f"Run {row['id']} is there again.")


@by_status
@click.option("--deleted", is_flag=True, help="List deleted ones that can be restored.")
@limited
def runs(app: App, status: str | None, deleted: bool, limit: int):
    """List runs, newest first."""
    rows = app.rows("runs/", limit, status=status, deleted="true" if deleted else None)
    app.screen.document(rows)
    cells = [
        (f"run/{row['id']}", row["name"], row["dataset"], row["recipe"], row["status"], row["created_by"],
         row["message"])
        for row in rows
    ]  # fmt: skip
    app.screen.table(["Run", "Name", "Dataset", "Recipe", "Status", "By", "Message"], cells)


@click.argument("run", metavar="RUN")
def show(app: App, run: str):
    """Show a run's steps and its accuracy at each stage."""
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
    _print_stages(screen, report)
    for baseline in report["baselines"]:
        _print_baseline(screen, report["metric"]["title"], baseline)
    for miss in (row["quality"] or {}).get("misses", []):
        screen.line(miss["sentence"])


def _print_stages(screen: Screen, report: dict) -> None:
    """Accuracy at each stage, as far as measured."""
    images = report["dataset"][f"{report['split']}_images"]
    stages = [("Paddle", report["paddle_value"], images)]
    for model in report["models"]:
        stages += [("ONNX", model["onnx_value"], model["images"])]
        stages += [(f"int8 {model['chip']}", model["int8_value"], model["images"])]
    stages += [
        (f"Board {board['device']}", board["board_value"], board["images"]) for board in report["boards"]
    ]
    cells = [(name, percent(value), count) for name, value, count in stages if value is not None]
    if cells:
        screen.table(["Stage", f">{report['metric']['title']}", ">Images"], cells)


def _print_baseline(screen: Screen, metric: str, row: dict) -> None:
    """The run's model against the deployed one, on the same images."""
    screen.line(f"Against {row['model_name'] or 'the deployed model'} ({row['release'] or row['chip']}):")
    if row["problem"]:
        screen.line(row["problem"])
    if row.get("release_now"):
        screen.line(f"{row['device']} now runs {row['release_now']}.")
    sets = (("Held-out images", row["held_out"]), ("Images from boards", row["from_boards"]))
    cells = [
        (name, percent(one["deployed"]), percent(one["new"]), one["images"], _difference(one))
        for name, one in sets
        if one is not None and one["images"]
    ]
    if cells:
        screen.table([metric, ">Deployed", ">This run", ">Images", "Difference"], cells)
    elif row["status"] in ("queued", "running"):
        screen.line("It is being measured.")


def _difference(one: dict) -> str:
    words = f"{one['gained']} better, {one['lost']} worse"
    if one.get("is_mixed"):
        return f"{words}; unclear, since the figure says the opposite"
    return f"{words}; may be chance" if one["by_chance"] else words
