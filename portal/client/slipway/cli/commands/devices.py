"""Devices: register, edit, probe, deploy to, run inference on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from slipway import lookup, waiting
from slipway.cli import follow
from slipway.cli.app import App, at, command, confirmed, limited
from slipway.cli.commands import access, jump_hosts
from slipway.cli.numbers import Number, Whole
from slipway.cli.screen import percent
from slipway.cli.secrets import credentials
from slipway.errors import Failed, Usage


def add_to(group: click.Group) -> None:
    @group.group()
    def device():
        """Boards that models are deployed to."""

    command(device, "list", at("devices/"), short_help="List the team's devices.")(list_)
    command(device, "show", _page, short_help="Show a device.")(show)
    command(device, "add", short_help="Register a board.")(add)
    command(device, "edit", short_help="Change a device's name, address or credentials.")(edit)
    command(device, "remove", short_help="Remove a device; the board itself is left as it is.")(remove)
    command(device, "probe", short_help="Show a device's details and what runs on it.")(probe)
    command(device, "doctor", short_help="Check whether a device is fit for a deployment.")(doctor)
    command(device, "profile", short_help="Time a device's current release on the board.")(profile)
    access.add_to(device)
    command(device, "infer", short_help="Run inference on a device.")(infer)
    command(group, "deploy", short_help="Deploy a finished run's model to a device.")(deploy)
    command(group, "rollback", short_help="Make an earlier release current again.")(rollback)


@limited
@click.option("--tag", help="Only devices with this tag.")
@click.option("--site", help="Only devices at this site.")
def list_(app: App, limit: int, tag: str | None, site: str | None):
    """List the team's devices."""
    rows = app.rows("devices/", limit, tag=tag, site=site)
    app.screen.document(rows)
    cells = [
        (row["name"], row["profile"], f"{row['host']}:{row['port']}", row["current_release"],
         (row["seen_at"] or "never")[:16].replace("T", " "), row.get("site_problem") or row["problem"])
        for row in rows
    ]  # fmt: skip
    app.screen.table(["Name", "Profile", "Address", "Runs", "Last seen", "Problem"], cells)


def _page(app: App, name: str) -> str:
    return f"devices/{app.client.device(name)['id']}/"


@click.argument("name")
def show(app: App, name: str):
    """Show a device: its details and its current release."""
    row = app.client.device(name)
    app.screen.document(row)
    _print(app, row)


@click.argument("name")
@click.option("--rename", metavar="NAME", help="The new name.")
@click.option("--host", help="Its address, as seen from the portal's workers.")
@click.option("--port", type=Whole(1, 65535))
@click.option("--user")
@click.option("--tag", "tags", multiple=True, help="A word to find it by; may be repeated. '' for none.")
@click.option("--jump", metavar="NAME", help="The jump host through which it is reached; '' for none.")
@click.option("--site", help="The site whose workers reach it; '' for none.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--key", type=click.File(encoding="utf-8"), help="Sign in with this private key.")
def edit(
    app: App,
    name: str,
    rename: str | None,
    user: str | None,
    jump: str | None,
    password_stdin: bool,
    key,
    **fields,
):
    """Change a device's name, address or credentials; it is then probed.

    Another address, port or user needs the credentials again, given as for `slipway device add`.
    """
    row = app.client.device(name)
    body = {"name": rename, "username": user, **fields}
    if key or password_stdin or os.environ.get("SLIPWAY_DEVICE_PASSWORD"):
        body |= credentials(key, password_stdin)
    body = {field: value for field, value in body.items() if value not in (None, ())}
    if jump is not None:
        body["jump"] = jump_hosts.named(app, jump)["id"] if jump else None
    if not body:
        raise Usage("There is nothing to change: see  slipway device edit --help")
    row = app.client.patch(f"devices/{row['id']}/", **body)
    app.screen.document(row)
    _print(app, row)


@click.argument("name")
@confirmed
def remove(app: App, name: str, yes: bool):
    """Remove a device with its inferences. The board itself keeps running."""
    row = app.client.device(name)
    app.confirm(f"Remove {row['name']} with its inferences?", yes)
    app.delete(f"devices/{row['id']}/", {"removed": row["id"]}, f"{row['name']} is removed.")


