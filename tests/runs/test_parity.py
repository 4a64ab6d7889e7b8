"""The parity report: the stages of each compiled model, which one lost accuracy, and why."""

import pytest
from django.urls import reverse

from portal.compilation.models import LayerErrors
from portal.models.models import CompiledModel, Evaluation, Model, Origin
from portal.runs import causes
from portal.runs.causes import cause_of, finding, smallest_loss
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.runs.parity import branches
from portal.tasks import Stage
from tests.seed import everything

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(team, alice) -> dict:
    return everything(team, alice)


@pytest.fixture
def done(rows) -> Run:
    return rows["done"]


def branch_of(run: Run):
    return branches(Graph(Run.objects.get(pk=run.pk)))[0]


def change(stage: str, **parity) -> None:
    for row in Evaluation.objects.filter(stage=stage):
        row.parity |= parity
        row.save()


def lose(stage: str, drop=0.1, lost=31, gained=0, **more) -> None:
    change(stage, drop=drop, lost=lost, gained=gained, **more)


def facts(**fields) -> None:
    for row in CompiledModel.objects.all():
        row.facts |= fields
        row.save()


def stage_row(run: Run, stage: str):
    branch = branch_of(run)
    return branch, next(row for row in branch.rows if row.stage == stage)


def test_a_branch_leads_from_the_trained_model_to_its_boards(done):
    branch = branch_of(done)
    assert [row.stage for row in branch.rows] == list(Stage)
    assert [row.deployment.device.name for row in branch.boards] == ["Virtual board"]
    assert branch.drop == pytest.approx(0.0033)


def test_each_compiled_model_of_a_run_has_a_branch_of_its_own(rows):
    found = branches(Graph(rows["failed"]))
    assert [branch.compiled.chip for branch in found] == ["rv1106", "rk3566"]
    assert len(found[0].boards) == 2 and not found[1].boards


def test_a_run_that_compiled_nothing_has_none(rows):
    assert branches(Graph(rows["running"])) == []


def test_it_says_that_nothing_was_lost(done):
    for stage in Stage:
        change(stage, drop=0.0)
    told = finding(branch_of(done))
    assert told.stage is None
    assert told.sentence == "No stage lost accuracy: Top-1 is 99.03 % at the start and 98.7 % at the end."


def test_one_sentence_names_the_stage_its_cause_and_the_cure(done):
    lose(Stage.SIMULATOR)
    facts(calibration={"images": 5, "seed": 0})
    told = finding(branch_of(done))
    assert told.sentence == (
        "int8 for Rockchip RV1106 lost 10.00 points of Top-1, likely because only 5 images set its scales: "
        "convert again with more calibration images."
    )
    assert told.stage.stage == Stage.SIMULATOR and not told.by_chance


def test_calibration_images_unlike_the_measured_ones_are_named(done):
    lose(Stage.SIMULATOR)
    facts(calibration={"images": 100, "seed": 0, "unlike": 0.8})
    told = finding(branch_of(done))
    assert "look unlike the measured ones: 80 % of these" in told.sentence


def test_a_loss_that_chance_may_have_made_is_called_so(done):
    lose(Stage.SIMULATOR, drop=0.0065, lost=3, gained=1)
    told = finding(branch_of(done))
    assert told.by_chance
    assert "may be chance: of 308 validation images, 3 became worse and 1 better" in told.sentence


def test_the_stage_that_lost_most_is_named(done):
    lose(Stage.SIMULATOR, drop=0.1)
    lose(Stage.BOARD, drop=0.3)
    assert finding(branch_of(done)).sentence.startswith("The board Virtual board lost 30.00 points")


def test_a_loss_that_may_be_chance_does_not_hide_a_smaller_one_that_is_not(done):
    lose(Stage.SIMULATOR, drop=0.02, lost=8, gained=3)
    lose(Stage.BOARD, drop=0.019, lost=6, gained=0)
    assert finding(branch_of(done)).sentence.startswith("The board Virtual board lost 1.90 points")


