"""Distillation: a model learns from a teacher, also from images that nobody labelled."""

from pathlib import Path

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.core import configs
from portal.datasets import usage
from portal.datasets.services import create_version
from portal.jobs.execution import job_folder
from portal.jobs.models import Job, Status
from portal.models.models import Evaluation, Model, Origin
from portal.runs import improve_forms, improving, services
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.runs.plan import make_plan
from portal.tasks import Stage
from portal.training import methods
from portal.training.services import prepare
from tests.factories import class_zip
from tests.graphs import job_of, model_of
from tests.runs.test_improving import improve
from tests.seed import PARAMS, Seeder, everything
from workers.contract import InputError

pytestmark = pytest.mark.django_db


@pytest.fixture
def done(team, alice) -> Run:
    return everything(team, alice)["done"]


@pytest.fixture
def teacher(done, team, alice) -> Model:
    """A model of a larger recipe, of the same classes and size."""
    seeder = Seeder(team, alice)
    run = seeder.run(done.dataset_version, name="Large")
    Run.objects.filter(pk=run.pk).update(recipe="pp_lcnet_x1_0")
    run.refresh_from_db()
    return seeder.train(run)


def set_reached(model: Model, value: float) -> None:
    Evaluation.objects.filter(model=model, stage=Stage.PADDLE).update(value=value)


def test_a_teacher_worse_than_the_student_teaches_only_if_insisted(done, alice, alices, teacher, further):
    set_reached(teacher, 0.4)
    set_reached(model_of(done), 0.9)
    body = {"teacher": teacher.pk, "unlabelled": further.pk}
    answer = distil(alice, done, **body)
    assert answer.status_code == 400
    assert "reaches 40 % on" in answer.json()["errors"]["teacher"][0]
    page = alices.post(reverse("run-improve", args=[done.pk]), {"method": "distill", **body})
    assert page.status_code == 422 and "Train anyway" in page.content.decode().partition('id="distill"')[2]
    assert distil(alice, done, **body, anyway=True).status_code == 201


def test_a_teacher_of_other_classes_is_refused_for_that_however_bad_it_is(done, alice, teacher, further):
    set_reached(teacher, 0.4)
    cats = Seeder(teacher.team, alice).version("Cats")
    type(cats).objects.filter(pk=cats.pk).update(class_names=["cat", "dog"])
    Model.objects.filter(pk=teacher.pk).update(dataset_version=cats)
    answer = distil(alice, done, teacher=teacher.pk, unlabelled=further.pk)
    assert "The teacher knows other classes" in answer.json()["errors"]["teacher"][0]


@pytest.fixture
def further(team, alice):
    return Seeder(team, alice).version("From the belt")


def distil(user, run, **body):
    return improve(user, run, **{"method": "distill", **body})


def test_distillation_trains_the_recipe_anew_with_a_teacher_and_further_images(done, alice, teacher, further):
    answer = distil(alice, done, teacher=teacher.pk, unlabelled=further.pk)
    assert answer.status_code == 201, answer.json()
    new = Run.objects.get(pk=answer.json()["id"])
    assert (new.params["epochs"], new.params["learning_rate"]) == (12, 0.05)
    made = model_of(new)
    assert (made.origin, made.parent, made.teacher) == (Origin.DISTILLED, None, teacher)
    assert made.unlabelled == further and usage.is_used(further)
    settings = methods.settings(made)
    assert (settings["name"], settings["teacher"]["architecture"]) == ("distill", "PPLCNet_x1_0")


def test_distillation_says_what_is_missing(done, alice):
    assert set(distil(alice, done).json()["errors"]) == {"teacher", "unlabelled"}


def test_a_recipe_with_pretrained_weights_teaches_too(done, alice, further, settings, tmp_path):
    body = {"teacher_recipe": "pp_lcnet_x1_0", "unlabelled": further.pk}
    made = model_of(Run.objects.get(pk=distil(alice, done, **body).json()["id"]))
    assert (made.origin, made.teacher) == (Origin.DISTILLED, None)
    assert methods.settings(made)["teacher"]["recipe"]["architecture"] == "PPLCNet_x1_0"
    settings.PRETRAINED_DIR, settings.PRETRAINED_DOWNLOAD = tmp_path, False
    with pytest.raises(InputError, match="those of PP-LCNet x1.0 were not found: put them into"):
        methods.inputs(made, tmp_path)
    weights = tmp_path / configs.recipes()["pp_lcnet_x1_0"].pretrained.file
    weights.write_bytes(b"\x80 weights.")
    assert methods.inputs(made, tmp_path)["teacher"] == str(weights)


