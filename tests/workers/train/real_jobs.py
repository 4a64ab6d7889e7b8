"""Jobs of the real training program, started as the portal starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.programs import launch
from workers.contract.messages import Decoder

ROOT = Path(__file__).resolve().parents[3]
PYTHON = os.environ.get("TRAIN_PYTHON", str(ROOT / "workers" / "train" / ".venv" / "bin" / "python"))
LIMIT = 600

DESCRIBE_ONNX = """
import json, sys, onnx
graph = onnx.load(sys.argv[1]).graph
sizes = lambda values: {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
print(json.dumps([sizes(graph.input), sizes(graph.output), [n.op_type for n in graph.node]]))
"""


def write_job(folder: Path, spec: dict) -> Path:
    folder.mkdir()
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    return folder


def start(job: Path) -> subprocess.Popen:
    """Start the program as the portal does: confined, leading a session, its output in the job's log."""
    return launch([PYTHON, "-m", "workers.train"], job, time_limit=LIMIT)


def result_of(job: Path) -> dict:
    status = start(job).wait(timeout=LIMIT)
    log = (job / "log.txt").read_text(encoding="utf-8", errors="replace")
    assert (job / "result.json").is_file(), f"status {status}, log:\n{log[-3000:]}"
    return json.loads((job / "result.json").read_text(encoding="utf-8"), cls=Decoder)


def events_of(job: Path) -> list[dict]:
    return [json.loads(line, cls=Decoder) for line in (job / "events.jsonl").read_text().splitlines()]


def wait_for(condition) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)


def resumed_after_kill(folder: Path, spec: dict, is_due) -> Path:
    """Kill a job once ``is_due(job)``, let another one resume it to its end, and return that one."""
    killed = write_job(folder / "killed", spec)
    process = start(killed)
    wait_for(lambda: is_due(killed))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=LIMIT)
    assert not (killed / "result.json").exists()
    resumed = write_job(folder / "resumed", {**spec, "inputs": {**spec["inputs"], "resume": str(killed)}})
    result = result_of(resumed)
    assert result["ok"], result
    assert any(notice.startswith("Went on after epoch") for notice in result["notices"])
    return resumed


def described_onnx(job: Path) -> list[Any]:
    """Return the shapes of the slim model's inputs and outputs, and its operators."""
    argv = [PYTHON, "-c", DESCRIBE_ONNX, str(job / "artifacts" / "model.slim.onnx")]
    described = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=LIMIT)
    return json.loads(described.stdout)
