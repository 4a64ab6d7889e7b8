"""A task is added by a class in the portal and in the programs; the rest follows, from plan to report."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.urls import reverse

from portal import tasks
from portal.core import configs
from portal.jobs.models import Status
from portal.runs.plan import make_plan
from portal.runs.report import report
from portal.runs.services import create_run
from portal.tasks.classification import Classification
from portal.tasks.figures import LOSS, Chart, Column, Line
from tests.datasets.index_builders import ready_version
from tests.fakes import tasks as fakes
from tests.graphs import compiled_of


class Counting(Classification):
    """As the fake programs know it: it is measured by its hits."""

    name, metric, metric_title, class_metric = "counting", "hits", "Hits", "hit"
    charts = (LOSS, Chart("hits", "Hits, %", (Line("val/hits", "validation", "Hits by epoch"),), share=True))
    class_columns = (Column("hit", "Hit", "share"),)

    def summarise(self, predictions, class_names):
        return fakes.TASKS[self.name].metrics(predictions, class_names, 0.5)

    def doubts(self, metrics, before):
        return []

    def interval(self, metrics):
        return None


@pytest.fixture
def run(monkeypatch, run_jobs, team, alice):
    recipe = replace(configs.recipes()["pp_lcnet_x0_25"], task="counting")
    recipes = configs.recipes() | {recipe.name: recipe}
    monkeypatch.setattr(configs, "recipes", lambda: recipes)
    monkeypatch.setitem(tasks.TASKS, "counting", Counting())
    version = ready_version(team, alice, task="counting")
    run = create_run(make_plan(version, recipe=recipe.name, chips=["rv1106"]), team, alice)
    run_jobs()
    run.refresh_from_db()
    return run


def test_it_is_trained_converted_and_reported_by_its_own_metric(run):
    assert run.status == Status.SUCCEEDED, run.message
    told = report(run)
    assert (run.task, told["metric"]) == ("counting", {"name": "hits", "title": "Hits"})
    assert (told["paddle_value"], told["models"][0]["int8_value"]) == (0.96, 0.95)
    assert told["paddle_top1"] is None, "it has none"
    assert compiled_of(run).get().model.task == "counting"


def test_its_pages_show_its_charts_columns_and_words(run, alices):
    page = alices.get(run.get_absolute_url()).content.decode()
    for words in ("Hits on 6 validation images", "Hits, %", ">Hit</th>", "96.00 %"):
        assert words in page, words
    assert "Top-1" not in page
    assert ">Hits</th>" in alices.get(reverse("run-list")).content.decode()
    assert "Hits, int8" in alices.get(reverse("model-list")).content.decode()


def test_runs_of_it_are_compared_by_it(run, alices, alice):
    plan = make_plan(run.dataset_version, recipe=run.recipe, chips=["rv1106"])
    again = create_run(plan, run.team, alice)
    own = alices.get("/api/v1/runs/compare/", {"ids": f"{run.pk},{again.pk}"}).json()
    assert {row["name"] for row in own["results"]} >= {"paddle_hits", "int8_hits.rv1106"}
