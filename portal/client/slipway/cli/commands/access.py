"""How the portal signs in to devices: install a key, change the password, undo."""

from __future__ import annotations

import sys
from typing import Any

import click

from slipway import waiting
from slipway.cli import follow
from slipway.cli.app import App, command

no_wait_option = click.option("--no-wait", is_flag=True, help="Return without waiting for its end.")


def add_to(device: click.Group) -> None:
    command(device, "key", short_help="Sign in with a key of the device's own from now on.")(key)
    command(device, "password", short_help="Change the password on a device.")(password)
    command(device, "undo-access", short_help="Undo the last change of key or password.")(undo_access)


@click.argument("name")
@no_wait_option
def key(app: App, name: str, no_wait: bool):
    """Make a key pair for a device, authorize it on the board, and sign in with it.

    The stored credentials stay in use until the board has taken the key.
    """
    _finish(app, app.client.install_key(name, wait=False), f"{name} takes the new key.", no_wait)


@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the new password from standard input.")
@no_wait_option
def password(app: App, name: str, password_stdin: bool, no_wait: bool):
    """Change the password on a device, and prove the new one.

    Without --password-stdin one is made up and printed: it is never shown again.
    """
    given = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
    row = app.client.change_password(name, given, wait=False)
    if row["password"]:
        app.screen.line(f"The new password: {row['password']}")
    _finish(app, row, f"{name} takes the new password.", no_wait)


@click.argument("name")
@no_wait_option
def undo_access(app: App, name: str, no_wait: bool):
    """Remove the key that was installed last, or set the password from before the last change."""
    _finish(app, app.client.undo_access(name, wait=False), f"{name} takes what it took before.", no_wait)


def _finish(app: App, row: Any, sentence: str, no_wait: bool) -> None:
    if not no_wait:
        row = {**row, "job": follow.job(app.client, app.screen, row["job"]["id"], "Access")}
    app.screen.document(row)
    if not no_wait:
        waiting.succeeded("The change of access", row["job"])
        app.screen.line(sentence)