def test_evaluations_from_before_the_images_were_counted_are_read(done):
    for row in Evaluation.objects.filter(stage=Stage.SIMULATOR):
        row.parity = {"drop": 0.1, "agreement": 0.9, "changed": 31, "images": 308}
        row.save()
    branch = branch_of(done)
    assert not finding(branch).by_chance and branch.worst.stage == Stage.SIMULATOR


@pytest.mark.parametrize(
    ("stage", "model", "parity", "words"),
    [
        (Stage.ONNX, {}, {}, "decodes or resizes"),
        (Stage.SIMULATOR, {"quantized": False}, {}, "half precision"),
        (Stage.SIMULATOR, {"calibration": {"images": 1}}, {}, "only 1 image set"),
        (Stage.SIMULATOR, {}, {}, "spread too far for 8 bits"),
        (Stage.BOARD, {}, {"agreement": 0.5}, "other pixels than bgr"),
        (
            Stage.BOARD,
            {"versions": {"rknn-toolkit2": "9.9"}},
            {"agreement": 0.95},
            "built by rknn-toolkit2 9.9",
        ),
        (Stage.BOARD, {"cost": {"cpu_ops": ["Softmax"]}}, {"agreement": 0.95}, "Softmax run on its CPU"),
        (Stage.BOARD, {}, {"agreement": 0.95}, "a little differently"),
    ],
)
def test_each_cause_is_told_by_what_is_known_of_the_stage(done, stage, model, parity, words):
    facts(**model)
    change(stage, **parity)
    branch, row = stage_row(done, stage)
    assert words in cause_of(branch, row)[0]


def test_weights_that_stand_out_are_a_cause_once_the_layers_were_measured(done, rows):
    branch, row = stage_row(done, Stage.SIMULATOR)
    layers = [{"name": "conv_2", "outlier": None}, {"name": "conv_3", "outlier": 17.5}]
    LayerErrors.objects.create(compiled_model=branch.compiled, job=rows["job"], images=1, layers=layers)
    assert cause_of(branch, row)[0] == "a few values of conv_3 are far larger than all others"


def test_few_training_steps_are_a_cause(done):
    branch, row = stage_row(done, Stage.SIMULATOR)
    branch.compiled.model.params |= {"epochs": 4, "batch_size": 100}
    cause, advice = cause_of(branch, row)
    assert cause == "48 training steps leave the ranges inside the network unsettled"
    assert advice == "train for 25 epochs or more"


def test_the_steps_of_the_models_that_it_goes_on_from_count(done):
    branch, row = stage_row(done, Stage.SIMULATOR)
    model = branch.compiled.model
    model.params |= {"epochs": 4, "batch_size": 100}
    model.parent = Model(params={"epochs": 30, "batch_size": 100}, dataset_version=model.dataset_version)
    assert cause_of(branch, row)[0] == "the values inside the network spread too far for 8 bits"


def test_a_cure_that_the_model_had_is_not_advised_again(done):
    branch, row = stage_row(done, Stage.SIMULATOR)
    compiled = branch.compiled
    for settings, origin, advice in (
        ({}, Origin.TRAINED, "convert with the algorithm mmse, or train on with quantization-aware training"),
        ({}, Origin.QUANTIZATION_AWARE, "convert with the algorithm mmse"),
        ({"algorithm": "mmse"}, Origin.TRAINED, "train on with quantization-aware training"),
        (
            {"algorithm": "mmse"},
            Origin.QUANTIZATION_AWARE,
            "search other quantization settings, or train a larger recipe",
        ),
    ):
        compiled.quantization, compiled.model.origin = settings, origin
        assert cause_of(branch, row)[1] == advice
    compiled.facts |= {"calibration": {"images": 5}}
    compiled.model.dataset_version.train_images = 5
    assert cause_of(branch, row)[1] == "add images to the training split, since all of them were used"


def test_a_loss_without_a_changed_image_is_no_chance_once_it_is_large(done):
    lose(Stage.SIMULATOR, drop=0.004, lost=0)
    told = finding(branch_of(done))
    assert told.by_chance and "none became worse: only scores moved a little" in told.sentence
    lose(Stage.SIMULATOR, drop=0.004, lost=1, gained=9)
    told = finding(branch_of(done))
    assert told.by_chance and "1 became worse and 9 better" in told.sentence
    lose(Stage.SIMULATOR, drop=0.2, lost=0)
    told = finding(branch_of(done))
    assert not told.by_chance and "lost 20.00 points of Top-1, likely because" in told.sentence


