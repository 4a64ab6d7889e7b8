"""The queue, a job's page, its log, its curves and its files."""

from django.urls import reverse

from portal.jobs.models import Job, Metric, Status
from tests.seed import everything


def test_the_queue_shows_what_waits(alices, team, alice):
    everything(team, alice)
    page = alices.get(reverse("job-list")).content.decode()
    assert "epoch 6/12" in page and "Digits, at work" in page


def test_the_log_goes_on_from_an_offset_and_says_when_it_is_finished(alices, seed):
    job = seed.job("train", status=Status.RUNNING)
    url = reverse("job-log", args=[job.pk])
    first = alices.get(url)
    assert first["X-Offset"] == str(job.log_bytes) and first["X-Finished"] == "no"
    seed.log(job, "最后一行\n")
    rest = alices.get(url, {"offset": first["X-Offset"]})
    assert rest.content.decode() == "最后一行\n"
    Job.objects.filter(pk=job.pk).update(status=Status.SUCCEEDED)
    last = alices.get(url, {"offset": rest["X-Offset"]})
    assert last.content == b"" and last["X-Finished"] == "yes"


def test_a_silly_offset_is_taken_as_the_beginning(alices, seed):
    job = seed.job("train")
    for offset in ("-1", "x", "9" * 30):
        assert alices.get(reverse("job-log", args=[job.pk]), {"offset": offset}).status_code == 200


def test_the_whole_log_downloads(alices, seed):
    job = seed.job("train")
    answer = alices.get(reverse("job-log", args=[job.pk]), {"download": ""})
    assert answer.content.decode().startswith("train begins")
    assert f"job-{job.pk}.log" in answer["Content-Disposition"]


def test_metrics_come_in_order_and_only_the_new_ones(alices, seed):
    job = seed.job("train", status=Status.RUNNING)
    rows = [Metric.objects.create(job=job, name="train/loss", step=n, value=1 / n) for n in (1, 2, 3)]
    answer = alices.get(reverse("job-metrics", args=[job.pk]), {"after": rows[0].pk}).json()
    assert answer["points"] == [[row.pk, "train/loss", row.step, row.value] for row in rows[1:]]
    assert answer["finished"] is False


def test_a_file_is_a_download_and_a_picture_is_shown(alices, seed):
    version = seed.version()
    seed.artifact(version.job, "evil.html", b"<script>")
    evil = alices.get(reverse("artifact-download", args=[version.job_id, "evil.html"]))
    assert evil["Content-Disposition"].startswith("attachment")
    assert evil["Content-Type"] == "application/octet-stream"
    seed.artifact(version.job, "curve.png", b"a picture")
    picture = alices.get(reverse("artifact-download", args=[version.job_id, "curve.png"]))
    assert picture["Content-Type"] == "image/png"
    assert alices.get(reverse("artifact-download", args=[version.job_id, "none"])).status_code == 404


def test_cancelling_a_waiting_job_ends_it(alices, seed):
    version = seed.version("Leaves", Status.QUEUED)
    alices.post(reverse("job-cancel", args=[version.job_id]))
    version.job.refresh_from_db()
    assert version.job.status == Status.CANCELLED


def test_retrying_a_check_makes_a_new_job_and_a_step_takes_its_run_along(alices, team, alice):
    rows = everything(team, alice)
    refused = Job.objects.get(kind="ingest", status=Status.FAILED)
    answer = alices.post(reverse("job-retry", args=[refused.pk]))
    new = Job.objects.get(retry_of=refused)
    assert answer["Location"] == reverse("job-detail", args=[new.pk])
    step = Job.objects.get(kind="convert", status=Status.FAILED)
    answer = alices.post(reverse("job-retry", args=[step.pk]))
    assert answer["Location"] == reverse("run-detail", args=[rows["failed"].pk])
    again = alices.post(reverse("job-retry", args=[refused.pk]), follow=True).content.decode()
    assert "was already retried" in again
