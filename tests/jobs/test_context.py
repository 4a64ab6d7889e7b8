"""When work is told to stop: at once where it can, after a grace where it is tidying up."""

import time

import pytest
from django.db import connection

from portal.jobs.context import Cancelled, Heartbeat, JobContext, Superseded, TimedOut
from portal.jobs.models import Job, Status
from tests.jobs.helpers import wait_for


@pytest.fixture
def context():
    return JobContext(Job(pk=1), "worker")


def test_a_passed_time_limit_is_seen_without_any_heartbeat(context):
    context.check()
    context.deadline = time.monotonic() - 1
    with pytest.raises(TimedOut):
        context.check()


def test_what_tidies_up_is_left_alone_for_a_while(context):
    context.decide(Cancelled(), grace=600)
    with pytest.raises(Cancelled):
        context.check()
    context.late_check()


def test_what_tidies_up_ends_when_the_grace_is_over(context):
    context.decide(Cancelled(), grace=0)
    with pytest.raises(Cancelled):
        context.late_check()


def test_a_cancel_shortens_the_grace_of_a_time_limit(context):
    context.decide(TimedOut(), grace=600)
    context.decide(Cancelled(), grace=0)
    with pytest.raises(TimedOut):
        context.late_check()


def test_a_later_beat_does_not_lengthen_the_grace(context):
    context.decide(Cancelled(), grace=0)
    context.decide(Cancelled(), grace=600)
    with pytest.raises(Cancelled):
        context.late_check()


def test_a_job_that_somebody_else_ended_has_no_grace(context):
    context.decide(Superseded())
    with pytest.raises(Superseded):
        context.late_check()


def test_a_heart_goes_on_beating_after_its_connection_to_the_database_broke(transactional_db, seed, settings):
    settings.JOB_HEARTBEAT_SECONDS = 0.1
    context = JobContext(seed.job("ingest", status=Status.RUNNING, worker="here"), "here")
    beat, beats = context.beat, []

    def breaking():
        beat()
        beats.append(connection.connection)
        if len(beats) == 1:
            connection.connection.close()  # as a server does that starts anew

    context.beat = breaking
    with Heartbeat(context):
        wait_for(lambda: len(beats) > 1, "another beat")
    assert beats[0] is not beats[1]
