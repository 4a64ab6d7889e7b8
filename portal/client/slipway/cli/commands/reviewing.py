"""Images that come back from devices: confirm or correct them, and add them to their dataset."""

from __future__ import annotations

from typing import Any

import click

from slipway import lookup
from slipway.cli.app import App, at, command, is_given, limited
from slipway.cli.numbers import Number, Whole
from slipway.errors import Usage

STATES = ("waiting", "accepted", "discarded")


def add_to(group: click.Group) -> None:
    @group.group()
    def review():
        """Images from devices that wait for a decision."""

    command(review, "list", at("review/"), short_help="List images from devices.")(list_)
    command(review, "accept", _page, short_help="Confirm or correct the prediction for an image.")(accept)
    command(review, "discard", _page, short_help="Discard images.")(discard)
    command(review, "undo", _page, short_help="Bring an image back into the queue.")(undo)
    command(review, "version", at("review/"), short_help="Add the accepted images to their dataset.")(version)
    command(review, "rules", at("review/rules/"), short_help="List which images are kept.")(rules)
    command(review, "rule", at("review/rules/"), short_help="Set which images of a device are kept.")(rule)


def _page(app: App, **values) -> str:
    return "review/"


@click.option("--state", type=click.Choice(STATES), default="waiting", show_default=True)
@limited
def list_(app: App, state: str, limit: int):
    """List images from devices, newest first."""
    rows = app.rows("review-items/", limit, state=state)
    app.screen.document(rows)
    cells = [(row["id"], row["device_name"], _predicted(row), _accepted(row), row["name"]) for row in rows]
    app.screen.table([">Number", "Device", "Predicted", "Accepted as", "Image"], cells)


def _predicted(row: dict) -> str:
    found = row["prediction"]
    if "boxes" in found:
        return f"{len(found['boxes'])} boxes"
    return f"{found.get('label')} {found.get('score', 0):.2f}"


def _accepted(row: dict) -> str:
    return row["label"] or ("" if row["boxes"] is None else f"{len(row['boxes'])} boxes")


@click.argument("numbers", type=Whole(1), nargs=-1, required=True)
@click.option("--label", help="The correct class, instead of the prediction.")
def accept(app: App, numbers: tuple[int, ...], label: str | None):
    """Confirm the predictions for images, or correct them with --label."""
    _decide(app, numbers, "accept", {"label": label} if label else {})


@click.argument("numbers", type=Whole(1), nargs=-1, required=True)
def discard(app: App, numbers: tuple[int, ...]):
    """Discard images. This can be undone for a day."""
    _decide(app, numbers, "discard")


@click.argument("numbers", type=Whole(1), nargs=-1, required=True)
def undo(app: App, numbers: tuple[int, ...]):
    """Bring images back into the queue, as long as they are in no version."""
    _decide(app, numbers, "undo")


def _decide(app: App, numbers: tuple[int, ...], act: str, body: dict[str, Any] | None = None) -> None:
    rows = [app.client.post(f"review-items/{number}/{act}/", json=body) for number in numbers]
    app.screen.document(rows)
    for row in rows:
        words = _accepted(row) if row["state"] == "accepted" else ""
        app.screen.line(f"{row['id']}: {row['state']} {words}".rstrip())


@click.argument("dataset")
def version(app: App, dataset: str):
    """Make the next version of a dataset: the newest one with the accepted images added."""
    found = lookup.dataset(app.client, dataset)
    made = app.client.post("review-items/version/", json={"dataset": found["id"]})
    app.screen.document(made)
    app.screen.line(f"{dataset} v{made['number']} is being checked.")


@limited
def rules(app: App, limit: int):
    """List which images of devices are kept."""
    rows = app.rows("review-rules/", limit)
    app.screen.document(rows)
    cells = [
        (row["id"], row["device"] or "all", _conditions(row), row["seen"], row["problem"]) for row in rows
    ]
    app.screen.table([">Number", "Device", "Keeps", ">Seen", "Problem"], cells)


def _conditions(row: dict) -> str:
    names = ("below", "margin", "every", "changed")
    return " ".join(f"{name}={row[name]}" for name in names if is_given(row[name]))


@click.option("--device", help="A device's name; else the rule is for all devices without one of their own.")
@click.option("--below", type=Number(0, 1), help="Keep lower scores.")
@click.option("--margin", type=Number(0, 1), help="Keep if the two best are closer.")
@click.option("--every", type=Whole(1, 1_000_000), help="Keep one in this many images.")
@click.option("--changed", is_flag=True, help="Keep if the previous release disagrees.")
@click.option("--dataset", help="Where accepted images go; else the dataset of the model.")
@click.option("--most-images", type=Whole(1, 5000, unit="images"), help="To review, for each device.")
@click.option("--most-mib", type=Whole(1, 5000, unit="MiB"))
@click.option("--remove", is_flag=True, help="Remove the rule.")
def rule(app: App, device: str | None, dataset: str | None, remove: bool, **options: Any):
    """Set which images of a device are kept for review; this replaces the previous rule."""
    number = app.client.device(device)["id"] if device else None
    if remove:
        return _remove(app, number)
    body = {name: value for name, value in options.items() if is_given(value)}
    if not body:
        raise Usage("Say which images to keep: --below, --margin, --every or --changed.")
    if dataset:
        body["dataset"] = lookup.dataset(app.client, dataset)["id"]
    row = app.client.post("review-rules/", json={**body, "device": number})
    app.screen.document(row)
    app.screen.line(f"{device or 'All devices'}: {_conditions(row)}")
    return None


def _remove(app: App, device: int | None) -> None:
    found = [row for row in app.client.rows("review-rules/") if row["device"] == device]
    if not found:
        raise Usage("There is no such rule: see  slipway review rules")
    app.client.call("DELETE", f"review-rules/{found[0]['id']}/")
    app.screen.line("The rule is removed.")
