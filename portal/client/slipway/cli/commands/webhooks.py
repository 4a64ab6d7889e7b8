"""Webhooks: list, add, test, remove, and their deliveries."""

from __future__ import annotations

import click

from slipway import lookup
from slipway.cli.app import App, at, command, confirmed, limited


def add_to(group: click.Group) -> None:
    @group.group()
    def webhook():
        """URLs that receive the team's events; needs a token with the scope admin."""

    command(webhook, "list", at("team/webhooks/"), short_help="List the team's webhooks.")(list_)
    command(webhook, "add", short_help="Create a webhook and print its secret.")(add)
    command(webhook, "test", short_help="Send a test event.")(test)
    command(webhook, "deliveries", _page, short_help="List deliveries and their outcomes.")(deliveries)
    command(webhook, "remove", short_help="Remove a webhook.")(remove)


def _named(app: App, name: str) -> dict:
    return lookup.named(app.client, "webhooks/", "webhook", name)


def _page(app: App, name: str, **values) -> str:
    return f"team/webhooks/{_named(app, name)['id']}/"


@limited
def list_(app: App, limit: int):
    """List the team's webhooks."""
    rows = app.rows("webhooks/", limit)
    app.screen.document(rows)
    cells = [
        (row["name"], row["url"], " ".join(row["events"]), "on" if row["active"] else "off",
         row["stopped_because"])
        for row in rows
    ]  # fmt: skip
    app.screen.table(["Name", "Address", "Events", "State", "Why"], cells)


@click.argument("name")
@click.argument("url", metavar="ADDRESS")
@click.option("--event", "events", multiple=True, required=True, help="Such as run.failed; may be repeated.")
def add(app: App, name: str, url: str, events: tuple[str, ...]):
    """Create a webhook and print the secret that signs its deliveries, which is shown only now."""
    row = app.client.post("webhooks/", json={"name": name, "url": url, "events": list(events)})
    app.screen.document(row)
    app.screen.line(row["secret"])


@click.argument("name")
def test(app: App, name: str):
    """Send a test event; `slipway webhook deliveries` shows the outcome."""
    row = app.client.post(f"webhooks/{_named(app, name)['id']}/test/")
    app.screen.document(row)
    app.screen.line(f"Delivery {row['uuid']} is on its way.")


@click.argument("name")
@limited
def deliveries(app: App, name: str, limit: int):
    """List deliveries and their outcomes, newest first."""
    rows = app.rows(f"webhooks/{_named(app, name)['id']}/deliveries/", limit)
    app.screen.document(rows)
    cells = [
        (row["created_at"][:19].replace("T", " "), row["event"], row["state"], row["attempts"], row["status"],
         row["problem"])
        for row in rows
    ]  # fmt: skip
    app.screen.table(["At", "Event", "State", ">Tries", ">Status", "Problem"], cells)


@click.argument("name")
@confirmed
def remove(app: App, name: str, yes: bool):
    """Remove a webhook; it receives no further events."""
    row = _named(app, name)
    app.confirm(f"Remove {row['name']}?", yes)
    app.delete(f"webhooks/{row['id']}/", {"removed": row["id"]}, f"{row['name']} is removed.")
