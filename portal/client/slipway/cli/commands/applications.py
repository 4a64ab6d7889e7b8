"""The application that runs on a board by itself."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

from slipway.cli import follow
from slipway.cli.app import App, command, is_given
from slipway.cli.numbers import Whole
from slipway.errors import NotFound


def add_to(group: click.Group) -> None:
    @group.group("app")
    def applications():
        """The program that stays on a board and sends what it sees."""

    command(applications, "install", _page, short_help="Install the application on a device.")(install)
    command(applications, "show", _page, short_help="Show what the application does.")(show)
    for name, words in ACTS.items():
        command(applications, name, _page, short_help=words)(_act(name, words))


LONGEST_CA = 16_000  # characters

ACTS = {
    "start": "Start the application.",
    "stop": "Stop the application; it starts again at the next boot.",
    "remove": "Stop the application and remove it from the board.",
}


def _page(app: App, device: str, **values) -> str:
    return f"devices/{app.client.device(device)['id']}/app/"


@click.argument("device")
@click.option("--to", "output", type=click.Choice(["file", "mqtt", "serial", "http"]), required=True)
@click.option("--host", help="The MQTT broker.")
@click.option("--port", type=Whole(1, 65535), help="The broker's port; 1883, or 8883 with TLS.")
@click.option("--tls", is_flag=True, help="Encrypt, and check the broker's certificate.")
@click.option("--ca", type=click.File("r"), help="A file with the broker's CA certificates, PEM.")
@click.option("--topic")
@click.option("--qos", type=Whole(0, 1))
@click.option("--user")
@click.option("--password-stdin", is_flag=True, help="Read the broker's password from standard input.")
@click.option("--serial-port", help="Such as /dev/ttyS1.")
@click.option("--baud", type=int)
@click.option("--url", help="Each prediction is posted to it.")
@click.option("--source", type=click.Choice(["camera", "folder"]))
@click.option("--folder", help="Beside the releases on the board.")
@click.option("--width", type=Whole(16, 2304, unit="pixels"))
@click.option("--height", type=Whole(16, 1296, unit="pixels"))
@click.option(
    "--every-ms", type=Whole(0, 3_600_000, unit="milliseconds"), help="Milliseconds between two images."
)
@click.option("--only-changes", is_flag=True, help="Send a line only when the prediction changes.")
def install(app: App, device: str, password_stdin: bool, **options: Any):
    """Install the application on a device and start it; it replaces one that is there.

    The password of an MQTT broker comes by --password-stdin or SLIPWAY_MQTT_PASSWORD; else the stored one is
    kept.
    """
    given = sys.stdin.readline().rstrip("\r\n") if password_stdin else os.environ.get("SLIPWAY_MQTT_PASSWORD")
    options["password"] = given
    options["ca"] = options["ca"].read(LONGEST_CA + 1) if options["ca"] else None
    body = {name: value for name, value in options.items() if is_given(value) and value != ""}
    body["device"] = app.client.device(device)["id"]
    _print(app, app.client.post("device-apps/", json=body))


@click.argument("device")
@click.option("--refresh", is_flag=True, help="Ask the board first.")
def show(app: App, device: str, refresh: bool):
    """Show what the application on a device did when the board was last asked, and its last lines."""
    row = _row(app, device)
    if refresh:
        row = app.client.post(f"device-apps/{row['id']}/refresh/")
        follow.job(app.client, app.screen, row["job"]["id"], "refresh")
        row = _row(app, device)
    _print(app, row)
    for line in [*row["told"].get("recent", []), *row["told"].get("log", [])]:
        app.screen.line(f"  {line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)}")


def _act(name: str, words: str):
    @click.argument("device")
    def act(app: App, device: str):
        _print(app, app.client.post(f"device-apps/{_row(app, device)['id']}/{name}/"))

    act.__doc__ = words
    return act


def _row(app: App, device: str) -> dict[str, Any]:
    number = app.client.device(device)["id"]
    for row in app.client.rows("device-apps/"):
        if row["device"] == number:
            return row
    raise NotFound(f"There is no application on {device}: see  slipway app install --help")


def _print(app: App, row: dict[str, Any]) -> None:
    app.screen.document(row)
    state, job = row["told"], row["job"]
    words = "running" if state.get("running") else "stopped" if state.get("installed") else "not installed"
    app.screen.line(words if job is None else f"{words}; job {job['id']} ({row['act']}): {job['status']}")
    if row["told_at"] and row["act"] != "remove":
        app.screen.line(f"As of {row['told_at'][:19].replace('T', ' ')} UTC; ask the board with --refresh.")
    if state.get("problem"):
        app.screen.line(state["problem"])
    for one in state.get("outputs", []):
        counts = f"sent {one['sent']}, waiting {one['waiting']}, dropped {one['dropped']}"
        app.screen.line(f"{one['kind']} {one['place']}: {counts} {one['problem']}".rstrip())
