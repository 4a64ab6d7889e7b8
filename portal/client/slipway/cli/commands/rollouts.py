"""Rollouts to many devices, and groups of devices."""

from __future__ import annotations

from typing import Any

import click

from slipway import lookup
from slipway.cli.app import App, at, command, confirmed, is_given, limited
from slipway.cli.numbers import Number, Whole


def add_to(group: click.Group) -> None:
    @group.group()
    def rollout():
        """A model's way to many devices, in waves."""

    @group.group("group")
    def groups():
        """Groups of devices."""

    command(rollout, "start", at("rollouts/"), short_help="Bring a run's model to many devices.")(start)
    command(rollout, "list", at("rollouts/"), short_help="List rollouts.")(list_)
    command(rollout, "show", _page, short_help="Show a rollout and its boards.")(show)
    for name, words in DECISIONS.items():
        command(rollout, name, _page, short_help=words)(_decision(name, words))
    command(groups, "list", at("rollouts/groups/"), short_help="List groups of devices.")(list_groups)
    command(groups, "set", at("rollouts/groups/"), short_help="Make or replace a group.")(set_group)
    command(groups, "remove", short_help="Remove a group; its devices stay.")(remove_group)


DECISIONS = {
    "pause": "Start no further board; those under way finish.",
    "resume": "Continue a paused or halted rollout.",
    "approve": "Let the next wave begin.",
    "abort": "End a rollout; the other boards are left as they are.",
    "undo": "Bring every board back to what it ran before.",
}


def _page(app: App, number: int, **values) -> str:
    return f"rollouts/{number}/"


@click.argument("run", metavar="RUN")
@click.option("--name", default="", help="Else the model's name.")
@click.option("--device", "devices", multiple=True, help="A device's name; may be repeated.")
@click.option("--group", "groups", multiple=True, help="A group's name; may be repeated.")
@click.option("--tag", "tags", multiple=True, help="Devices with this tag; may be repeated.")
@click.option(
    "--wave", "waves", multiple=True, help="1, 25% or a group; may be repeated. The rest come last."
)
@click.option("--at-once", type=Whole(1, 50, unit="boards"), help="Boards at the same time.")
@click.option("--may-fail", type=Number(0, 1), help="Of each wave; more failures halt the rollout.")
@click.option("--approval", "needs_approval", is_flag=True, help="Each further wave needs approval.")
@click.option("--pause-minutes", type=Whole(0, 10080, unit="minutes"), help="Between waves.")
@click.option(
    "--from",
    "opens",
    metavar="HH:MM",
    help="Only from then, in each board's time zone; an undo does not wait for it.",
)
@click.option("--until", "closes", metavar="HH:MM")
@click.option("--hours", type=Whole(1, 2160, unit="hours"), help="Try boards that are away for so long.")
@click.option("--replace-others", is_flag=True, help="Also boards with models of other datasets.")
@click.option("--override", default="", metavar="REASON", help="Deploy what the team's policy refuses.")
def start(app: App, run: str, devices: tuple[str, ...], groups: tuple[str, ...], **options: Any):
    """Bring the model of a run to many devices, wave by wave."""
    body = {name: value for name, value in options.items() if is_given(value) and value not in ("", ())}
    body["model"] = app.client.model_of(lookup.number(run, "run"))
    body["devices"] = [app.client.device(name)["id"] for name in devices]
    body["groups"] = [_group(app, name)["id"] for name in groups]
    row = app.client.post("rollouts/", json=body)
    app.screen.document(row)
    _print(app, row)


@limited
def list_(app: App, limit: int):
    """List rollouts, newest first."""
    rows = app.rows("rollouts/", limit)
    app.screen.document(rows)
    cells = [
        (
            row["id"],
            row["name"],
            row["status"],
            f"{row['wave']} of {row['waves']}",
            _counts(row),
            row["message"],
        )
        for row in rows
    ]
    app.screen.table([">Number", "Name", "Status", "Wave", "Boards", "Why"], cells)


@click.argument("number", type=Whole(1))
def show(app: App, number: int):
    """Show a rollout and its boards."""
    row = app.client.get(f"rollouts/{number}/")
    boards = list(app.client.rows(f"rollouts/{number}/boards/"))
    app.screen.document({**row, "boards": boards})
    _print(app, row)
    cells = [(one["device_name"], one["wave"], one["state"], one["message"]) for one in boards]
    app.screen.table(["Device", ">Wave", "State", "Message"], cells)


def _print(app: App, row: dict) -> None:
    wave = f"wave {row['wave']} of {row['waves']}"
    app.screen.line(f"Rollout {row['id']}, {row['name']}: {row['status']}, {wave}, {_counts(row)}")
    if row["message"]:
        app.screen.line(row["message"])


def _counts(row: dict) -> str:
    return ", ".join(f"{count} {state}" for state, count in row["counts"].items())


def _decision(name: str, words: str):
    @click.argument("number", type=Whole(1))
    def decide(app: App, number: int):
        row = app.client.post(f"rollouts/{number}/{name}/")
        app.screen.document(row)
        _print(app, row)

    decide.__doc__ = words
    return decide


def _group(app: App, name: str) -> dict:
    return lookup.named(app.client, "device-groups/", "group", name)


@limited
def list_groups(app: App, limit: int):
    """List groups of devices."""
    rows = app.rows("device-groups/", limit)
    app.screen.document(rows)
    cells = [(row["name"], len(row["devices"]), row["time_zone"]) for row in rows]
    app.screen.table(["Name", ">Devices", "Time zone"], cells)


@click.argument("name")
@click.option("--device", "devices", multiple=True, help="A device's name; may be repeated.")
@click.option("--time-zone", default="", metavar="ZONE", help="Such as Asia/Shanghai.")
def set_group(app: App, name: str, devices: tuple[str, ...], time_zone: str):
    """Make a group of these devices, or replace the one with this name."""
    ids = [app.client.device(one)["id"] for one in devices]
    row = app.client.post("device-groups/", json={"name": name, "devices": ids, "time_zone": time_zone})
    app.screen.document(row)
    app.screen.line(f"{name}: {len(ids)} devices")


@click.argument("name")
@confirmed
def remove_group(app: App, name: str, yes: bool):
    """Remove a group; its devices stay."""
    row = _group(app, name)
    app.confirm(f"Remove the group {row['name']}?", yes)
    app.delete(f"device-groups/{row['id']}/", {"removed": row["id"]}, f"{row['name']} is removed.")
