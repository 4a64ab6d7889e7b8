import pytest

from portal.jobs.models import ALLOWED_FROM, FINAL, IllegalTransition, Job, JobEvent, Status

PAIRS = [(origin, target) for origin in Status for target in Status]
ALLOWED = {(origin, target) for target, origins in ALLOWED_FROM.items() for origin in origins}


@pytest.fixture
def job(team, alice):
    return Job.objects.create(kind="train", queue="train", team=team, created_by=alice)


def put(job, status):
    Job.objects.filter(pk=job.pk).update(status=status)
    job.refresh_from_db()


def test_the_table_is_the_one_in_the_design():
    assert ALLOWED == {
        ("queued", "running"),
        ("running", "cancelling"),
        ("running", "succeeded"),
        ("queued", "failed"),
        ("running", "failed"),
        ("cancelling", "failed"),
        ("queued", "cancelled"),
        ("cancelling", "cancelled"),
    }


@pytest.mark.parametrize(("origin", "target"), sorted(ALLOWED))
def test_an_allowed_move_writes_the_status_and_an_event(job, origin, target):
    put(job, origin)
    job.move_to(target, "because")
    event = JobEvent.objects.get(job=job)
    assert (event.old, event.new, event.reason) == (origin, target, "because")
    fresh = Job.objects.get(pk=job.pk)
    assert fresh.status == job.status == target
    assert (fresh.finished_at is not None) == (target in FINAL)


@pytest.mark.parametrize(("origin", "target"), [pair for pair in PAIRS if pair not in ALLOWED])
def test_a_forbidden_move_raises_and_writes_nothing(job, origin, target):
    put(job, origin)
    with pytest.raises(IllegalTransition):
        job.move_to(target)
    assert Job.objects.get(pk=job.pk).status == origin
    assert not JobEvent.objects.exists()


def test_the_row_in_the_database_decides_and_not_the_copy_in_memory(job):
    copy = Job.objects.get(pk=job.pk)
    job.move_to(Status.RUNNING)
    with pytest.raises(IllegalTransition):
        copy.move_to(Status.RUNNING)
    assert JobEvent.objects.count() == 1
