"""A share that pruning cannot reach is refused before anything is trained, and the least one named."""

from __future__ import annotations

import dataclasses

import pytest
import yaml
from django.urls import reverse
from rest_framework.test import APIClient

from portal.core import configs
from portal.core.configs import Recipe
from portal.core.configs.recipe import PruningLimit
from portal.models.models import Origin
from portal.runs import pruning_limits
from portal.runs.graph import Graph
from portal.runs.improve_forms import FORMS, PruningForm
from portal.runs.models import Run
from tests.bench import pruning_limits as bench
from tests.graphs import model_of
from tests.seed import everything


@pytest.fixture
def done(team, alice) -> Run:
    return everything(team, alice)["done"]


@pytest.fixture
def limits(monkeypatch, done):
    """Set what is known of the run's recipe at its size."""

    def known(cycles=0.414, macs=0.25, **parts):
        rows = (PruningLimit(tuple(done.params["input_size"]), cycles, macs),)
        book: Recipe = dataclasses.replace(configs.recipes()[done.recipe], pruning=rows, **parts)
        books = dict(configs.recipes()) | {done.recipe: book}
        monkeypatch.setattr(configs, "recipes", lambda: books)

    return known


def improve(user, run, **body):
    client = APIClient()
    client.force_authenticate(user)
    return client.post(f"/api/v1/runs/{run.pk}/improve/", {"method": "prune", **body}, format="json")


def test_a_share_below_the_least_is_refused_and_the_least_is_accepted(limits, done, alice):
    limits()
    [sentence] = improve(alice, done, share=0.41).json()["errors"]["share"]
    assert sentence.startswith("Pruning leaves at least 42 % of this model's cost")
    assert "choose 42 or more" in sentence
    assert improve(alice, done, share=0.42).status_code == 201
    assert improve(alice, done, share=0.26, unit="macs").status_code == 201


def test_the_page_names_the_least_and_proposes_no_refused_one(limits, done, alices):
    limits(cycles=0.613, macs=0.25)
    address = reverse("run-improve", args=[done.pk])
    page = alices.get(address).content.decode()
    assert "at least 62 % of the cycles or 25 % of the MACs remain" in page
    asked = {"method": "prune", "unit": "cycles", "importance": "taylor"}
    refused = alices.post(address, asked | {"share": "50"})
    assert refused.status_code == 422 and "choose 62 or more" in refused.content.decode()
    proposed = PruningForm(graph=Graph(done))["share"].value()
    assert proposed == 62 and alices.post(address, asked | {"share": str(proposed)}).status_code == 302


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"unprunable": True}, "its layers read channels in another order: train a smaller recipe"),
        ({"cycles": 0.97, "macs": 0.95}, "too narrow: at least 95 % of its cost remains"),
    ],
)
def test_what_cannot_be_pruned_at_all_says_so_by_page_and_api(limits, done, alice, alices, known, words):
    limits(**known)
    assert words in improve(alice, done, share=0.5).json()["errors"]["method"][0]
    assert words in alices.get(reverse("run-improve", args=[done.pk])).content.decode()


def test_a_model_that_is_pruned_already_has_less_to_lose(limits, done):
    limits(cycles=0.3)
    model = model_of(done)
    assert pruning_limits.least_share(model, "cycles") == pytest.approx(0.3)
    model.origin, model.params["method"] = Origin.PRUNED, {"name": "prune", "share": 0.5}
    assert pruning_limits.least_share(model, "cycles") == pytest.approx(0.6)
    assert pruning_limits.least_share(model, "macs") == pytest.approx(0.25)


def test_recipes_that_were_not_measured_refuse_nothing(done, alice, monkeypatch):
    book = dataclasses.replace(configs.recipes()[done.recipe], pruning=())
    books = dict(configs.recipes()) | {done.recipe: book}
    monkeypatch.setattr(configs, "recipes", lambda: books)
    assert improve(alice, done, share=0.11).status_code == 201
    assert pruning_limits.default_share(model_of(done)) == 50


@pytest.mark.parametrize("book", configs.recipes().values(), ids=lambda book: book.name)
def test_every_recipe_was_measured_at_each_of_its_sizes(book):
    assert book.unprunable or {row.input_size for row in book.pruning} == set(book.input_sizes)


def test_the_bench_writes_limits_that_it_reads_again():
    limit = {"64x64": {"cycles": 0.5, "macs": 0.25}}
    once = bench.written("name: tiny\ncosts:\n  - {a: 1}\n", limit)
    assert bench.written(once, limit) == once
    assert yaml.safe_load(once)["pruning"] == [{"input_size": [64, 64], "cycles": 0.5, "macs": 0.25}]
    entangled = bench.written(once, {"64x64": {"refused": "conv"}})
    assert yaml.safe_load(entangled) == {"name": "tiny", "costs": [{"a": 1}], "unprunable": True}
    assert "pruning:" not in entangled and "pruning:" in bench.written(entangled, limit)


def test_methods_without_a_measured_gain_for_a_task_say_so(done, alices):
    address = reverse("run-improve", args=[done.pk])
    assert "No gain has been measured" not in alices.get(address).content.decode()
    Run.objects.filter(pk=done.pk).update(recipe="picodet_xs", task="detection")
    found = {name: form(graph=Graph(Run.objects.get(pk=done.pk))).is_unproven for name, form in FORMS.items()}
    assert found == {"qat": True, "distill": True, "prune": True, "continue": False}
