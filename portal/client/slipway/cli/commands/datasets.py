"""Datasets: push, import, list, show, export."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from slipway import files, lookup, packing, uploads
from slipway.cli import follow
from slipway.cli.app import App, at, command, limited
from slipway.cli.commands import keeping, labelling, readings
from slipway.cli.numbers import Number, Whole
from slipway.cli.screen import Screen, size
from slipway.errors import Usage

ARCHIVE_ENDING = re.compile(r"(\.tar)?\.(tar|zip|t?gz|t?xz|t?zst)$", re.IGNORECASE)


def add_to(group: click.Group) -> None:
    @group.group()
    def dataset():
        """Datasets and their versions."""

    command(dataset, "push", short_help="Upload a folder or an archive as a dataset's next version.")(push)
    command(dataset, "import", short_help="Import data from a location that the server allows.")(import_)
    command(dataset, "list", at("datasets/"), short_help="List the team's datasets.")(list_)
    command(dataset, "show", _page, short_help="Show a version: classes, counts, findings.")(show)
    command(dataset, "export", short_help="Download a version in another format.")(export)
    readings.add_to(dataset)
    keeping.add_to(dataset)
    labelling.add_to(dataset)


def version_options(function):
    """Options for a new version; the portal detects what is not given."""
    options = [
        click.option("--class-count", type=Whole(2), help="Reject any other number of classes."),
        click.option(
            "--class-names", type=click.File(encoding="utf-8"), help="A file with one class name per line."
        ),
        click.option("--val-fraction", type=Number(0.05, 0.5), help="Fraction for validation."),
        click.option("--test-fraction", type=Number(0.05, 0.5), help="Fraction for the test split."),
        click.option("--split", help="given, stratified or group: how images are assigned to splits."),
        click.option("--split-group", metavar="REGEX", help="The part of a path that keeps images together."),
        click.option("--seed", type=Whole(0), help="Seed of the split."),
        click.option("--add", is_flag=True, help="Add to the images of the newest version."),
        click.option("--review", is_flag=True, help="Wait for a person to confirm how it was read."),
        click.option("--fresh", is_flag=True, help="Ignore how earlier versions were read."),
        click.option(
            "--dry-run", is_flag=True, help="Print how it is read as JSON, without making a version."
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return readings.reading_options(function)


def _given_options(class_names, add: bool, review: bool, fresh: bool, dry_run: bool, **options) -> dict:
    """The options that were given."""
    given = readings.pop_options(options)
    given |= {key: value for key, value in options.items() if value is not None}
    if class_names:
        given["class_names"] = [line.strip() for line in class_names if line.strip()]
    given |= {"mode": "add"} if add else {}
    return given | {key: True for key, on in (("review", review or dry_run), ("fresh", fresh)) if on}


@click.argument("path", type=click.Path(exists=True, path_type=Path), metavar="DIR|ARCHIVE")
@click.option("--name", help="The dataset to add a version to.  [default: the folder's or file's name]")
@version_options
@click.option("--piece-mb", type=Whole(1, 1024, unit="MB"), default=32, show_default=True,
              help="Size of one request.")  # fmt: skip
@click.option("--no-wait", is_flag=True, help="Return after the upload, without waiting for the check.")
def push(app: App, path: Path, name: str | None, piece_mb: int, no_wait: bool, **options):
    """Upload a folder or an archive (zip, tar) and wait for its check.

    A folder is packed while it is sent. If the upload is interrupted, the same command resumes it.
    """
    source = packing.source_of(path)
    name = name or ARCHIVE_ENDING.sub("", source.filename)
    _check_dry_run(no_wait, options)
    with follow.sending(app.screen, source.filename, source.size) as on_bytes:
        version = app.client.upload(
            path, name, _given_options(**options), wait=False, on_bytes=on_bytes, piece=piece_mb * 1024 * 1024
        )
    _show_checked(app, version, no_wait, options["dry_run"])


@click.argument("place", metavar="PLACE[/PATH]", required=False)
@click.option("--name", help="The dataset to add a version to.  [default: the path's last part]")
@version_options
@click.option("--list", "only_list", is_flag=True, help="List the locations.")
@click.option("--no-wait", is_flag=True, help="Return without waiting for the copy and the check.")
def import_(app: App, place: str | None, name: str | None, only_list: bool, no_wait: bool, **options):
    """Import a folder or an archive from a location on the server or in S3 that its administrator has
    allowed.
    """
    if only_list or not place:
        rows = app.client.get("datasets/imports/")
        app.screen.document(rows)
        app.screen.table(["Place", "Kind"], [(row["name"], row["kind"]) for row in rows])
        return
    _check_dry_run(no_wait, options)
    place, _, path = place.strip("/").partition("/")
    name = name or ARCHIVE_ENDING.sub("", path.rpartition("/")[2] or place)
    version = app.client.import_place(place, path, name, _given_options(**options), wait=False)
    _show_checked(app, version, no_wait, options["dry_run"])


def _check_dry_run(no_wait: bool, options: dict) -> None:
    if no_wait and options["dry_run"]:
        raise Usage("A dry run waits for the check: leave --no-wait out.")


def _show_checked(app: App, version: Any, no_wait: bool, dry_run: bool) -> None:
    """Wait for the check unless told otherwise, and show the version; after a dry run, how it was read."""
    if not no_wait:
        follow.job(app.client, app.screen, version["job"]["id"], "Check")
        sent, version = version, uploads.resolve_unchanged(app.client, version)
        if sent["id"] != version["id"]:
            app.screen.note(f"Nothing new: {version['dataset_name']} v{version['number']} has this content.")
    if dry_run:
        readings.print_dry_run(app, version)
        return
    app.screen.document(version)
    if app.screen.is_plain:
        print_version(app.screen, version)
    readings.raise_if_not_ready(app, version)


@click.option("--deleted", is_flag=True, help="List deleted ones that can be restored.")
@limited
def list_(app: App, deleted: bool, limit: int):
    """List the team's datasets, newest first."""
    rows = app.rows("datasets/", limit, deleted="true" if deleted else None)
    app.screen.document(rows)
    cells = [(row["id"], row["name"], row["created_by"], row["created_at"][:10]) for row in rows]
    app.screen.table([">ID", "Name", "By", "Since"], cells)


