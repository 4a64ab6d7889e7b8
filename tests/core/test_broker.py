"""Publishing never raises, and waits for a broker that hangs only once and not long."""

import socket
import time

import pytest
from django.db import transaction
from kombu import pools

from portal.celery import app
from portal.core import asking, broker, relay
from portal.jobs import services
from portal.jobs.models import Job, Status

PATIENCE = 60  # seconds; far above what is asserted, for slow machines


@pytest.fixture(autouse=True)
def reachable(monkeypatch):
    monkeypatch.setattr(broker, "_away_until", 0.0)


@pytest.fixture
def hanging_broker(tmp_path):
    """Accepts every connection and never answers, as a stopped process does."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "hangs"))
        listener.listen(64)
        usual, app.conf.broker_url = app.conf.broker_url, f"redis+socket://{tmp_path / 'hangs'}"
        reset()
        yield
        app.conf.broker_url = usual
        reset()


@pytest.fixture
def no_broker(tmp_path):
    """Nobody listens."""
    usual, app.conf.broker_url = app.conf.broker_url, f"redis+socket://{tmp_path / 'nobody'}"
    reset()
    yield
    app.conf.broker_url = usual
    reset()


def reset():
    """Forget the connections to another broker."""
    pools.reset()
    app._pool = None
    app.amqp._producer_pool = None


def test_a_submit_does_not_hang_with_the_broker(hanging_broker, team, alice, settings):
    began = time.monotonic()
    with transaction.atomic():
        job = services.submit("train", team, alice)
    assert Job.objects.get(pk=job.pk).status == Status.QUEUED
    assert broker.send("portal.jobs.tasks.reap") is False
    assert time.monotonic() - began < PATIENCE


def test_after_a_failure_nobody_waits_again_for_a_while(hanging_broker, monkeypatch):
    assert broker.send("portal.jobs.tasks.reap") is False
    monkeypatch.setattr(broker, "publish", lambda *args, **options: pytest.fail("it waited again"))
    assert broker.send("portal.jobs.tasks.reap") is False
    assert broker.waiting("train") is None


def test_a_broker_that_is_away_is_no_error(no_broker):
    assert broker.send("portal.jobs.tasks.reap") is False
    assert broker.waiting("train") is None
    assert not broker.is_away(), "it refuses at once, and is asked again at once"


@pytest.mark.django_db(transaction=True)
def test_lost_messages_are_sent_again_for_what_could_run(team, alice, monkeypatch, settings):
    settings.JOB_RESENT_AFTER = settings.JOB_RESENT_AFTER * 0
    job = services.submit("train", team, alice)
    sent = []
    monkeypatch.setattr(broker, "send", lambda task, args=(), queue=None: sent.append((args, queue)))
    for waiting, expected in ((None, 0), (3, 0), (0, 1)):
        sent.clear()
        monkeypatch.setattr(broker, "waiting", lambda queue, waiting=waiting: waiting)
        services.resend()
        assert len(sent) == expected
    assert sent == [([job.pk], "train")]


def test_a_broker_whose_greeting_takes_too_long_counts_as_away(monkeypatch):
    """redis-py 8.0 raises a ValueError then."""

    def late(*_arguments, **_options):
        raise ValueError("I/O operation on closed file.")

    monkeypatch.setattr(broker, "is_away", lambda: False)
    monkeypatch.setattr(broker, "publish", lambda *_arguments, **_options: None)
    monkeypatch.setattr("redis.connection.ConnectionPool.get_connection", late)
    assert asking.ask("portal.devices.tasks.read_host_key", [], "errands.harbour", 0.1) is None
    assert relay.Publisher("frames").publish({}) == 0
    assert list(relay.RelayResponse("frames")) == []
    monkeypatch.setattr(broker, "publish", late)
    assert broker.send("portal.jobs.tasks.execute") is False
