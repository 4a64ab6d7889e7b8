"""Measures the portal's own share of the main job's time.

    .venv/bin/python -m tests.bench.overhead [--repeat N]

Runs the demo in an empty folder of its own, N times (default 1), and takes the run's report: seconds
from the accepted upload to the board's answers, less the seconds that the worker programs measured
inside PaddleX, paddle2onnx, rknn-toolkit2 and on the board. Everything else is overhead: the queue,
process starts, staging, storage, the dataset's check, and also onnxslim and ONNX Runtime.
Prints one JSON object as its last line; of several runs, the one with the largest overhead.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NOT_OVERHEAD = ("paddlex", "paddle2onnx", "rknn-toolkit2", "board")


def measure() -> dict:
    with tempfile.TemporaryDirectory(prefix="slipway-overhead-") as folder:
        env = os.environ | {"SLIPWAY_VAR": folder, "DEMO_EXIT": "1", "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "manage.py", "demo"], cwd=ROOT, env=env, check=True)
        report = json.loads(Path(folder, "demo", "report.json").read_text(encoding="utf-8"))
    return figures(report)


def figures(report: dict) -> dict:
    seconds = report["seconds"]
    tools: dict[str, float] = {}
    for step in seconds["tools"].values():
        for tool, spent in step.items():
            tools[tool] = round(tools.get(tool, 0.0) + spent, 3)
    inside = sum(spent for tool, spent in tools.items() if tool in NOT_OVERHEAD)
    overhead = seconds["total"] - inside
    return {
        "total_seconds": seconds["total"],
        "overhead_seconds": round(overhead, 3),
        "overhead_share": round(overhead / seconds["total"], 4),
        "tool_seconds": tools,
        "step_seconds": seconds["steps"],
        "int8_top1": report["int8_top1"],
        "onnx_top1": report["onnx_top1"],
        "board_agreement": report["board_agreement"],
        "board_images": report["board_images"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=1)
    runs = [measure() for _ in range(parser.parse_args().repeat)]
    print(json.dumps(max(runs, key=lambda run: run["overhead_seconds"])))


if __name__ == "__main__":
    main()
