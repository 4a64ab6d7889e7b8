"""The verdict on a run, from the rows of its evaluations."""

import pytest
from django.urls import reverse

from portal.jobs.models import Status
from portal.models.models import Evaluation, Origin
from portal.runs import improving
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.runs.verdict import OPTIMISTIC, PRUNED, verdict
from portal.tasks import Stage
from portal.tasks.doubts import Grade
from tests.seed import Seeder, everything

pytestmark = pytest.mark.django_db


@pytest.fixture
def done(team, alice) -> Run:
    return everything(team, alice)["done"]


def verdict_of(run: Run):
    return verdict(Graph(Run.objects.get(pk=run.pk)))


def change(stage: str, **fields) -> None:
    for row in Evaluation.objects.filter(stage=stage):
        for name, value in fields.items():
            setattr(row, name, getattr(row, name) | value if isinstance(value, dict) else value)
        row.save()


def test_a_good_model_is_called_good_with_its_figure_and_interval(done):
    told = verdict_of(done)
    assert (told.grade, told.advice) == (Grade.GOOD, "")
    assert told.sentence.startswith("Top-1 is 98.70 % on 308 validation images (Simulator); 95 % interval ")


def test_a_run_under_way_has_no_verdict(done):
    done.status = Status.RUNNING
    done.save()
    assert verdict_of(done) is None


def test_a_run_without_evaluations_has_no_verdict(done):
    Evaluation.objects.all().delete()
    assert verdict_of(done) is None


def test_what_int8_lost_makes_it_doubtful(done):
    change(Stage.SIMULATOR, parity={"drop": 0.07})
    told = verdict_of(done)
    assert told.grade == Grade.DOUBTFUL
    assert "lost 7 points of Top-1" in told.sentence and "parity report" in told.advice


def links_in(client, run: Run) -> str:
    shown = client.get(f"/runs/{run.pk}/").content.decode()
    return shown.split('id="verdict"')[1].split("</div></div>")[0]


def test_a_loss_in_int8_leads_to_the_quantization_and_to_improvements(done, alices, bob):
    model = Graph(done).model
    variants, improve = reverse("model-variants", args=[model.pk]), reverse("run-improve", args=[done.pk])
    assert variants not in links_in(alices, done)
    change(Stage.SIMULATOR, parity={"drop": 0.07})
    assert variants in links_in(alices, done) and improve in links_in(alices, done)
    alices.force_login(bob)  # a viewer
    assert variants in links_in(alices, done) and improve not in links_in(alices, done)


def test_a_loss_on_a_board_alone_does_not_lead_to_the_quantization(done, alices):
    change(Stage.BOARD, parity={"drop": 0.07, "agreement": 0.5, "changed": 154, "images": 308})
    shown = links_in(alices, done)
    assert "unlike the simulator" in shown and "/variants/" not in shown


def test_a_task_without_a_way_to_improve_offers_none(done, alices, monkeypatch):
    change(Stage.SIMULATOR, parity={"drop": 0.07})
    monkeypatch.setattr(improving, "METHODS", {})
    for path in ("", "parity/"):
        shown = alices.get(f"/runs/{done.pk}/{path}").content.decode()
        assert "/variants/" in shown and "/improve/" not in shown


def test_few_validation_images_make_it_doubtful(done):
    change(Stage.SIMULATOR, images=15, value=1.0, metrics={"images": 15, "top1": 1.0})
    told = verdict_of(done)
    assert told.grade == Grade.DOUBTFUL
    assert "There are only 15 validation images: 100.00 % means 80 % to 100 %." in told.sentence


def test_a_board_that_predicts_otherwise_makes_it_doubtful(done):
    change(Stage.BOARD, parity={"agreement": 0.5, "changed": 154, "images": 308})
    told = verdict_of(done)
    assert told.grade == Grade.DOUBTFUL
    assert "predicts 154 of 308 images unlike the simulator" in told.sentence


GUESSES = [{"images": 154, "correct": 154, "recall": 1.0}, {"images": 154, "correct": 0, "recall": 0.0}]


def test_a_model_that_pruning_broke_is_to_be_pruned_less(done, team, alice):
    """Its labels are those of the model before, which was good."""
    whole = Graph(done).model
    pruned = Seeder(team, alice).run(done.dataset_version)
    model = Seeder(team, alice).train(pruned)
    model.parent, model.origin = whole, Origin.PRUNED
    model.save()
    pruned.steps.filter(kind="train").update(inputs={"method": {"name": "prune", "parent": whole.pk}})
    rows = [row | {"id": number, "name": "ab"[number]} for number, row in enumerate(GUESSES)]
    broken = {"top1": 0.5, "images": 308, "per_class": rows, "confusion": [[154, 0], [154, 0]]}
    Evaluation.objects.filter(model=model).update(metrics=broken, value=0.5)
    assert verdict_of(pruned).grade == Grade.WORTHLESS and verdict_of(pruned).advice == PRUNED
    Evaluation.objects.filter(model=whole).update(metrics=broken, value=0.5)
    assert verdict_of(pruned).advice.startswith("Check the labels")


def test_only_the_worst_is_said(done):
    rows = [row | {"id": number, "name": "ab"[number]} for number, row in enumerate(GUESSES)]
    change(
        Stage.SIMULATOR,
        value=0.5,
        metrics={"top1": 0.5, "images": 308, "per_class": rows, "confusion": [[154, 0], [154, 0]]},
        parity={"drop": 0.3},
    )
    told = verdict_of(done)
    assert told.grade == Grade.WORTHLESS
    assert told.sentence.startswith("The model predicts “a” for every image. Top-1 is 50.00 %")
    assert "points" not in told.sentence


def test_a_model_that_was_not_compiled_is_judged_as_trained(done):
    Evaluation.objects.exclude(stage=Stage.PADDLE).delete()
    told = verdict_of(done)
    assert "(Paddle)" in told.sentence


def test_page_report_and_api_tell_it(done, alices):
    told = verdict_of(done)
    body = alices.get(f"/api/v1/runs/{done.pk}/").json()["verdict"]
    assert body == {"grade": "good", "sentence": told.sentence, "advice": "", "note": OPTIMISTIC}
    assert alices.get(f"/api/v1/runs/{done.pk}/report/").json()["verdict"] == body
    assert "Good</strong>" in alices.get(f"/runs/{done.pk}/").content.decode()


def test_figures_of_a_test_split_say_so_and_need_no_note(done):
    change(Stage.SIMULATOR, split="test")
    told = verdict_of(done)
    assert told.sentence.startswith("Top-1 is 98.70 % on 308 test images") and told.note == ""


def test_figures_of_the_validation_split_are_a_little_optimistic(done, alices):
    assert verdict_of(done).note == OPTIMISTIC
    assert OPTIMISTIC in alices.get(f"/runs/{done.pk}/").content.decode()
