"""The main job, done by the command-line client, with its progress in the terminal."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from portal.cli import files, follow
from portal.cli.client import Client
from portal.cli.packing import source_of
from portal.cli.push import push
from portal.cli.screen import Screen, percent

DEVICE_NAME = "Virtual board"


def run_demo(client: Client, archive: Path, board: dict, folder: Path, console: Console) -> dict:
    """Upload ``archive``, run the whole job on ``board`` and write ``report.json`` into ``folder``.

    ``board`` has host, port, username and password. Returns the report; raises CliError when the run
    fails.
    """
    device = _device(client, board)
    screen = Screen()
    version = push(client, screen, source_of(archive), "Handwritten digits")
    run = client.post(
        "runs/", json={"dataset_version": version["id"], "preset": "fast", "devices": [device["id"]]}
    )
    console.print(f"Uploaded {archive.name}; run {run['id']} follows: {client.base}/runs/{run['id']}/")
    run = follow.until_final(client, screen, f"runs/{run['id']}/", follow.steps_of)
    follow.succeeded(f"Run {run['id']}", run)
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


def _write_report(client: Client, run: dict, folder: Path) -> dict:
    folder.mkdir(parents=True, exist_ok=True)
    full = client.get(f"runs/{run['id']}/report/")
    model, board = full["models"][0], full["boards"][0]
    path = f"jobs/{run['compiled_models'][0]['job']['id']}/files/model.rknn"
    rknn = files.download(client, path, folder / "model.rknn", model["rknn_sha256"])
    report = {
        "paddle_top1": full["paddle_value"],
        "onnx_top1": model["onnx_value"],
        "int8_top1": model["int8_value"],
        "board_top1": board["board_value"],
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
    table.add_row("Paddle", percent(report["paddle_top1"]), str(images), "Paddle Inference, float")
    table.add_row(
        "ONNX", percent(report["onnx_top1"]), str(run["models"][0]["images"]), "ONNX Runtime, float"
    )
    table.add_row(
        f"RKNN int8, {chip}", percent(report["int8_top1"]), str(run["models"][0]["images"]),
        "rknn-toolkit2 simulator",
    )  # fmt: skip
    table.add_row("Board", percent(report["board_top1"]), str(report["board_images"]), report["board_engine"])
    console.print(table)
    console.print(
        f"The board agrees with the simulator on {percent(report['board_agreement'])} of its images. "
        f"{report['seconds']['total']:.0f} s from upload to answers, "
        f"{report['seconds']['portal']:.1f} s of them the portal's own.",
        soft_wrap=True,
    )
