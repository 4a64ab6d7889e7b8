import pytest

from portal.datasets import drafts
from portal.datasets.services import create_version
from portal.jobs import services as jobs
from portal.jobs.models import Job, Status
from portal.runs import pipeline, services
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.runs.plan import PlanError, make_plan
from portal.runs.report import report
from tests.factories import class_zip
from tests.graphs import compiled_of, job_of


@pytest.fixture
def new_run(run_jobs, team, alice):
    def make(classes=("cat", "dog"), chips=("rv1106",), **upload):
        version = create_version(team, alice, "Pets", class_zip(classes), upload)
        return services.create_run(make_plan(version, preset="fast", chips=chips), team, alice)

    return make


def kinds_and_statuses(run):
    run = Run.objects.get(pk=run.pk)
    return [(job.kind, job.status) for job in [run.dataset_version.job, *services.step_jobs(run)]]


def test_one_submit_goes_from_upload_to_a_compiled_model_without_another_call(new_run, run_jobs):
    run = new_run(chips=("rv1106", "rk3588"))
    assert run.status == Status.QUEUED
    run_jobs()
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED, run.message
    assert kinds_and_statuses(run) == [
        ("ingest", "succeeded"),
        ("train", "succeeded"),
        ("convert", "succeeded"),
        ("convert", "succeeded"),
    ]
    assert Graph(run).evaluated.find("paddle").value == 0.96
    assert {model.channel_order for model in compiled_of(run)} == {"bgr", "rgb"}
    assert compiled_of(run).first().job.artifacts.filter(name="model.rknn").exists()
    figures = report(run)
    assert figures["models"][0]["int8_top1"] == 0.95
    assert figures["seconds"]["portal"] > 0


def test_a_failed_training_fails_the_run_with_its_sentence_and_starts_no_conversion(new_run, run_jobs):
    run = new_run(classes=("cat", "fake: fail"))
    run_jobs()
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert run.message.startswith("PaddleX stopped: the loss became NaN.")
    assert [kind for kind, _ in kinds_and_statuses(run)] == ["ingest", "train"]


def test_a_refused_dataset_fails_the_run_and_starts_no_training(new_run, run_jobs):
    run = new_run(classes=("cat",))
    run_jobs()
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert "class" in run.message
    assert [kind for kind, _ in kinds_and_statuses(run)] == ["ingest"]


def test_class_names_that_differ_by_case_only_stop_the_run(new_run, run_jobs):
    run = new_run(classes=("car", "Car"))
    run_jobs()
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert "Car" in run.message
    assert [kind for kind, _ in kinds_and_statuses(run)] == ["ingest"]


def test_a_version_with_an_error_in_its_data_cannot_be_chosen(new_run, run_jobs):
    version = new_run(classes=("car", "Car")).dataset_version
    run_jobs()
    version.refresh_from_db()
    with pytest.raises(PlanError, match="cannot be trained on"):
        make_plan(version, preset="fast", chips=["rv1106"])


def test_a_program_without_a_result_is_our_error_and_says_so(new_run, run_jobs):
    run = new_run(classes=("cat", "fake: crash"))
    run_jobs()
    job = job_of(Run.objects.get(pk=run.pk))
    assert job.status == Status.FAILED
    assert job.error_kind == "internal"
    assert "ended with status 3 and no result" in job.message


def test_it_does_not_convert_a_cancelled_run(new_run, run_jobs, alice):
    run = new_run()
    services.cancel_run(run, alice)
    run_jobs()
    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    assert [kind for kind, _ in kinds_and_statuses(run)] == ["ingest"]


def test_a_retry_is_a_new_job_and_the_earlier_one_stays(new_run, run_jobs, alice):
    run = new_run(classes=("cat", "fake: fail"))
    run_jobs()
    first = job_of(Run.objects.get(pk=run.pk))
    services.retry_run(Run.objects.get(pk=run.pk), alice)
    second = job_of(Run.objects.get(pk=run.pk))
    assert second.retry_of == first
    first.refresh_from_db()
    assert first.status == Status.FAILED
    assert Run.objects.get(pk=run.pk).status in (Status.QUEUED, Status.RUNNING)
    run_jobs()
    assert Run.objects.get(pk=run.pk).status == Status.FAILED


def test_a_job_is_retried_only_once(new_run, run_jobs, alice):
    run = new_run(classes=("cat", "fake: fail"))
    run_jobs()
    job = job_of(Run.objects.get(pk=run.pk))
    jobs.retry(job, alice)
    with pytest.raises(Exception, match="already retried"):
        jobs.retry(Job.objects.get(pk=job.pk), alice)


def test_advancing_again_starts_nothing_twice(new_run, run_jobs):
    run = new_run()
    run_jobs()
    before = Job.objects.count()
    pipeline.advance(Run.objects.get(pk=run.pk))
    pipeline.sweep()
    assert Job.objects.count() == before


@pytest.fixture
def edited(new_run, run_jobs, team, alice):
    """A version that a person's changes are being made into, and a run that waits for it."""
    run = new_run()
    run_jobs()
    base = Run.objects.get(pk=run.pk).dataset_version
    drafts.add(alice, base, "remove", {"images": {"ids": [1]}})
    version = drafts.commit(drafts.open_draft(alice, base.dataset))
    return services.create_run(make_plan(version, preset="fast", chips=("rv1106",)), team, alice)


def test_a_cancelled_run_lets_the_edit_that_it_waits_for_go_on(edited, run_jobs, alice):
    services.cancel_run(edited, alice)
    assert Run.objects.get(pk=edited.pk).status == Status.CANCELLED
    run_jobs()
    version = edited.dataset_version
    version.refresh_from_db()
    assert version.is_ready
    assert [kind for kind, _ in kinds_and_statuses(edited)] == ["revise"]


def test_a_run_goes_on_at_once_when_the_edit_that_it_waits_for_is_made(edited, run_jobs):
    assert edited.status == Status.QUEUED
    run_jobs()
    edited.refresh_from_db()
    assert edited.status == Status.SUCCEEDED, edited.message
    assert [kind for kind, _ in kinds_and_statuses(edited)] == ["revise", "train", "convert"]
