"""Managing datasets: rename, delete, restore, compare two versions."""

from __future__ import annotations

import click

from slipway import lookup
from slipway.cli.app import App, command, limited

KINDS = ["added", "removed", "relabelled", "moved"]


def add_to(dataset: click.Group) -> None:
    command(dataset, "rename", short_help="Rename a dataset.")(rename)
    command(dataset, "delete", short_help="Delete a dataset or a version; it can be restored.")(delete)
    command(dataset, "restore", short_help="Restore a deleted dataset or version.")(restore)
    command(dataset, "diff", _page, short_help="Show what changed between two versions.")(diff)


@click.argument("name")
@click.argument("new_name", metavar="NEW-NAME")
def rename(app: App, name: str, new_name: str):
    """Rename a dataset."""
    row = app.client.patch(f"datasets/{lookup.dataset(app.client, name)['id']}/", name=new_name)
    app.screen.document(row)
    app.screen.line(f"{name} is now called {row['name']}.")


@click.argument("name", metavar="NAME[@VERSION]")
def delete(app: App, name: str):
    """Delete a dataset, or one of its versions. It can be restored for some days; its runs stay."""
    if lookup.names_a_version(name):
        version = lookup.version(app.client, name)
        path, what = f"dataset-versions/{version['id']}/", f"{version['dataset_name']} v{version['number']}"
    else:
        dataset = lookup.dataset(app.client, name)
        path, what = f"datasets/{dataset['id']}/", dataset["name"]
    app.delete(path, {"deleted": what}, f"{what} is deleted. To restore it: slipway dataset restore")


@click.argument("name", metavar="NAME[@VERSION]")
def restore(app: App, name: str):
    """Restore a deleted dataset, or one of its versions."""
    if lookup.names_a_version(name):
        version = lookup.version(app.client, name, deleted="true")
        row = app.client.post(f"dataset-versions/{version['id']}/restore/")
        app.screen.line(f"{row['dataset_name']} v{row['number']} is there again.")
    else:
        dataset = lookup.dataset(app.client, name, deleted="true")
        row = app.client.post(f"datasets/{dataset['id']}/restore/")
        app.screen.line(f"{row['name']} is there again.")
    app.screen.document(row)


def _page(app: App, name: str, against: str | None, **values) -> str:
    version = lookup.version(app.client, name)
    other = f"?against={lookup.version(app.client, against)['id']}" if against else ""
    return f"datasets/versions/{version['id']}/diff/{other}"


@click.argument("name", metavar="NAME[@VERSION]")
@click.option("--against", metavar="NAME@VERSION", help="Compare with this one.  [default: its parent]")
@click.option("--kind", type=click.Choice(KINDS), help="Only these changes.")
@limited
def diff(app: App, name: str, against: str | None, kind: str | None, limit: int):
    """Show which images were added, removed, relabelled or moved since another version."""
    wanted = {"against": lookup.version(app.client, against)["id"]} if against else {}
    wanted |= {"kind": kind} if kind else {}
    path = f"dataset-versions/{lookup.version(app.client, name)['id']}/diff/"
    changes: list[dict] = []
    after: int | None = 0
    while after is not None and (not limit or len(changes) <= limit):
        page = app.client.get(path, limit=min(limit + 1, 500) if limit else 500, after=after, **wanted)
        changes += page["changes"]
        after = page["next"]
    changes = app.cut(changes, limit)
    app.screen.document({**page, "changes": changes, "next": None})
    app.screen.line(", ".join(f"{count} {kind}" for kind, count in page["counts"].items()))
    cells = [(row["kind"], _name(row), _image(row["before"]), _image(row["after"])) for row in changes]
    app.screen.table(["Change", "Image", "Before", "After"], cells)


def _name(change: dict) -> str:
    return (change["after"] or change["before"])["original"]


def _image(image: dict | None) -> str:
    if not image:
        return ""
    boxes = image["boxes"]
    label = image["class_name"] if boxes is None else f"{len(boxes)} box" + "es" * (len(boxes) != 1)
    return f"{label or 'no class'} ({image['split']})"
