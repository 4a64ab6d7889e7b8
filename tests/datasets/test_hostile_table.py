"""Every hostile or broken upload of all tables, in a process that may take little memory and little time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import test_detection_layouts
import test_hostile_zips
import test_label_layouts
import test_tars
from hostile_uploads import HOSTILE
from upload_builders import ROOT, job_folder, zipped

from workers.contract.messages import from_json

MEGABYTES = 700  # of address space, of which the program and its libraries take the first two hundred
CPU_SECONDS = 20

SPOKEN = {"spec.json", "events.jsonl", "result.json"}
MADE = {f"artifacts/{name}" for name in ("index.sqlite", "report.json", "packs/key-0.pack")}

CASES = {
    **HOSTILE,
    **{name: (upload, f"refused: {said}") for name, (upload, said) in test_hostile_zips.CASES.items()},
    **{f"tar: {name}": (upload, f"refused: {said}") for name, (upload, said) in test_tars.CASES.items()},
    **{name: (upload, f"refused: {said}") for name, (upload, said) in test_detection_layouts.REFUSED.items()},
    **{name: (upload, code) for name, (upload, code, *_) in test_detection_layouts.CODES.items()},
    **{name: (zipped(files), f"refused: {said}")
       for name, (files, said) in test_label_layouts.REFUSED.items()},
}  # fmt: skip
NUMBERS = {name: f"{number:03d}" for number, name in enumerate(CASES)}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> Path:
    """A folder with a job folder for each case, after the program has run on all of them."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, (upload, _) in CASES.items():
        uploads = folder.parent / f"{folder.name}-{NUMBERS[name]}"
        uploads.mkdir()
        job_folder(uploads, upload() if callable(upload) else upload).rename(folder / NUMBERS[name])
    subprocess.run(
        [sys.executable, "-m", "tests.datasets.bounded", str(folder), str(MEGABYTES), str(CPU_SECONDS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    return folder


def test_there_are_enough_of_them():
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_or_read_within_bounds_and_leaves_nothing(outcomes, name):
    folder, (_, expected) = outcomes / NUMBERS[name], CASES[name]
    log = (outcomes / f"{NUMBERS[name]}.log").read_text()
    assert (folder / "result.json").exists(), log  # killed, or a defect of ours
    result = json.loads((folder / "result.json").read_text())
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left <= SPOKEN | MADE if result["ok"] else left <= SPOKEN
    if expected.startswith("refused: "):
        assert not result["ok"] and result["kind"] == "input"
        assert expected.removeprefix("refused: ") in str(from_json(result["message"]))
        return
    assert result["ok"], log
    assert expected == "read" or expected in [item["code"] for item in result["findings"]]