def test_exactly_one_teacher_is_chosen_among_those_that_can_teach(done, alice, teacher, further):
    def refused(**body):
        return distil(alice, done, unlabelled=further.pk, **body).json()["errors"]

    both = {"teacher": teacher.pk, "teacher_recipe": "pp_lcnet_x1_0"}
    assert refused(**both)["teacher"] == ["Choose one teacher: a model, or a recipe with pretrained weights."]
    for name in ("picodet_s", "magic"):
        assert refused(teacher_recipe=name)["teacher_recipe"][0].startswith(f"{name} cannot teach here")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task": "detection"}, "another task"),
        ({"params": {**PARAMS, "input_size": [96, 96]}}, "reads images of 96x96 pixels"),
        ({"job__status": Status.RUNNING}, "not trained yet"),
        ({"dataset_version__class_names": ["good", "bad"]}, "other classes"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(done, alice, teacher, further, team, change, words):
    [(name, value)] = change.items()
    if name == "job__status":
        Job.objects.filter(pk=teacher.job_id).update(status=value)
    elif name == "dataset_version__class_names":
        other = Seeder(team, alice).version("Other")
        type(other).objects.filter(pk=other.pk).update(class_names=value)
        Model.objects.filter(pk=teacher.pk).update(dataset_version=other)
    else:
        Model.objects.filter(pk=teacher.pk).update(**{name: value})
    answer = distil(alice, done, teacher=teacher.pk, unlabelled=further.pk)
    assert words in answer.json()["errors"]["teacher"][0]


def test_a_teacher_and_images_of_another_team_are_not_there(done, alice, charlie):
    team = charlie.memberships.get().team
    theirs = everything(team, charlie)["done"]
    answer = distil(alice, done, teacher=model_of(theirs).pk, unlabelled=theirs.dataset_version_id)
    assert set(answer.json()["errors"]) == {"teacher", "unlabelled"}


def test_a_deleted_dataset_is_not_learned_from(done, alice, teacher, further):
    type(further).objects.filter(pk=further.pk).update(deleted_at=done.created_at)
    answer = distil(alice, done, teacher=teacher.pk, unlabelled=further.pk)
    assert "unlabelled" in answer.json()["errors"]


def test_a_clone_of_it_takes_no_recipe_of_another_task(done, alice, teacher, further):
    new = distil(alice, done, teacher=teacher.pk, unlabelled=further.pk).json()["id"]
    client = APIClient()
    client.force_authenticate(alice)
    answer = client.post(f"/api/v1/runs/{new}/clone/", {"recipe": "picodet_xs"}, format="json")
    assert answer.status_code == 400, answer.json()


def test_the_page_says_what_the_student_reached_alone_and_offers_fitting_teachers(
    done, alices, teacher, further
):
    address = reverse("run-improve", args=[done.pk])
    page = alices.get(address).content.decode()
    assert "Without a teacher the model reaches 99.03 %" in page
    assert "Large · PP-LCNet x1.0" in page and f"{done.name} · PP-LCNet" not in page
    asked = {"method": "distill", "teacher": teacher.pk, "unlabelled": further.pk}
    assert alices.post(address, {**asked, "teacher": ""}).status_code == 422
    assert alices.post(address, asked).status_code == 302
    assert model_of(Run.objects.latest("id")).teacher == teacher


def test_the_best_teacher_is_offered_first_with_its_figure(done, alices, teacher):
    rows = improving.teachers(done).exclude(job__step__run=done)
    weak = rows.exclude(pk=teacher.pk).first()
    for model, value in ((teacher, 0.9712), (weak, 0.41)):
        Evaluation.objects.filter(model=model, stage=Stage.PADDLE).update(value=value)
    offered = improve_forms.DistillationForm(graph=Graph(done)).fields["teacher"]
    labels = [label for _number, label in offered.choices]
    assert labels[1] == f"Large · PP-LCNet x1.0 · Top-1 97.12 % ({teacher.dataset_version})"
    assert "Top-1 41.00 %" in labels[2]


def test_the_page_offers_the_newest_of_many_teachers(done, alices, teacher, monkeypatch):
    monkeypatch.setattr(improve_forms, "OFFERED", 1)
    page = alices.get(reverse("run-improve", args=[done.pk])).content.decode()
    offered = improve_forms.DistillationForm(graph=Graph(done)).fields["teacher"].queryset
    assert list(offered) == [improving.teachers(done).order_by("pk").last()] and "newest hundred" in page


def test_without_another_model_the_page_says_what_to_train(done, alices):
    Model.objects.exclude(job__step__run=done).delete()
    page = alices.get(reverse("run-improve", args=[done.pk])).content.decode()
    assert "train a larger recipe first" in page


def test_the_program_gets_the_teacher_and_the_further_images(run_jobs, team, alice):
    version = create_version(team, alice, "Pets", class_zip(("cat", "dog")), {})
    further = create_version(team, alice, "More pets", class_zip(("cat", "bird")), {})
    first = services.create_run(make_plan(version, preset="fast", chips=["rv1106"]), team, alice)
    run_jobs()
    answer = distil(alice, first, teacher=model_of(first).pk, unlabelled=further.pk)
    invocation = prepare(job_of(Run.objects.get(pk=answer.json()["id"])), job_folder(job_of(first)))
    assert Path(invocation.inputs["teacher"]).read_bytes() == b"fake best_model.pdparams"
    assert list(Path(invocation.inputs["unlabelled"], "images").iterdir())
    run_jobs()
    assert Run.objects.get(pk=answer.json()["id"]).status == Status.SUCCEEDED
