"""What a run's page offers when the run has ended: download, code, deployment, a picture to try."""

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.deployment.models import Deployment
from portal.jobs.models import Job, Status
from portal.models.models import CompiledModel, Evaluation, Model
from portal.runs.models import Run
from portal.runs.replacing import questions
from portal.tasks import Stage
from tests.graphs import compiled_of, deployments_of
from tests.seed import everything

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(team, alice):
    return everything(team, alice)


@pytest.fixture
def done(rows) -> Run:
    """Its model runs on the device, as the board itself said."""
    report(deployments_of(rows["done"]).first())
    return rows["done"]


def report(deployment: Deployment) -> None:
    device = deployment.device
    device.reported_release, device.reported_at = deployment.release, timezone.now()
    device.save()


def page(client, run) -> str:
    return " ".join(client.get(run.get_absolute_url()).content.decode().split())


def test_an_ended_run_says_what_to_do_next(alices, done):
    shown = page(alices, done)
    for words in ("What next?", "Try an image", "Use the model", "Code for Rockchip RV1106", "Improve it"):
        assert words in shown, words
    assert "runs this model" in shown


def test_a_run_under_way_offers_nothing_yet(alices, rows):
    assert 'id="next"' not in page(alices, rows["running"])


def test_a_viewer_sees_the_downloads_and_nothing_that_touches_boards(bobs, done):
    shown = page(bobs, done)
    assert "Use the model" in shown and "Try an image" not in shown
    assert reverse("run-deploy", args=[done.pk]) not in shown


def test_the_download_is_named_after_dataset_version_run_and_chip(alices, done):
    compiled = compiled_of(done).first()
    version = done.dataset_version
    answer = alices.get(reverse("artifact-download", args=[compiled.job_id, "model.rknn"]))
    name = f"v{version.number}-run{done.pk}-rv1106.rknn"
    assert name in answer["Content-Disposition"] and name in page(alices, done)


def test_the_code_holds_size_labels_and_file_name(alices, done):
    compiled = compiled_of(done).first()
    compiled.channel_order = "bgr"
    compiled.save()
    version = done.dataset_version
    version.class_names = ['a "quoted" one', "猫", *version.class_names[2:]]
    version.save()
    shown = alices.get(reverse("model-code", args=[compiled.pk])).content.decode()
    assert "PaddleClas" in shown and "&quot;猫&quot;" in shown and "a \\&quot;quoted\\&quot; one" in shown
    assert f"run{done.pk}-rv1106.rknn" in shown


@pytest.mark.parametrize("task", ["classification", "detection"])
@pytest.mark.parametrize("chip", ["rv1106", "rk3566", "rk3588"])
def test_every_python_program_compiles(done, chip, task):
    from portal.models.board_code import programs

    compiled = compiled_of(done).first()
    compiled.chip, compiled.channel_order = chip, "bgr" if chip == "rv1106" else "rgb"
    compiled.model.task = task
    made = programs(compiled)
    assert made and {one.file_name.partition(".")[0] for one in made} == {
        compiled.model.task_class.program_name
    }
    for program in made:
        assert "$" not in program.text
        if program.language == "Python":
            compile(program.text, program.file_name, "exec")


def test_charlie_finds_no_code(client, charlie, done):
    client.force_login(charlie)
    address = reverse("model-code", args=[compiled_of(done).first().pk])
    assert client.get(address).status_code == 404


def deploy(client, run, device, **more):
    return client.post(reverse("run-deploy", args=[run.pk]), {"device": device.pk, **more})


def test_an_operator_deploys_again_from_the_page(alices, done):
    before = deployments_of(done).first()
    answer = deploy(alices, done, before.device)
    made = Deployment.objects.latest("pk")
    assert made.pk != before.pk and answer["Location"] == reverse("job-detail", args=[made.job_id])


@pytest.mark.parametrize("odd", ["", "0", "x", "99999999"])
def test_a_device_that_is_not_there_is_told(alices, done, odd):
    answer = alices.post(reverse("run-deploy", args=[done.pk]), {"device": odd}, follow=True)
    assert "not registered in your team" in answer.content.decode()


def test_a_viewer_deploys_nothing(bobs, done):
    count = Deployment.objects.count()
    assert deploy(bobs, done, deployments_of(done).first().device).status_code == 403
    assert Deployment.objects.count() == count


def test_a_better_model_on_the_device_is_not_replaced_unasked(alices, done):
    now = deployments_of(done).first()
    device, model = now.device, now.compiled_model.model
    better = Model.objects.create(
        task="classification",
        team=model.team, name="Better", recipe=model.recipe, dataset_version=model.dataset_version,
        job=Job.objects.create(team=model.team, kind="train", queue="train"),
    )  # fmt: skip
    compiled = CompiledModel.objects.create(
        model=better, chip="rv1106", job=Job.objects.create(team=model.team, kind="convert", queue="convert")
    )
    Evaluation.objects.create(
        job=compiled.job, model=better, compiled_model=compiled, stage=Stage.SIMULATOR, images=308,
        engine="simulator", dataset_version=model.dataset_version, value=0.999, predictions="p.json",
    )  # fmt: skip
    now.compiled_model = compiled
    now.save()
    (question,) = questions(compiled_of(done).first(), device)
    assert question.endswith("is better: 99.90 % against 98.70 % on the same images.")
    count = Deployment.objects.count()
    answer = deploy(alices, done, device)
    assert b"Replace the model on" in answer.content and Deployment.objects.count() == count
    assert deploy(alices, done, device, confirmed="yes").status_code == 302
    assert Deployment.objects.count() == count + 1


def test_what_the_device_runs_already_is_no_question(done):
    assert questions(compiled_of(done).first(), deployments_of(done).first().device) == []


def test_a_run_that_compiled_nothing_offers_nothing(alices, done):
    for compiled in compiled_of(done):
        compiled.job.status = Status.FAILED
        compiled.job.save()
    assert 'id="next"' not in page(alices, done)
