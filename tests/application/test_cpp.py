"""The programs in C++ build without a warning and print what they should, against stand-ins for the SDK."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from portal.application import downloads
from tests.seed import Seeder

pytestmark = pytest.mark.django_db
SDK = Path(__file__).parent / "sdk"
LABELS = ["bolt", 'a "nut"', "划痕"]
EXPECTED = {
    "classification": [{"label": name, "score": 0.5} for name in LABELS[:2]],
    "detection": [
        {"boxes": [
            {"label": "bolt", "score": 0.25, "box": [1, 2, 30, 40]},
            {"label": "99", "score": 0.9, "box": [5, 6, 7, 8]},
        ]},
        {"boxes": []},
    ],
}  # fmt: skip


@pytest.mark.parametrize("task", EXPECTED)
def test_it_builds_and_prints_a_line_of_json_for_each_picture(team, alice, task, tmp_path, monkeypatch):
    device = Seeder(team, alice).device()
    version = SimpleNamespace(class_names=LABELS)
    model = SimpleNamespace(task=task, dataset_version=version, shown_from=0.25)
    deployment = SimpleNamespace(compiled_model=SimpleNamespace(model=model))
    monkeypatch.setattr(downloads.running, "current_deployment", lambda _device: deployment)
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "model.rknn").touch()
    for name, content in downloads._cpp(device).items():
        text = content.decode().replace(json.dumps(device.board_profile.root), json.dumps(str(tmp_path)))
        (tmp_path / name).write_text(text, encoding="utf-8")
    program = tmp_path / "slipway_app"
    flags = ["-std=c++14", "-Wall", "-Wextra", "-Werror", "-pthread", "-I", SDK]
    built = subprocess.run(
        ["g++", *flags, "-o", program, tmp_path / "main.cpp"], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert [json.loads(line) for line in done.stdout.splitlines()] == EXPECTED[task]
    assert done.returncode == 1 and "no pictures any more" in done.stderr
