"""History, comparison, provenance, and the queue."""

from __future__ import annotations

import re
from pathlib import Path

import click

from slipway import files, lookup
from slipway.cli.app import App, at, command, limited, since, until
from slipway.cli.screen import percent, seconds, size
from slipway.errors import NotFound, Usage


def add_to(group: click.Group) -> None:
    command(group, "history", at("history/"), short_help="List runs and jobs, newest first.")(history)
    command(group, "compare", _page, short_help="Compare two to six runs.")(compare)
    command(group, "provenance", short_help="Find where a file comes from, by its SHA-256.")(provenance)
    command(group, "queue", at("jobs/"), short_help="Show running and queued jobs.")(queue)
    command(group, "hosts", at("jobs/hosts/"), short_help="Show the hosts of this server's workers.")(hosts)


@click.argument("words", required=False)
@click.option("--kind", help="run, or a job's kind, such as train.")
@click.option("--status", help="Such as failed.")
@click.option("--person", help="Who started it.")
@since
@until
@limited
def history(app: App, words: str | None, limit: int, **wanted):
    """List all runs and jobs of the team, newest first. WORDS are searched for in names, notes, tags and
    messages.
    """
    rows = app.rows("history/", limit, q=words, **wanted)
    app.screen.document(rows)
    cells = [
        (f"{row['type']}/{row['id']}", row["kind"], row["name"] or row["about"], row["status"],
         seconds(row["seconds"]), percent(row["value"]), row["created_by"], row["message"])
        for row in rows
    ]  # fmt: skip
    app.screen.table(["What", "Kind", "Name", "Status", ">Took", ">Accuracy", "By", "Message"], cells)


def _ids(runs: tuple[str, ...]) -> str:
    return ",".join(str(lookup.number(run, "run")) for run in runs)


def _page(app: App, runs: tuple[str, ...], **values) -> str:
    return f"runs/compare/?ids={_ids(runs)}"


@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--all", "everything", is_flag=True, help="Include rows that are the same for all.")
def compare(app: App, runs: tuple[str, ...], everything: bool):
    """Compare two to six runs: settings, results, and each class."""
    found = app.client.get("runs/compare/", ids=_ids(runs))
    app.screen.document(found)
    heads = [f"run/{run['id']}" for run in found["runs"]]
    for title in ("parameters", "results", "classes"):
        rows = [row for row in found[title] if everything or row["differs"]]
        cells = [(row["name"], *(_value(value, row["unit"]) for value in row["values"])) for row in rows]
        if cells:
            app.screen.table([title.capitalize(), *heads], cells)
    for sentence in found["notices"]:
        app.screen.line(sentence)


def _value(value, unit: str) -> str:
    if isinstance(value, list):
        return " / ".join(_value(one, unit) for one in value)
    if value is None:
        return ""
    told = {"share": percent, "seconds": seconds, "size": size, "bytes": size}.get(unit, str)
    return str(told(value))


@click.argument("what", metavar="SHA-256|FILE")
def provenance(app: App, what: str):
    """Find the run, job or dataset that a file belongs to, and the devices that have it."""
    path = Path(what)
    if path.is_file():
        what = files.sha256_of(path)
    elif not re.fullmatch(r"[0-9a-fA-F]{8,64}", what):
        raise Usage(f"{what!r} is neither a file here nor 8 to 64 digits of a SHA-256.")
    rows = app.client.get("provenance/", sha256=what)["matches"]
    if not rows:
        raise NotFound(f"No file of this team has the SHA-256 {what}.")
    app.screen.document(rows)
    cells = [
        (row["name"], f"run/{row['run']}" if row["run"] else "", row["dataset_version"],
         ", ".join(place["device"] for place in row["devices"]), row["sha256"])
        for row in rows
    ]  # fmt: skip
    app.screen.table(["File", "Run", ">Dataset version", "Devices", "SHA-256"], cells)


@limited
def queue(app: App, limit: int):
    """Show running and waiting jobs of each queue. Jobs of other teams appear without details."""
    found = app.client.get("queue/")
    app.screen.document(found)
    rows = [(one["queue"], row) for one in found for row in (*one["running"], *one["waiting"])]
    cells = [
        (name, f"job/{row['id']}" if row["id"] else "another team's", row["kind"], row["created_by"],
         row["phase"] or "running" if row["started_at"] else f"place {row['position']}",
         seconds(row["ends_in"] if row["started_at"] else row["starts_in"]), row["waits_for"])
        for name, row in app.cut(rows, limit)
    ]  # fmt: skip
    for one in found:
        if one["problem"]:
            app.screen.note(one["problem"])
    app.screen.table(["Queue", "Job", "Kind", "By", "State", ">Ends or starts in", "Waits for"], cells)


@limited
def hosts(app: App, limit: int):
    """Show the hosts on which workers run, for administrators of the server."""
    found = app.client.get("hosts/")
    app.screen.document(found)
    rows = [(host, worker) for host in found for worker in host["workers"]]
    cells = [
        (host["name"], worker["name"], worker["state"], ", ".join(worker["queues"]), worker["device"],
         worker["version"], host["cached"], ", ".join(f"job/{job['id']}" for job in host["jobs"]))
        for host, worker in app.cut(rows, limit)
    ]  # fmt: skip
    app.screen.table(["Host", "Worker", "State", "Queues", "Device", "Version", ">Cached", "Runs"], cells)
