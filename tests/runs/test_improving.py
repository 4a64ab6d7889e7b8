"""A run that improves the model of another run, by page, API and the worker that trains it."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.datasets.services import create_version
from portal.jobs.execution import job_folder
from portal.jobs.models import Status
from portal.models.models import CompiledModel, Evaluation, Model, Origin
from portal.runs import deletion, improving, lineage, services, smaller
from portal.runs.graph import Graph
from portal.runs.improve_forms import PruningForm
from portal.runs.models import Run
from portal.runs.plan import make_plan
from portal.tasks import Stage
from portal.training import methods
from portal.training.services import prepare
from tests.factories import class_zip
from tests.graphs import chips_of, job_of, model_of
from tests.seed import Seeder, everything


@pytest.fixture
def done(team, alice) -> Run:
    return everything(team, alice)["done"]


def set_drop(drop: float) -> None:
    for row in Evaluation.objects.filter(stage=Stage.SIMULATOR):
        row.parity |= {"drop": drop}
        row.save()


def improve(user, run, **body):
    client = APIClient()
    client.force_authenticate(user)
    return client.post(f"/api/v1/runs/{run.pk}/improve/", {"method": "qat", **body}, format="json")


def test_quantization_aware_training_is_a_run_of_its_own_for_the_same_chips(done, alice):
    set_drop(0.08)
    answer = improve(alice, done)
    assert answer.status_code == 201, answer.json()
    new = Run.objects.get(pk=answer.json()["id"])
    assert (new.cloned_from, new.recipe, chips_of(new)) == (done, done.recipe, ["rv1106"])
    assert new.name == "Digits, fast · Quantization-aware training"
    assert (new.params["epochs"], new.params["learning_rate"]) == (5, 0.005)
    assert not new.steps.filter(kind="deploy").exists()
    made, parent = model_of(new), model_of(done)
    [before] = lineage.before(new)
    assert (before["chip"], before["cycles"], round(before["value"], 3)) == ("rv1106", 1_204_332, 0.987)
    assert (made.origin, made.parent, made.teacher) == (Origin.QUANTIZATION_AWARE, parent, None)
    assert made.params["method"] == {"name": "qat", "parent": parent.pk}


def test_parameters_of_ones_own_replace_those_of_the_method(done, alice):
    set_drop(0.08)
    new = improve(alice, done, name="Rounded", params={"epochs": 2, "seed": 4}).json()
    assert (new["name"], new["params"]["epochs"], new["params"]["seed"]) == ("Rounded", 2, 4)
    assert new["params"]["learning_rate"] == 0.005


def test_a_model_without_a_drop_is_trained_only_if_insisted(done, alice):
    answer = improve(alice, done)
    assert answer.status_code == 400
    [sentence] = answer.json()["errors"]["method"]
    assert sentence.startswith("The int8 model loses 0.3 points of Top-1 against ONNX on 308 validation")
    assert improve(alice, done, anyway=True).status_code == 201


@pytest.mark.parametrize(
    ("method", "field", "owner"),
    [("qat", "share", "prune"), ("prune", "teacher_recipe", "distill"), ("continue", "unit", "prune")],
)
def test_what_another_method_takes_is_refused_and_not_ignored(done, alice, method, field, owner):
    given = {"share": 0.5, "teacher_recipe": "pp_lcnet_x1_0", "unit": "macs"}[field]
    answer = improve(alice, done, method=method, **{field: given})
    assert answer.status_code == 400
    assert answer.json()["errors"][field] == [
        f"Only the method {owner} takes it: choose that one, or leave it out."
    ]


def test_a_method_that_asks_nothing_cannot_be_insisted_on(done, alice):
    [sentence] = improve(alice, done, method="prune", anyway=True).json()["errors"]["anyway"]
    assert sentence == "Only the methods qat, distill take it: choose one of them, or leave it out."
    assert improve(alice, done, method="prune", anyway=False).status_code == 201
    [sentence] = improve(alice, done, method="distill", teacher=999).json()["errors"]["teacher"]
    assert sentence == "Your team has nothing with the number 999 here: choose another."


def test_what_was_never_measured_is_trained_without_insisting(done, alice):
    Evaluation.objects.filter(stage=Stage.SIMULATOR).delete()
    assert improve(alice, done).status_code == 201


def test_an_unknown_method_and_a_wrong_parameter_are_refused_at_their_fields(done, alice):
    assert "method" in improve(alice, done, method="magic").json()["errors"]
    set_drop(0.08)
    assert "epochs" in improve(alice, done, params={"epochs": 0}).json()["errors"]


def test_a_run_without_a_model_and_a_deleted_one_are_refused(done, alice, team):
    waiting = Seeder(team, alice).run(done.dataset_version, status=Status.QUEUED)
    assert "no trained model yet" in improve(alice, waiting).json()["errors"]["method"][0]
    Run.objects.filter(pk=done.pk).update(deleted_at=done.created_at)
    assert improve(alice, done).status_code in (400, 404)


def test_a_viewer_may_not_improve_and_a_stranger_finds_nothing(done, bob, charlie):
    assert improve(bob, done).status_code == 403
    assert improve(charlie, done).status_code == 404


def test_a_clone_of_it_starts_from_the_same_model(done, alice):
    set_drop(0.08)
    new = improve(alice, done).json()["id"]
    client = APIClient()
    client.force_authenticate(alice)
    clone = client.post(f"/api/v1/runs/{new}/clone/", {"params": {"epochs": 9}}, format="json").json()
    assert model_of(Run.objects.get(pk=clone["id"])).parent == model_of(done)
    other = client.post(f"/api/v1/runs/{new}/clone/", {"recipe": "pp_lcnet_x1_0"}, format="json")
    assert other.json()["errors"]["recipe"] == ["It goes on from a trained PP-LCNet x0.25: keep that recipe."]


def test_a_clone_of_it_takes_no_data_of_other_classes(done, alice, team):
    set_drop(0.08)
    new = improve(alice, done).json()["id"]
    other = Seeder(team, alice).version("Others")
    other.class_names = ["good", "bad"]
    other.save()
    client = APIClient()
    client.force_authenticate(alice)
    answer = client.post(f"/api/v1/runs/{new}/clone/", {"dataset_version": other.pk}, format="json")
    assert "other classes" in answer.json()["errors"]["dataset_version"][0]


def test_a_teacher_is_not_compared_with_a_model_without_a_figure(done):
    Evaluation.objects.update(value=None)  # no validation image of a detector has a box
    teacher = model_of(done)
    assert improving._teaches_little(Graph(Run.objects.get(pk=done.pk)), teacher) is None


def test_a_float_model_in_use_is_not_called_int8(done):
    set_drop(0.08)
    for row in CompiledModel.objects.all():
        row.facts |= {"quantized": False}
        row.save()
    graph = Graph(Run.objects.get(pk=done.pk))
    assert improving.worst_drop(graph) is None
    assert "in use is float 16" in improving.needless(graph, "qat")


def test_the_page_says_whether_it_is_worth_it_and_starts_it(done, alices):
    page = alices.get(reverse("run-improve", args=[done.pk])).content.decode()
    assert "there is nothing to win back" in page and "Train anyway" in page
    refused = alices.post(reverse("run-improve", args=[done.pk]), {"method": "qat"})
    assert refused.status_code == 422
    set_drop(0.08)
    page = alices.get(reverse("run-improve", args=[done.pk])).content.decode()
    assert "loses 8.00 points against ONNX" in page and "Train anyway" not in page
    started = alices.post(reverse("run-improve", args=[done.pk]), {"method": "qat", "epochs": "3"})
    new = Run.objects.latest("id")
    assert started.url == reverse("run-detail", args=[new.pk]) and new.params["epochs"] == 3
    shown = " ".join(alices.get(started.url).content.decode().split())
    assert f'Quantization-aware training of <a href="/runs/{done.pk}/">' in shown
    assert "Method Trained → Quantization-aware training" in shown


def test_the_program_starts_from_the_weights_of_the_model(run_jobs, team, alice):
    version = create_version(team, alice, "Pets", class_zip(("cat", "dog")), {})
    first = services.create_run(make_plan(version, preset="fast", chips=["rv1106"]), team, alice)
    run_jobs()
    new = Run.objects.get(pk=improve(alice, first, anyway=True).json()["id"])
    job = job_of(new)
    invocation = prepare(job, job_folder(job))
    weights = invocation.inputs["pretrained"]
    assert Path(weights).read_bytes() == b"fake best_model.pdparams"
    assert invocation.params["method"]["name"] == "qat" and invocation.params["pretrained_notice"] is None
    run_jobs()
    assert Graph(Run.objects.get(pk=new.pk)).run.status == Status.SUCCEEDED


def test_a_training_whose_model_was_deleted_says_so(run_jobs, team, alice):
    version = create_version(team, alice, "Pets", class_zip(("cat", "dog")), {})
    first = services.create_run(make_plan(version, preset="fast", chips=["rv1106"]), team, alice)
    run_jobs()
    new = Run.objects.get(pk=improve(alice, first, anyway=True).json()["id"])
    first.refresh_from_db()
    deletion.delete(first, alice)
    run_jobs()
    new.refresh_from_db()
    assert new.message == "The model that this training starts from was deleted: restore its run."
    assert Model.objects.filter(parent=model_of(first)).exists()


def test_further_training_is_plain_training_from_the_models_weights(done, alice):
    answer = improve(alice, done, method="continue", params={"epochs": 4})
    assert answer.status_code == 201, answer.json()
    made = model_of(Run.objects.get(pk=answer.json()["id"]))
    assert (made.origin, made.parent) == (Origin.CONTINUED, model_of(done))
    assert made.params["epochs"] == 4 and methods.settings(made) is None


def test_further_training_of_a_pruned_model_keeps_its_size(done, alice):
    pruned = model_of(done)
    Model.objects.filter(pk=pruned.pk).update(origin=Origin.PRUNED)
    made = model_of(Run.objects.get(pk=improve(alice, done, method="continue").json()["id"]))
    assert methods.settings(made) == {"name": "continue"}


def test_a_method_that_the_task_does_not_have_is_refused(done, alice, monkeypatch):
    plain = {name: replace(method, tasks=("detection",)) for name, method in methods.METHODS.items()}
    monkeypatch.setattr(improving, "METHODS", plain)
    for method in methods.METHODS:
        assert "works for other tasks" in improve(alice, done, method=method).json()["errors"]["method"][0]


def test_pruning_starts_from_the_model_and_keeps_its_settings(done, alice):
    answer = improve(alice, done, method="prune", share=0.6, importance="fpgm")
    assert answer.status_code == 201, answer.json()
    new = Run.objects.get(pk=answer.json()["id"])
    made = model_of(new)
    assert (made.origin, made.parent) == (Origin.PRUNED, model_of(done))
    assert methods.settings(made) == {"name": "prune", "share": 0.6, "unit": "cycles", "importance": "fpgm"}
    assert (new.params["epochs"], new.params["learning_rate"]) == (12, 0.025)


@pytest.mark.parametrize("share", [0.01, 0, -1, 1.0, 7])
def test_pruning_to_nearly_nothing_or_nothing_at_all_is_refused(done, alice, share):
    answer = improve(alice, done, method="prune", share=share)
    assert answer.json()["errors"]["share"][0].startswith("Leave 10 to 90 % of the cost")


def test_the_page_shows_what_a_pruned_model_is_to_be_compared_with(done, alices):
    address = reverse("run-improve", args=[done.pk])
    page = " ".join(alices.get(address).content.decode().split())
    assert "1,204,332" in page and "98.70 %" in page
    asked = {"method": "prune", "share": "60", "unit": "macs", "importance": "taylor"}
    refused = alices.post(address, {**asked, "share": "1"})
    assert refused.status_code == 422
    assert "Leave 10 to 90 % of the cost" in refused.content.decode()
    assert alices.post(address, asked).status_code == 302
    method = model_of(Run.objects.latest("id")).params["method"]
    assert (method["share"], method["unit"]) == (0.6, "macs")


def test_a_pruned_model_is_compared_with_the_variants_in_use_only(done):
    first, *others = improving.beside(Graph(done))
    CompiledModel.objects.filter(pk=first.pk).update(chosen=False)
    assert improving.beside(Graph(done)) == others


def test_a_smaller_recipe_is_smaller_on_the_runs_chip_at_its_size(done, alices):
    """At 224x224 MobileNetV3 small x0.35 is cheaper than PP-LCNet x0.25, at 64x64 it is not."""
    CompiledModel.objects.update(facts={})  # the recipes' own figures count
    done.recipe, small = "pp_lcnet_x0_25", "mobilenet_v3_small_x0_35"
    for side, found in ((224, [small]), (64, [])):
        done.params["input_size"] = [side, side]
        assert list(smaller.recipes(Graph(done))) == found
    done.recipe = "pp_lcnet_x1_0"
    form = PruningForm(graph=Graph(done))
    assert form["smaller"].value() == next(iter(smaller.recipes(Graph(done))))


def test_a_smaller_recipe_is_trained_as_long_beside_the_pruned_model(done, alices):
    of_done = CompiledModel.objects.filter(model__job__step__run=done)
    of_done.update(facts={"cost": {"cycles": 9_000_000}})
    for rows in (Run.objects.filter(pk=done.pk), Model.objects.filter(job__step__run=done)):
        rows.update(recipe="pp_lcnet_x1_0")
    asked = {"method": "prune", "share": "50", "unit": "cycles", "importance": "l1", "epochs": "5"}
    address = reverse("run-improve", args=[done.pk])
    assert alices.post(address, {**asked, "smaller": "picodet_xs"}).status_code == 422
    answer = alices.post(address, {**asked, "smaller": "pp_lcnet_x0_25"})
    assert answer.status_code == 302, answer.context["forms"]["prune"].errors
    other, pruned = Run.objects.order_by("-id")[:2]
    assert (pruned.recipe, other.recipe) == ("pp_lcnet_x1_0", "pp_lcnet_x0_25")
    assert other.params["epochs"] == done.params["epochs"] + pruned.params["epochs"] == 17
    kept = ("batch_size", "learning_rate", "input_size", "augmentation")
    assert [other.params[name] for name in kept] == [done.params[name] for name in kept]
    assert Graph(other).method == {}


def test_a_model_pruned_by_an_earlier_release_is_counted_in_cycles(done, alice):
    new = improve(alice, done, method="prune").json()["id"]
    model = model_of(Run.objects.get(pk=new))
    assert model.params["method"].pop("unit") == "cycles"
    assert methods.settings(model)["unit"] == "cycles"
