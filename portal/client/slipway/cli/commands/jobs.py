"""Jobs: list, log, cancel, retry, download their files."""

from __future__ import annotations

from pathlib import Path

import click

from slipway import Client, lookup, waiting
from slipway.cli import follow
from slipway.cli.app import App, at, command, limited
from slipway.cli.screen import Screen, seconds, size
from slipway.client import fits
from slipway.errors import NotFound
from slipway.types import StoredFile

STATUSES = ["queued", "running", "cancelling", "succeeded", "failed", "cancelled"]
REFERENCE = click.argument("reference", metavar="RUN|job/N")


def add_to(group: click.Group) -> None:
    command(group, "jobs", at("jobs/"), short_help="List jobs, newest first.")(jobs)
    command(group, "log", _page, short_help="Print a job's log; -f follows it.")(log)
    command(group, "cancel", short_help="Stop a run or a job.")(cancel)
    command(group, "retry", short_help="Retry the failed steps of a run, or a job.")(retry)
    command(group, "download", short_help="Download files of a run or a job.")(download)


by_status = click.option("--status", type=click.Choice(STATUSES))


@click.option("--kind", help="Such as train, convert or deploy.")
@by_status
@limited
def jobs(app: App, kind: str | None, status: str | None, limit: int):
    """List jobs, newest first."""
    rows = app.rows("jobs/", limit, kind=kind, status=status)
    app.screen.document(rows)
    cells = [
        (f"job/{row['id']}", row["kind"], row["status"], row["phase"], seconds(row["seconds"]),
         row["created_by"], row["message"])
        for row in rows
    ]  # fmt: skip
    app.screen.table(["Job", "Kind", "Status", "Phase", ">Took", "By", "Message"], cells)


def _page(app: App, job: str, to_follow: bool) -> str:
    return f"jobs/{lookup.number(job, 'job')}/"


@click.argument("job", metavar="JOB")
@click.option("-f", "--follow", "to_follow", is_flag=True, help="Follow the log until the job ends.")
def log(app: App, job: str, to_follow: bool):
    """Print a job's log. With -f, follow it to the job's end; the outcome is the exit code."""
    job_id = lookup.number(job, "job")
    text = []
    with follow.goes_on(f"Job {job_id} goes on without us."):
        for piece in app.client.log(job_id, follow=to_follow):
            text.append("" if app.screen.is_plain else piece)
            app.screen.raw(piece)
    row = app.client.get(f"jobs/{job_id}/") if to_follow or not app.screen.is_plain else {}
    app.screen.document({"job": row, "log": "".join(text)})
    if to_follow:
        waiting.succeeded(f"Job {job_id}", row)


@REFERENCE
def cancel(app: App, reference: str):
    """Stop a run, or a job by job/N. A finished one stays as it is."""
    kind, number = lookup.run_or_job(reference)
    row = app.client.post(f"{kind}s/{number}/cancel/")
    app.screen.document(row)
    app.screen.line(f"{kind.capitalize()} {number} is {row['status']}.")


@REFERENCE
@click.option("--watch", is_flag=True, help="Wait for its end; the outcome is the exit code.")
def retry(app: App, reference: str, watch: bool):
    """Retry a run's failed and cancelled steps, or a job by job/N."""
    kind, number = lookup.run_or_job(reference)
    row = app.client.post(f"{kind}s/{number}/retry/")
    if watch:
        follower = follow.run if kind == "run" else _follow_job
        row = follower(app.client, app.screen, row["id"])
    app.screen.document(row)
    app.screen.line(f"{kind.capitalize()} {row['id']} is {row['status']}.")
    if watch:
        waiting.succeeded(f"{kind.capitalize()} {row['id']}", row)


def _follow_job(client: Client, screen: Screen, number: int) -> dict:
    return follow.job(client, screen, number, f"Job {number}")


@REFERENCE
@click.argument("names", nargs=-1, metavar="[FILE]...")
@click.option("-o", "--output", "directory", type=click.Path(path_type=Path, file_okay=False), default=Path(),
              help="Where to put them.  [default: here]")  # fmt: skip
@click.option("--list", "only_list", is_flag=True, help="List the files with their hashes; download none.")
def download(app: App, reference: str, names: tuple[str, ...], directory: Path, only_list: bool):
    """Download the files of a run, or of one job by job/N.

    FILE is a name as shown by --list, or a pattern such as '*.rknn'. An interrupted download is resumed;
    every file is checked against its SHA-256.
    """
    found = wanted_files(app.client, *lookup.run_or_job(reference), names)
    paths = [None if only_list else str(_fetch(app, row, directory)) for row in found]
    app.screen.document(
        [
            {"name": row["name"], "size": row["size"], "sha256": row["sha256"], "path": path}
            for row, path in zip(found, paths, strict=True)
        ]
    )
    app.screen.table(
        ["File", ">Size", "SHA-256"], [(row["name"], size(row["size"]), row["sha256"]) for row in found]
    )


def _fetch(app: App, row: StoredFile, directory: Path) -> Path:
    with app.screen.bytes_bar(row["name"], row["size"]) as on_bytes:
        return app.client.fetch(row, directory, on_bytes)


def wanted_files(client: Client, kind: str, number: int, names: tuple[str, ...]) -> list[StoredFile]:
    """Files by name or pattern; all of them if none is given. Raises NotFound if a name matches none.

    A run's files are prefixed with their step: ``train/model.onnx``, ``rv1106/model.rknn``.
    """
    known = client.job_files(number) if kind == "job" else client.files(number)
    if not names:
        return known
    for name in names:
        if not any(fits(row, name) for row in known):
            raise NotFound(f"{kind.capitalize()} {number} has no file {name!r}: see  slipway download --list")
    return [row for row in known if any(fits(row, name) for name in names)]
