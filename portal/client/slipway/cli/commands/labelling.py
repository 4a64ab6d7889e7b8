"""Labels: let a model propose them, accept the proposals, make a classification dataset from boxes."""

from __future__ import annotations

from typing import Any

import click

from slipway import lookup, waiting
from slipway.cli import follow
from slipway.cli.app import App, command
from slipway.cli.commands import readings
from slipway.cli.numbers import Number, Whole
from slipway.errors import Usage

SKIP = "-"  # leaves a class of the model out


def add_to(dataset: click.Group) -> None:
    command(dataset, "prelabel", short_help="Let a model propose labels for images that have none.")(prelabel)
    command(dataset, "crops", short_help="Make a classification dataset of a version's boxes.")(crops)


@click.argument("name", metavar="NAME[@VERSION]")
@click.option("--model", type=Whole(1), required=True, help="The model's number.")
@click.option(
    "--class",
    "classes",
    multiple=True,
    metavar="MODEL=DATASET",
    help=f"A class of the model and the dataset's class that it is; {SKIP} leaves it out.",
)
@click.option("--score", type=Number(0.05, 0.99), help="The lowest score of a proposal.")
@click.option("--accept", is_flag=True, help="Accept all proposals at once.")
def prelabel(app: App, name: str, model: int, classes: tuple[str, ...], score: float | None, accept: bool):
    """Let a model propose labels for a version's unlabelled images, in your draft of the version.

    Review them in the browser, or accept all of them here; then make the next version from the draft.
    """
    version = lookup.version(app.client, name)
    body: dict[str, Any] = {"dataset_version": version["id"], "model": model}
    body |= {"classes": dict(_class(text, version) for text in classes)} if classes else {}
    body |= {"score": score} if score is not None else {}
    made = app.client.post("prelabellings/", json=body)
    job = follow.job(app.client, app.screen, made["job"]["id"], "Propose")
    waiting.succeeded("The job", job)
    made = app.client.get(f"prelabellings/{made['id']}/")
    if accept and made["proposed"]:
        app.client.post(f"drafts/{made['draft']}/accept/", json={"filter": {}})
    app.screen.document(made)
    done = "accepted" if accept else "proposed"
    app.screen.line(f"Labels {done} for {made['proposed']} of {made['images']} images.")
    app.screen.line(f"{app.client.base}/datasets/versions/{version['id']}/images/?state=proposed")


def _class(text: str, version: dict) -> tuple[str, int | None]:
    theirs, equals, ours = text.rpartition("=")
    if not theirs or not equals:
        raise Usage(f"{text!r} is no pair of classes: write it as in dog=Hund, or dog={SKIP}.")
    if ours == SKIP:
        return theirs, None
    if ours not in version["class_names"]:
        raise Usage(f"The dataset has no class {ours!r}: it has {', '.join(version['class_names'])}.")
    return theirs, version["class_names"].index(ours)


@click.argument("name", metavar="NAME[@VERSION]")
@click.option(
    "--name", "new_name", required=True, help="The dataset to make, or to make the next version of."
)
@click.option("--whole-images", is_flag=True, help="Label whole images by the class of their boxes.")
@click.option("--margin", type=Number(0, 1), help="Part of a box's sides around it.  [default: 0.1]")
@click.option(
    "--least-side", type=Whole(1, unit="pixels"), help="Leave out smaller boxes, pixels.  [default: 16]"
)
def crops(
    app: App, name: str, new_name: str, whole_images: bool, margin: float | None, least_side: int | None
):
    """Make a classification dataset from a version's boxes: each box becomes an image of its class."""
    source = lookup.version(app.client, name)
    said = {"how": "labels" if whole_images else "crops", "margin": margin, "least_side": least_side}
    body = {"name": new_name, **{key: value for key, value in said.items() if value is not None}}
    made = app.client.post(f"dataset-versions/{source['id']}/cut/", json=body)
    follow.job(app.client, app.screen, made["job"]["id"], "Check")
    version = app.client.get(f"dataset-versions/{made['id']}/")
    app.screen.document(version)
    app.screen.line(f"{version['dataset_name']} v{version['number']}: {version['state']}")
    readings.raise_if_not_ready(app, version)
