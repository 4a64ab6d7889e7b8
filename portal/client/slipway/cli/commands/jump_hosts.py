"""Jump hosts, through which devices are reached."""

from __future__ import annotations

from typing import Any

import click

from slipway import lookup
from slipway.cli.app import App, at, command, confirmed, limited
from slipway.cli.numbers import Whole
from slipway.cli.secrets import credentials


def add_to(group: click.Group) -> None:
    @group.group("jump-host")
    def jump_host():
        """Hosts through which devices are reached."""

    command(jump_host, "list", at("devices/jump-hosts/"), short_help="List jump hosts.")(list_)
    command(jump_host, "set", at("devices/jump-hosts/"), short_help="Make or replace a jump host.")(set_)
    command(jump_host, "remove", short_help="Remove a jump host.")(remove)


def named(app: App, name: str) -> Any:
    return lookup.named(app.client, "jump-hosts/", "jump host", name)


@limited
def list_(app: App, limit: int):
    """List the team's jump hosts."""
    rows = app.rows("jump-hosts/", limit)
    app.screen.document(rows)
    cells = [(row["name"], f"{row['username']}@{row['host']}:{row['port']}", row["host_key"]) for row in rows]
    app.screen.table(["Name", "Address", "Host key"], cells)


@click.argument("name")
@click.option("--host", required=True, help="Its address, as seen from the portal's workers.")
@click.option("--port", default=22, show_default=True, type=Whole(1, 65535))
@click.option("--user", required=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--key", type=click.File(encoding="utf-8"), help="Sign in with this private key.")
@click.option("--host-key", default="", help="The expected host key; needed if that of a known host changed.")
def set_(app: App, name: str, user: str, password_stdin: bool, key, **fields):
    """Make a jump host, or replace the one with this name. The host key that it shows is pinned."""
    body = {"name": name, "username": user, **fields, **credentials(key, password_stdin)}
    row = app.client.post("jump-hosts/", json=body)
    app.screen.document(row)
    app.screen.line(f"{row['name']}: {row['username']}@{row['host']}:{row['port']}, {row['host_key']}")


@click.argument("name")
@confirmed
def remove(app: App, name: str, yes: bool):
    """Remove a jump host that no device is behind."""
    row = named(app, name)
    app.confirm(f"Remove the jump host {row['name']}?", yes)
    app.delete(f"jump-hosts/{row['id']}/", {"removed": row["id"]}, f"{row['name']} is removed.")
