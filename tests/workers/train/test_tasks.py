"""Which task a training is for: known, named by the recipe, and refused with a sentence otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from workers.contract import InputError
from workers.contract.messages import Decoder
from workers.train.plan import read_plan
from workers.train.tasks import TASKS

from .conftest import RECIPE

ROOT = Path(__file__).resolve().parents[3]


def test_a_plan_knows_its_task(spec):
    assert read_plan(spec).task == "classification"


def test_a_specification_without_a_task_is_one_of_classification(spec):
    del spec["params"]["task"]
    spec["params"]["recipe"] = {key: value for key, value in RECIPE.items() if key != "task"}
    assert read_plan(spec).task == "classification"


@pytest.mark.parametrize("task", ["pose", "", "Classification", 7, ["classification"], {"a": 1}, True])
@pytest.mark.parametrize("place", ["params", "recipe"])
def test_an_unknown_task_is_refused_with_the_known_ones(spec, place, task):
    if place == "params":
        spec["params"]["task"] = task
    else:
        spec["params"]["recipe"] = RECIPE | {"task": task}
    with pytest.raises(InputError, match="does not know the task .*, only classification, detection: "):
        read_plan(spec)


def test_a_recipe_of_another_task_than_the_jobs_is_refused(spec, monkeypatch):
    monkeypatch.setitem(TASKS, "pose", TASKS["classification"])
    spec["params"]["task"] = "pose"
    with pytest.raises(InputError, match="asks for pose with a recipe for classification"):
        read_plan(spec)


def test_the_program_refuses_an_unknown_task_as_the_persons_error(spec, tmp_path):
    job = tmp_path / "job"
    job.mkdir()
    spec["params"]["task"] = "pose" * 100
    (job / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "workers.train", str(job)], cwd=ROOT, capture_output=True, timeout=120
    )
    result = json.loads((job / "result.json").read_text(encoding="utf-8"), cls=Decoder)
    assert done.returncode == 1 and result["kind"] == "input"
    assert "does not know the task" in result["message"] and len(result["message"]) < 300


def test_no_other_module_asks_which_task_it_is():
    """What differs between tasks stands in their classes."""
    asking = [
        str(path.relative_to(ROOT))
        for folder in ("workers/train", "workers/convert")
        for path in (ROOT / folder).rglob("*.py")
        if not {".venv", ".suite", "tasks"} & set(path.parts)
        and any(f'"{task}"' in path.read_text(encoding="utf-8") for task in TASKS)
    ]
    assert asking == []
