"""A better fitting model of a run's by the command line."""

import pytest

from portal.models.models import Evaluation, Origin
from portal.runs.models import Run
from portal.tasks import Stage
from tests.graphs import model_of
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(signed_in, team, alice) -> Run:
    """A run whose int8 model lost 8 points."""
    seeder = Seeder(team, alice)
    made = seeder.run(seeder.version("Pets"))
    seeder.train(made)
    seeder.convert(made)
    row = Evaluation.objects.get(stage=Stage.SIMULATOR)
    row.parity |= {"drop": 0.08}
    row.save()
    return made


def improved(slipway, run, *words) -> Run:
    answer = slipway("improve", run.pk, *words)
    assert answer.code == 0, answer.err
    made = Run.objects.latest("id")
    assert answer.out == f"Run {made.pk} is {made.status}.\n" and f"/runs/{made.pk}/" in answer.err
    return made


def test_quantization_aware_training_starts_a_run(run, slipway):
    made = improved(slipway, run, "--method", "qat", "--name", "Rounded", "--set", "epochs=2")
    assert (made.name, made.cloned_from, made.params["epochs"]) == ("Rounded", run, 2)
    assert (model_of(made).origin, model_of(made).parent) == (Origin.QUANTIZATION_AWARE, model_of(run))


def test_pruning_takes_its_share(run, slipway):
    options = ("--share", "0.6", "--unit", "macs", "--importance", "fpgm")
    made = improved(slipway, run, "--method", "prune", *options)
    asked = {"share": 0.6, "unit": "macs", "importance": "fpgm"}
    assert model_of(made).params["method"] == {"name": "prune", "parent": model_of(run).pk, **asked}


def test_distillation_takes_a_teacher_and_images_by_the_name_of_their_dataset(run, slipway):
    teacher = model_of(run)
    made = improved(slipway, run, "--method", "distill", "--teacher", teacher.pk, "--unlabelled", "Pets@v1")
    assert (model_of(made).teacher, model_of(made).unlabelled) == (teacher, run.dataset_version)


def test_what_is_missing_or_needless_is_refused_with_a_sentence(run, slipway):
    assert (
        "Choose one teacher: a model, or a recipe with pretrained weights."
        in slipway("improve", run.pk, "--method", "distill").err
    )
    assert slipway("improve", run.pk, "--method", "magic").code == 6
    assert slipway("improve", run.pk).code == 2
    assert slipway("improve", run.pk, "--method", "distill", "--unlabelled", "Cats").code == 4
    Evaluation.objects.filter(stage=Stage.SIMULATOR).update(parity={"drop": 0.0})
    answer = slipway("improve", run.pk, "--method", "qat")
    assert answer.code == 6 and "nothing to win back" in answer.err
    assert improved(slipway, run, "--method", "qat", "--anyway")


def test_a_share_of_0_is_refused_and_not_taken_for_the_default(run, slipway):
    for share in ("0", "0.05"):
        answer = slipway("improve", run.pk, "--method", "prune", "--share", share)
        assert answer.code == 6 and "Leave 10 to 90 % of the cost" in answer.err
    assert Run.objects.count() == 1


def test_a_number_that_json_cannot_hold_is_named_at_once(run, slipway):
    for share in ("nan", "inf"):
        answer = slipway("improve", run.pk, "--method", "prune", "--share", share)
        assert answer.code == 2 and "'--share': give a number, 0 to 1." in answer.err
    answer = slipway("improve", run.pk, "--method", "prune", "--set", "learning_rate=NaN")
    assert answer.code == 2 and "NaN and infinite numbers cannot be sent" in answer.err
