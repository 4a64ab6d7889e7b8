"""The main workflow, driven by the Python client, with its progress in the terminal."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table
from slipway import Client, waiting
from slipway.cli import follow
from slipway.cli.screen import Screen, percent

from portal.datasets.samples import Sample

DEVICE_NAME = "Virtual board"


def run_demo(client: Client, sample: Sample, board: dict, folder: Path, console: Console) -> dict:
    """Upload a sample, run the whole workflow on ``board`` and write ``report.json`` into ``folder``.

    ``board`` has host, port, username and password. Returns the report; raises SlipwayError if the run fails.
    """
    device = _device(client, board)
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / sample.file_name
    with archive.open("wb") as file:
        sample.write(file)
    version = client.upload(archive, sample.name, wait=False)
    run = client.run(version, preset=sample.preset, devices=[device])
    console.print(f"Uploaded {archive.name}; run {run['id']} follows: {client.base}/runs/{run['id']}/")
    run = follow.run(client, Screen(), run["id"])
    waiting.succeeded(f"Run {run['id']}", run)
    return _write_report(client, run, folder)


def _device(client: Client, board: dict) -> dict:
    known = list(client.devices())
    for row in known:
        if row["name"] == DEVICE_NAME and row["port"] == board["port"]:
            return row
    name = DEVICE_NAME
    if name in {row["name"] for row in known}:
        name = f"{DEVICE_NAME} on port {board['port']}"
    return client.post("devices/", json={"name": name, "profile": "virtual", **board})


def _write_report(client: Client, run: dict, folder: Path) -> dict:
    full = client.report(run)
    model, board = full["models"][0], full["boards"][0]
    metric = full["metric"]["name"]
    file = next(row for row in client.files(run) if row["sha256"] == model["rknn_sha256"])
    rknn = client.fetch({**file, "name": "model.rknn"}, folder)
    report = {
        f"paddle_{metric}": full["paddle_value"],
        f"onnx_{metric}": model["onnx_value"],
        f"int8_{metric}": model["int8_value"],
        f"board_{metric}": board["board_value"],
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
    metric = run["metric"]["name"]
    images = run["dataset"][f"{run['split']}_images"]
    table = Table(title="Accuracy at each stage, on images held out from training", title_justify="left")
    for heading, justify in (
        ("Stage", "left"),
        (run["metric"]["title"], "right"),
        ("Images", "right"),
        ("Measured with", "left"),
    ):
        table.add_column(heading, justify=justify)
    chip = run["models"][0]["chip"]
    table.add_row("Paddle", percent(report[f"paddle_{metric}"]), str(images), "Paddle Inference, float")
    table.add_row(
        "ONNX", percent(report[f"onnx_{metric}"]), str(run["models"][0]["images"]), "ONNX Runtime, float"
    )
    table.add_row(
        f"RKNN int8, {chip}", percent(report[f"int8_{metric}"]), str(run["models"][0]["images"]),
        "rknn-toolkit2 simulator",
    )  # fmt: skip
    table.add_row(
        "Board", percent(report[f"board_{metric}"]), str(report["board_images"]), report["board_engine"]
    )
    console.print(table)
    console.print(
        f"The board agrees with the simulator on {percent(report['board_agreement'])} of its images. "
        f"{report['seconds']['total']:.0f} s from upload to answers, "
        f"{report['seconds']['portal']:.1f} s of them the portal's own.",
        soft_wrap=True,
    )
