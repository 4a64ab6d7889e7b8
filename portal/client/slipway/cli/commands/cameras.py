"""Cameras: let a device take images for a dataset."""

from __future__ import annotations

import re

import click

from slipway import captures, waiting
from slipway.cli import follow
from slipway.cli.app import App, command
from slipway.errors import Usage


def add_to(group: click.Group) -> None:
    command(group, "capture", short_help="Capture images with a device's camera for a dataset.")(capture)


@click.argument("name", metavar="DEVICE")
@click.option("--dataset", required=True, help="The dataset's name, also a new one.")
@click.option("--task", help="What a new dataset is for: classification or detection.")
@click.option("--class", "class_name", default="", help="The class that the images show.")
@click.option("--count", default=1, show_default=True, help="How many images.")
@click.option("--every", "every_ms", default=500, show_default=True, help="Milliseconds between two images.")
@click.option("--size", default="640x480", show_default=True, help="Multiples of 8, at most 2304x1296.")
@click.option("--commit", is_flag=True, help="Then make a version of all images of the draft.")
@click.option("--no-wait", is_flag=True, help="Return without waiting for the images.")
def capture(
    app: App, name: str, dataset: str, task: str | None, size: str, commit: bool, no_wait: bool, **how
):
    """Capture images with a device's camera and store them in your draft for a dataset.

    An image counts once it is stored: if the link is cut, the device takes the missing ones again.
    """
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", size)
    if not found:
        raise Usage("Write the size as 640x480.")
    if commit and no_wait:
        raise Usage("--commit waits for the images: leave --no-wait out.")
    how |= {"width": int(found[1]), "height": int(found[2])}
    device = app.client.device(name)
    draft = captures.begin(app.client, dataset, task or "")
    made = captures.order(app.client, draft["id"], device["id"], **how)
    if not no_wait:
        job = follow.job(app.client, app.screen, made["job"]["id"], f"Camera of {name}")
        waiting.succeeded("The capture", job)
    if commit:
        version = app.client.checked(app.client.post(f"capture-drafts/{draft['id']}/commit/", json={}))
        app.screen.document(version)
        app.screen.line(f"{dataset}@v{version['number']} has {version['images']} images")
        return
    draft = app.client.get(f"capture-drafts/{draft['id']}/")
    app.screen.document({**made, "draft": draft})
    app.screen.line(f"{draft['images']} images in the draft {draft['id']} for {dataset}")