def _page(app: App, name: str) -> str:
    return f"datasets/versions/{lookup.version(app.client, name)['id']}/"


@click.argument("name", metavar="NAME[@VERSION]")
def show(app: App, name: str):
    """Show a version: its classes, counts and findings.

    VERSION is v3, or a hash prefix; without it the newest version that can be used.
    """
    version = lookup.version(app.client, name)
    app.screen.document(version)
    if app.screen.is_plain:
        print_version(app.screen, version)


def print_version(screen: Screen, version: dict) -> None:
    refusals = version["training_refusals"]
    head = f"{version['dataset_name']} v{version['number']}: {'blocked' if refusals else version['state']}"
    if version["state"] in ("ready", "review"):
        head += (
            f", {version['images']} images ({version['train_images']} to train, {version['val_images']} to "
            f"validate, {version['test_images']} to test), {len(version['class_names'])} classes, "
            f"{version['layout']}, {size(version['bytes'])}"
        )
    screen.line(head)
    for sentence in refusals:
        screen.line(sentence)
    if version["content_hash"]:
        screen.line(f"hash {version['content_hash']}")
    if version["counts"]:
        splits = ("train", "val", "test")
        boxes = ["boxes"] if "boxes" in version["counts"][0] else []
        keys = [*splits, "total", *boxes]
        cells = [(row["name"], *(row.get(key, 0) for key in keys)) for row in version["counts"]]
        screen.table(["Class", ">Train", ">Val", ">Test", ">All", *[">Boxes"] * len(boxes)], cells)
    if version["findings"]:
        findings = [(row["level"], row["message"]) for row in version["findings"]]
        screen.table(["Level", "Finding"], findings)


@click.argument("name", metavar="NAME[@VERSION]")
@click.option(
    "--format",
    "layout",
    default="paddlex",
    show_default=True,
    metavar="FORMAT",
    help="Such as folders, coco, voc or yolo.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The zip to write.")
def export(app: App, name: str, layout: str, output: Path | None):
    """Download a version as a zip in one of the known formats."""
    version = lookup.version(app.client, name)
    default = f"{version['dataset_name']}-v{version['number']}-{layout}.zip".replace("/", "_")
    target = output or files.safe_path(Path(), default)
    path = f"dataset-versions/{version['id']}/export/?format={layout}"
    with app.screen.bytes_bar(target.name, None) as on_bytes:
        files.download(app.client, path, target, on_bytes=on_bytes)
    app.screen.document({"file": str(target), "bytes": target.stat().st_size, "format": layout})
    app.screen.line(f"{target}  {size(target.stat().st_size)}")
