"""The main job, done by a client of the REST API, with its progress in the terminal."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from portal.core.client import ApiError, Client

POLL_SECONDS = 0.5
DEVICE_NAME = "Virtual board"


def run_demo(client: Client, archive: Path, board: dict, folder: Path, console: Console) -> dict:
    """Upload ``archive``, run the whole job on ``board`` and write ``report.json`` into ``folder``.

    ``board`` has host, port, username and password. Returns the report; raises ApiError when the run
    fails.
    """
    device = _device(client, board)
    with archive.open("rb") as file:
        version = client.post(
            "datasets/", data={"name": "Handwritten digits"}, files={"file": (archive.name, file)}
        )
    run = client.post(
        "runs/", json={"dataset_version": version["id"], "preset": "fast", "devices": [device["id"]]}
    )
    console.print(f"Uploaded {archive.name}; run {run['id']} follows: {client.base}/runs/{run['id']}/")
    run = _follow(client, run["id"], console)
    if run["status"] != "succeeded":
        raise ApiError(run["message"] or f"The run ended as {run['status']}.")
    return _write_report(client, run, folder)


def _device(client: Client, board: dict) -> dict:
    for known in client.get("devices/")["results"]:
        if known["name"] == DEVICE_NAME and known["port"] == board["port"]:
            return known
    name = DEVICE_NAME
    taken = {known["name"] for known in client.get("devices/")["results"]}
    if name in taken:
        name = f"{DEVICE_NAME} on port {board['port']}"
    return client.post("devices/", json={"name": name, "profile": "virtual", **board})


def _steps(run: dict) -> list[tuple[str, dict | None]]:
    rows = [("Data", run["ingest_job"]), ("Train", run["trained_model"]["job"])]
    rows += [(f"RKNN {model['chip']}", model["job"]) for model in run["compiled_models"]]
    rows += [(f"Board {row['device_name']}", row["job"]) for row in run["deployments"]]
    return rows


def _follow(client: Client, run_id: int, console: Console) -> dict:
    columns = [
        TextColumn("{task.description}", table_column=None),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    ]
    shown: dict[str, tuple] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bars: dict[str, int] = {}
        while True:
            run = client.get(f"runs/{run_id}/")
            for name, job in _steps(run):
                if name not in bars:
                    bars[name] = progress.add_task(name, total=100, start=False, state="waiting")
                _show(progress, bars[name], job)
                _print_phase(console, shown, name, job)
            if run["status"] in ("succeeded", "failed", "cancelled"):
                return run
            time.sleep(POLL_SECONDS)


def _show(progress: Progress, bar: int, job: dict | None) -> None:
    if job is None or job["status"] == "queued":
        return
    progress.start_task(bar)
    done = 100 if job["status"] == "succeeded" else job["percent"] or 0
    state = job["phase"] if job["status"] == "running" else job["status"]
    progress.update(bar, completed=done, state=state)
    if job["finished_at"]:
        progress.stop_task(bar)


def _print_phase(console: Console, shown: dict, name: str, job: dict | None) -> None:
    """Without a terminal there are no bars: say each new phase on a line instead."""
    if console.is_terminal or job is None:
        return
    now = (job["status"], job["phase"])
    if shown.get(name) != now:
        shown[name] = now
        console.print(f"{name}: {job['status']} {job['phase']}")


def _write_report(client: Client, run: dict, folder: Path) -> dict:
    folder.mkdir(parents=True, exist_ok=True)
    full = client.get(f"runs/{run['id']}/report/")
    model, board = full["models"][0], full["boards"][0]
    rknn = folder / "model.rknn"
    client.download(f"jobs/{run['compiled_models'][0]['job']['id']}/files/model.rknn", rknn)
    report = {
        "paddle_top1": full["paddle_top1"],
        "onnx_top1": model["onnx_top1"],
        "int8_top1": model["int8_top1"],
        "board_top1": board["board_top1"],
        "board_images": board["images"],
        "board_agreement": board["agreement"],
        "board_engine": board["engine"],
        "seconds": {
            **full["seconds"],
            "steps": {step["step"]: step["seconds"] for step in full["steps"]},
            "tools": {step["step"]: step["tool_seconds"] for step in full["steps"]},
        },
        "rknn_path": str(rknn),
        "page": f"{client.base}/runs/{run['id']}/",
        "run": full,
    }
    (folder / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=2), encoding="utf-8")
    return report


def print_table(report: dict, console: Console) -> None:
    run = report["run"]
    images = run["dataset"]["val_images"]
    table = Table(title="Accuracy at each hop, on images held out from training", title_justify="left")
    for heading, justify in (
        ("Hop", "left"),
        ("Top-1", "right"),
        ("Images", "right"),
        ("Measured with", "left"),
    ):
        table.add_column(heading, justify=justify)
    chip = run["models"][0]["chip"]
    table.add_row("Paddle", _percent(report["paddle_top1"]), str(images), "Paddle Inference, float")
    table.add_row(
        "ONNX", _percent(report["onnx_top1"]), str(run["models"][0]["images"]), "ONNX Runtime, float"
    )
    table.add_row(
        f"RKNN int8, {chip}", _percent(report["int8_top1"]), str(run["models"][0]["images"]),
        "rknn-toolkit2 simulator",
    )  # fmt: skip
    table.add_row(
        "Board", _percent(report["board_top1"]), str(report["board_images"]), report["board_engine"]
    )
    console.print(table)
    console.print(
        f"The board agrees with the simulator on {_percent(report['board_agreement'])} of its images. "
        f"{report['seconds']['total']:.0f} s from upload to answers, "
        f"{report['seconds']['portal']:.1f} s of them the portal's own.",
        soft_wrap=True,
    )


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{100 * value:.2f} %"