@click.argument("name")
@click.option("--profile", required=True, help="The kind of board: a file name in configs/boards/.")
@click.option("--host", required=True, help="Its address, as seen from the portal's workers.")
@click.option("--port", default=22, show_default=True, type=Whole(1, 65535))
@click.option("--user", default="root", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--key", type=click.File(encoding="utf-8"), help="Sign in with this private key.")
@click.option("--jump", metavar="NAME", help="The jump host through which it is reached.")
@click.option("--site", help="The site whose workers reach it, such as harbour.")
@click.option("--tag", "tags", multiple=True, help="A word to find it by; may be repeated.")
@click.option("--host-key", help="The expected fingerprint; otherwise the one shown is pinned.")
@click.option("--no-wait", is_flag=True, help="Return without waiting for the first probe.")
def add(
    app: App,
    user: str,
    password_stdin: bool,
    key,
    no_wait: bool,
    host_key: str | None,
    jump: str | None,
    **fields,
):
    """Register a board, pin its host key, and probe it.

    The password is prompted for, or read from standard input or SLIPWAY_DEVICE_PASSWORD; with --key it
    unlocks the key.
    """
    fields = {name: value for name, value in fields.items() if value is not None}
    body = {**fields, "username": user, "host_key": host_key or "", **credentials(key, password_stdin)}
    if jump:
        body["jump"] = jump_hosts.named(app, jump)["id"]
    row = app.client.post("devices/", json=body)
    app.screen.note(f"The board shows {row['host_key']}")
    _after_probe(app, row, no_wait)


@click.argument("name")
@click.option("--no-wait", is_flag=True, help="Return without waiting for the result.")
def probe(app: App, name: str, no_wait: bool):
    """Probe a device: its details and its releases."""
    row = lookup.device(app.client, name)
    row["probe_job"] = app.client.post(f"devices/{row['id']}/probe/")
    _after_probe(app, row, no_wait)


@click.argument("name")
def doctor(app: App, name: str):
    """Probe a device and check whether it is fit for a deployment; fails if it is not."""
    row = lookup.device(app.client, name)
    job = follow.job(app.client, app.screen, app.client.post(f"devices/{row['id']}/probe/")["id"], "Probe")
    waiting.succeeded("The probe", job)
    found = app.client.get(f"devices/{row['id']}/fitness/")
    app.screen.document(found)
    cells = [(check["title"], check["verdict"], check["found"], check["advice"]) for check in found["checks"]]
    app.screen.table(["Check", "Verdict", "Found", "What to do"], cells)
    if found["verdict"] == "refused":
        raise Failed(f"{row['name']} is not fit for a deployment.")


def _after_probe(app: App, row: dict, no_wait: bool) -> None:
    job = row["probe_job"]
    if not no_wait:
        job = follow.job(app.client, app.screen, job["id"], "Probe")
        row = app.client.get(f"devices/{row['id']}/")
    app.screen.document(row)
    if no_wait or job["status"] == "succeeded":
        _print(app, row if not no_wait else {**row, "probe": {}})
    if not no_wait:
        waiting.succeeded("The probe", job)


def _print(app: App, row: Any) -> None:
    app.screen.line(f"{row['name']} ({row['profile']}) at {row['host']}:{row['port']}")
    if row.get("factory_password"):
        app.screen.line(f"  ! It takes the factory password: see  slipway device password {row['name']}")
    if row.get("site"):
        app.screen.line(f"  site: {row['site']}")
    if row.get("site_problem"):
        app.screen.line(f"  ! {row['site_problem']}")
    if row.get("tags"):
        app.screen.line(f"  tags: {', '.join(row['tags'])}")
    if row.get("newer_model"):
        app.screen.line(f"  a newer model of the same dataset exists: model {row['newer_model']}")
    found = {**row["probe"], "runs": row["current_release"], "problem": row["problem"]}
    for key in ("os", "kernel", "engine", "runtime", "runs", "problem"):
        if found.get(key):
            app.screen.line(f"  {key}: {found[key]}")
    for sentence in [*found.get("problems", []), *found.get("warnings", [])]:
        app.screen.line(f"  ! {sentence}")


@click.argument("device", metavar="DEVICE")
@click.option("--history", is_flag=True, help="Show earlier timings instead.")
def profile(app: App, device: str, history: bool):
    """Time the current release on the board: loading, first call, 100 calls with and without decoding."""
    number = app.client.device(device)["id"]
    if history:
        rows = list(app.client.rows("profiles/", device=number))
    else:
        row = app.client.post("profiles/", json={"device": number})
        follow.job(app.client, app.screen, row["job"]["id"], "timing")
        rows = [app.client.get(f"profiles/{row['id']}/")]
    app.screen.document(rows if history else rows[0])
    heads = [
        "Release",
        ">Load",
        ">First",
        ">Whole",
        ">p95",
        ">p99",
        ">Prediction",
        ">p95",
        ">p99",
        ">Estimate",
    ]
    app.screen.table(heads, [_timing(row) for row in rows if row["figures"]])
    for row in rows:
        if not history:
            waiting.succeeded("The timing", row["job"])


def _timing(row: dict[str, Any]) -> tuple:
    found = row["figures"]
    times = [found["whole"], found["predict"]]
    spreads = [each[name] for each in times for name in ("median", "p95", "p99")]
    numbers = [found["load_ms"], found["first_ms"], *spreads, row["estimate_ms"]]
    return (row["release"], *("–" if one is None else f"{one:.2f} ms" for one in numbers))


@click.argument("name")
@click.argument(
    "images", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--coco", type=click.Path(dir_okay=False, path_type=Path), help="Write the boxes to this file.")
@click.option("--score", type=Number(0, 1), default=0.25, help="Minimum score of a box.")
def infer(app: App, name: str, images: tuple[Path, ...], coco: Path | None, score: float):
    """Send images to a device and print the predictions: one line per image or box."""
    inference = app.client.infer(name, images, wait=False)
    job = follow.job(app.client, app.screen, inference["job"]["id"], "Inference")
    inference = app.client.get(f"inferences/{inference['id']}/")
    app.screen.document(inference)
    cells = [line for image in inference["images"] for line in _lines(image, score)]
    app.screen.table(["Image", "Label", ">Score", ">ms", "Note"], cells)
    if coco is not None:
        boxes = app.client.get(f"inferences/{inference['id']}/coco/", score=score)
        coco.write_text(json.dumps(boxes, ensure_ascii=False), encoding="utf-8")
    waiting.succeeded("The inference", job)


def _lines(image: dict, score: float) -> list[tuple]:
    """One line of the table, or one for each box above the threshold."""
    note = image["error"] or ("unlike the training images" if image.get("unlike") else image["note"])
    if "boxes" not in image["prediction"]:
        return [(image["name"], image["label"], percent(image["score"]), image["milliseconds"], note)]
    shown = [box for box in image["prediction"]["boxes"] if box["score"] >= score]
    return [
        (image["name"], box["label"], percent(box["score"]), image["milliseconds"], _place(box["box"]))
        for box in shown
    ] or [(image["name"], "no boxes", percent(None), image["milliseconds"], note)]


def _place(box: list[float]) -> str:
    left, top, width, height = (f"{value:.0f}" for value in box)
    return f"{width} × {height} at {left}, {top}"


@click.argument("run", metavar="RUN")
@click.option("--device", "name", required=True, help="The device's name.")
@click.option("--override", default="", metavar="REASON", help="Deploy what the team's policy refuses.")
@click.option("--no-wait", is_flag=True, help="Return without waiting for its end.")
def deploy(app: App, run: str, name: str, override: str, no_wait: bool):
    """Deploy the model that a run compiled for a device's chip, and measure its accuracy on the device.

    This also makes the model of an older run current again.
    """
    row = app.client.deploy(lookup.number(run, "run"), name, override=override, wait=False)
    if not no_wait:
        follow.job(app.client, app.screen, row["job"]["id"], f"Board {name}")
        row = app.client.get(f"deployments/{row['id']}/")
    app.screen.document(row)
    measured = row["evaluation"]
    if measured:
        app.screen.line(
            f"{row['release']} is current on {name}: {percent(measured['value'])} on "
            f"{measured['images']} images, "
            f"as the simulator answers on {percent(measured['parity']['agreement'])}"
        )
    if not no_wait:
        waiting.succeeded("The deployment", row["job"])


@click.argument("name", metavar="DEVICE")
@click.option("--to", "release", help="The release; else the one that was current before.")
@click.option("--no-wait", is_flag=True, help="Return without waiting for its end.")
def rollback(app: App, name: str, release: str | None, no_wait: bool):
    """Make a release current again that is still on a device."""
    row = app.client.rollback(name, release)
    if not no_wait:
        follow.job(app.client, app.screen, row["job"]["id"], f"Board {name}")
        row = app.client.get(f"deployments/{row['id']}/")
    app.screen.document(row)
    if row["state"] == "current":
        app.screen.line(f"{row['release']} is current on {name}")
    if not no_wait:
        waiting.succeeded("The rollback", row["job"])
