"""How an upload is read: options, the result, and confirming a doubtful one."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any

import click

from slipway import lookup, uploads
from slipway.cli import follow
from slipway.cli.app import App, command
from slipway.cli.numbers import Whole
from slipway.errors import NotFound, Undecided, Usage

MANY = {"one_hot": "one_hot", "table": "tables", "ignore": "ignore"}


def add_to(dataset: click.Group) -> None:
    command(dataset, "reading", short_help="Print how a version was read, as JSON.")(reading)
    command(dataset, "confirm", short_help="Confirm how an upload was read, or correct it.")(confirm)
    command(dataset, "discard", short_help="Remove an upload that was not confirmed.")(discard)


def reading_options(function):
    """Options for reading the files; the portal detects what is not given."""
    options = [
        click.option("--format", "read_as", metavar="FORMAT", help="Such as folders, csv or coco."),
        click.option("--label-column", help="The table's column of classes: title, or number from 1."),
        click.option("--image-column", help="The table's column of images."),
        click.option("--split-column", help="The table's column with train or val."),
        click.option("--one-hot", multiple=True, metavar="COLUMN", help="A column that is a class."),
        click.option("--table", multiple=True, metavar="PATH", help="Use this table; may be repeated."),
        click.option("--ids-from", type=Whole(0, 1), help="The first class id."),
        click.option("--ignore", multiple=True, metavar="PATH", help="Ignore a folder or file."),
        click.option("--role", multiple=True, metavar="FOLDER=ROLE",
                     help="What a folder is: class, split:train, split:val, images, masks, ignored …"),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def pop_options(options: dict[str, Any]) -> dict[str, Any]:
    """Take the reading options out of a command's options, as API fields."""
    given: dict[str, Any] = {}
    for name in ("label_column", "image_column", "split_column", "ids_from"):
        given[name] = options.pop(name)
    given["as"] = options.pop("read_as")
    for option, name in MANY.items():
        given[name] = list(options.pop(option)) or None
    given["roles"] = dict(map(_role, options.pop("role"))) or None
    return {name: value for name, value in given.items() if value is not None}


def _role(text: str) -> tuple[str, str]:
    folder, equals, role = text.rpartition("=")
    if not folder or not equals:
        raise Usage(f"{text!r} is no role: write it as in seg_train=split:train.")
    return folder, role.removeprefix("split:")


def raise_if_not_ready(app: App, version: dict) -> None:
    """As in the library; an Undecided names the command to run next."""
    uploads.raise_if_not_ready(version, _what_to_do(app, version))


def _what_to_do(app: App, version: dict) -> str:
    name = shlex.quote(f"{version['dataset_name']}@v{version['number']}")
    return (
        f"Look at it: {app.client.base}/datasets/versions/{version['id']}/  "
        f"Use it as it was read: slipway dataset confirm {name}  "
        f"Or say how to read it: slipway dataset confirm {name} --format FORMAT"
    )


def print_dry_run(app: App, version: dict) -> None:
    """Print how an upload was read, and remove it. Raises as ``raise_if_not_ready`` if it is in doubt."""
    app.client.call("POST", f"dataset-versions/{version['id']}/discard/")
    if version["reading"] is not None:
        _print(version["reading"])
    if version["state"] == "refused":
        raise_if_not_ready(app, version)
    if version["reading"] and not version["reading"]["certain"]:
        raise Undecided(version["message"] or "It can be read in more than one way.")


def _print(value: Any) -> None:
    """Print a document, with or without ``--json``."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


@click.argument("name", metavar="NAME[@VERSION]")
def reading(app: App, name: str):
    """Show how a version was read: format, classes, folders, ignored files, and alternatives."""
    try:
        version = lookup.version(app.client, name, in_review=True)
    except NotFound:
        version = lookup.version(app.client, name)
    _print(app.client.get(f"dataset-versions/{version['id']}/reading/"))


@click.argument("name", metavar="NAME[@VERSION]")
@reading_options
def confirm(app: App, name: str, **options):
    """Confirm that an upload was read correctly; it is then ready.

    With options, it is read again with them, and confirmed if no doubt remains.
    """
    version = lookup.version(app.client, name, in_review=True)
    address = f"dataset-versions/{version['id']}/"
    if given := pop_options(options):
        version = app.client.post(f"{address}reread/", json=given)
        follow.job(app.client, app.screen, version["job"]["id"], "Check")
        version = app.client.get(address)
        if version["state"] != "review" or not (version["reading"] or {}).get("certain", True):
            raise_if_not_ready(app, version)
    version = app.client.post(f"{address}confirm/", json={})
    app.screen.document(version)
    app.screen.line(f"{version['dataset_name']} v{version['number']}: {version['state']}")


@click.argument("name", metavar="NAME[@VERSION]")
def discard(app: App, name: str):
    """Remove an upload that was refused or not confirmed."""
    version = lookup.version(app.client, name, in_review=True)
    app.client.call("POST", f"dataset-versions/{version['id']}/discard/")
    app.screen.document({"discarded": version["id"]})
    app.screen.line(f"{version['dataset_name']} v{version['number']} is discarded.")