def test_without_any_figure_it_does_not_say_that_nothing_was_lost(done):
    for stage in Stage:
        change(stage, drop=None)
    Evaluation.objects.update(value=None)
    told = finding(branch_of(done))
    assert not told.is_known and told.sentence.startswith("Top-1 is not known: no measured image has a label")


def test_scores_that_fell_are_a_cause_for_a_detector(done):
    for stage, threshold in ((Stage.ONNX, 0.42), (Stage.SIMULATOR, 0.31)):
        for row in Evaluation.objects.filter(stage=stage):
            row.metrics |= {"threshold": threshold}
            row.save()
    branch, row = stage_row(done, Stage.SIMULATOR)
    assert "the best threshold fell from 0.42 to 0.31" in cause_of(branch, row)[0]


def test_images_without_a_prediction_are_a_cause(done):
    branch, row = stage_row(done, Stage.BOARD)
    row.evaluation.metrics |= {"unanswered": 7}
    assert cause_of(branch, row)[0] == "7 images got no prediction"


def test_every_stage_that_can_lose_has_a_cause_that_always_applies():
    assert set(causes.RULES) == set(Stage) - {Stage.PADDLE}


def test_it_says_what_the_images_can_tell(done):
    row = stage_row(done, Stage.SIMULATOR)[1]
    assert (
        smallest_loss(row)
        == "On 308 validation images, a loss of less than 1.9 points cannot be told from chance."
    )
    row.evaluation.images = 5
    assert smallest_loss(row) == "5 images are too few to tell any loss from chance."
    row.evaluation.images, row.evaluation.metrics = 40, {}
    assert smallest_loss(row).startswith("No interval of Top-1 is given. On 40 validation images")


def page_of(client, run: Run) -> str:
    return " ".join(client.get(reverse("run-parity", args=[run.pk])).content.decode().split())


def test_the_page_shows_stages_classes_matrices_and_changed_images(client, alice, done):
    client.force_login(alice)
    page = page_of(client, done)
    for words in (
        "Parity report", "int8 for Rockchip RV1106", "The board Virtual board", "划痕", "worst first",
        "scratch on the left edge → 5", "Within its limits", "Error of each layer",
        "Make the model fit its chip better",
    ):  # fmt: skip
        assert words in page, words
    assert page.count('class="matrix"') == 3  # ONNX predicts what the trained model does
    assert reverse("run-parity", args=[done.pk]) in client.get(done.get_absolute_url()).content.decode()


def test_a_run_at_work_says_when_the_report_appears(client, alice, rows):
    client.force_login(alice)
    assert "appears when a conversion has been measured" in page_of(client, rows["running"])


def test_a_stranger_finds_no_report(client, charlie, done):
    client.force_login(charlie)
    assert client.get(reverse("run-parity", args=[done.pk])).status_code == 404
    assert client.get(f"/api/v1/runs/{done.pk}/parity/").status_code == 404


def test_the_api_tells_the_same(client, alice, done):
    client.force_login(alice)
    told = client.get(f"/api/v1/runs/{done.pk}/parity/").json()
    branch = told["branches"][0]
    assert (told["run"], told["metric"]["name"], told["quality"]["state"]) == (done.pk, "top1", "passed")
    assert (branch["chip"], branch["finding"]["stage"], branch["finding"]["by_chance"]) == (
        "rv1106",
        "simulator",
        True,
    )
    stages = {row["stage"]: row for row in branch["stages"]}
    assert stages["board"]["device"] == "Virtual board" and stages["paddle"]["interval"][0] > 0.9
    assert stages["simulator"]["parity"]["lost"] == 1
    first = stages["simulator"]["changed"][0]
    assert (first["before"], first["after"], first["right"]) == ("scratch on the left edge", "5", False)
