"""Evidence of deployments: fetch it, and verify it offline."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import click

from slipway import evidence as signed
from slipway.cli.app import App, command
from slipway.cli.numbers import Whole
from slipway.errors import Usage

readable = click.Path(exists=True, dir_okay=False, path_type=Path)
writable = click.Path(dir_okay=False, path_type=Path)


def add_to(group: click.Group) -> None:
    @group.group()
    def evidence():
        """Signed accounts of deployments."""

    command(evidence, "get", short_help="Download the evidence of a deployment.")(get)
    command(evidence, "key", short_help="Download the key that verifies the team's evidence.")(key)
    command(evidence, "verify", short_help="Verify evidence offline.")(verify)


@click.argument("deployment", type=Whole(1))
@click.option("--html", is_flag=True, help="The page for people, instead of JSON.")
@click.option("--output", "-o", type=writable, help="Where to write it.")
def get(app: App, deployment: int, html: bool, output: Path | None):
    """Download the evidence of a deployment, named by its number."""
    target = output or Path(f"deployment-{deployment}-evidence.{'html' if html else 'json'}")
    if html:
        content = app.client.call("GET", f"deployments/{deployment}/evidence/page/").content
    else:
        content = json.dumps(app.client.evidence(deployment), indent=1).encode()
    _write(target, content)
    app.screen.document({"file": str(target)})
    app.screen.line(str(target))


@click.option("--output", "-o", type=writable, default="slipway-evidence-key.pem", show_default=True)
def key(app: App, output: Path):
    """Download the public key that verifies the team's evidence."""
    row = app.client.get("deployments/evidence-key/")
    _write(output, row["public_key"].encode())
    app.screen.document(row)
    app.screen.line(f"{output}: {row['fingerprint']}")


def _write(target: Path, content: bytes) -> None:
    try:
        target.write_bytes(content)
    except OSError as error:
        raise Usage(f"{target} cannot be written: {error.strerror}.") from error


@click.argument("file", type=readable)
@click.option("--key", "key_file", type=readable, help="The team's public key; else the one in the file.")
@click.option("--model", type=readable, help="A .rknn that has to be the deployed one.")
def verify(app: App, file: Path, key_file: Path | None, model: Path | None):
    """Verify the evidence of a deployment, JSON or HTML, without a server; fails if it was changed."""
    known = signed.read_key(key_file.read_text(errors="replace")) if key_file else None
    found = signed.verify(file.read_bytes(), known)
    if model is not None:
        signed.check_model(found, hashlib.sha256(model.read_bytes()).hexdigest())
    app.screen.document({"fingerprint": found.fingerprint, "document": found.document})
    app.screen.line("The signature is valid.")
    for name, value in signed.summary(found):
        app.screen.line(f"  {name}: {value}")
    if known is None:
        app.screen.note("Compare the key with the team's, or give it with --key: anyone can make a key.")
