"""What each stage lost, on the command line, and the exit code of a model that misses its limits."""

import pytest

from portal.models.models import CompiledModel, Evaluation
from portal.runs.models import Run
from portal.tasks import Stage
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(signed_in, team, alice) -> Run:
    """A run that succeeded; its int8 model lost 0.33 points."""
    seeder = Seeder(team, alice)
    made = seeder.run(seeder.version("Pets"))
    seeder.train(made)
    seeder.convert(made)
    return made


def lose(share: float) -> None:
    row = Evaluation.objects.get(stage=Stage.SIMULATOR)
    row.parity |= {"drop": share, "lost": 60, "gained": 0}
    row.save()


def test_stages_are_told_with_the_sentence_that_names_the_cause(run, slipway):
    lose(-0.00001)
    answer = slipway("parity", run.pk).out
    assert "\t0.00 points\t" in answer and "-0.00" not in answer
    lose(0.2)
    answer = slipway("parity", run.pk, "--max-drop", "0.5")
    assert answer.code == 0, answer.err
    assert "int8 for Rockchip RV1106 lost 20.00 points of Top-1, likely because" in answer.out
    assert "int8 for Rockchip RV1106\t98.70 %\t20.00 points\t" in answer.out
    assert slipway("parity", run.pk, "--json").json["branches"][0]["chip"] == "rv1106"


def test_a_model_that_loses_too_much_has_an_exit_code_of_its_own(run, slipway):
    assert slipway("watch", run.pk).code == 0
    lose(0.2)
    for command in ("watch", "parity"):
        answer = slipway(command, run.pk)
        assert answer.code == 8 and "lost 20 points of Top-1" in answer.err
        assert slipway(command, run.pk, "--max-drop", "0.25").code == 0
    assert slipway("watch", run.pk, "--max-drop", "0.25", "--fail-under", "0.999").code == 8
    assert slipway("watch", run.pk, "--fail-under", "95").code == 2


def test_the_limits_of_a_new_run_are_parameters(run, slipway):
    answer = slipway(
        "run", "--dataset", "Pets", "--chip", "rv1106", "--max-drop", "0.01", "--fail-under", "0.9"
    )
    assert answer.code == 0, answer.err
    made = Run.objects.latest("id")
    assert (made.params["max_drop"], made.params["fail_under"]) == (0.01, 0.9)
    assert slipway("clone", made.pk, "--max-drop", "0.2").code == 0
    assert Run.objects.latest("id").params["max_drop"] == 0.2


def test_a_limit_without_a_measurement_is_not_met(run, slipway):
    CompiledModel.objects.all().delete()
    assert slipway("parity", run.pk).code == 0
    answer = slipway("parity", run.pk, "--max-drop", "0.5")
    assert answer.code == 6 and f"Run {run.pk} has no measurement for this limit." in answer.err
    assert slipway("parity", run.pk, "--fail-under", "0.5").code == 0  # the trained model is measured
    Evaluation.objects.all().delete()
    assert slipway("parity", run.pk, "--fail-under", "0.5").code == 6
    for limit in ("nan", "inf"):
        assert slipway("parity", run.pk, "--max-drop", limit).code == 2
