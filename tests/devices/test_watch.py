"""Devices that answered before are looked after; a change is told of once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.devices import running, services, watch
from portal.devices.errors import Unreachable, WrongPassword
from portal.devices.hostkeys import HostKey
from portal.devices.models import Device
from portal.jobs.models import Status
from portal.notify.models import Notification
from tests.devices.live import without_broker
from tests.seed import KEY

pytestmark = pytest.mark.django_db(transaction=True)
GONE = Unreachable("The board at 10.1.1.144:22 did not answer: check its power.")


@pytest.fixture
def device(seed):
    """It answered long ago."""
    return seed.device(seen_at=timezone.now() - timedelta(hours=2))


@pytest.fixture
def answers(monkeypatch):
    """Call it with what the device shows, or with what goes wrong; it counts the looks."""
    looks = []
    monkeypatch.setattr(watch, "AGAIN_SECONDS", (0, 0))

    def set_to(*results):
        waiting = list(results)

        def fetch(host, port, timeout):
            looks.append(host)
            found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if isinstance(found, Exception):
                raise found
            return HostKey.parse(found)

        monkeypatch.setattr(watch, "fetch_host_key", fetch)
        return looks

    return set_to


def later():
    Device.objects.update(checked_at=None, seen_at=timezone.now() - timedelta(hours=1))


def told(event):
    return Notification.objects.filter(event=event, user__username="alice").count()


def fresh(device):
    return Device.objects.get(pk=device.pk)


def test_a_device_that_no_longer_answers_is_told_of_once(device, answers):
    answers(GONE)
    watch.watch()
    assert fresh(device).lost_at and fresh(device).problem == str(GONE)
    later()
    watch.watch()
    assert told("device.lost") == 1


def test_one_that_is_back_is_told_of_and_its_problem_is_gone(device, answers):
    answers(GONE)
    watch.watch()
    answers(KEY)
    later()
    watch.watch()
    assert (fresh(device).lost_at, fresh(device).problem, told("device.back")) == (None, "", 1)
    later()
    watch.watch()
    assert told("device.back") == 1


def test_a_device_that_answers_is_seen_and_nobody_is_told(device, answers):
    answers(KEY)
    watch.watch()
    assert fresh(device).seen_at > device.seen_at and not Notification.objects.exists()


def test_a_device_that_never_answered_is_away_and_its_first_answer_is_no_return(device):
    Device.objects.update(seen_at=None)
    watch.did_not_answer(device, str(GONE))
    assert fresh(device).lost_at and not Notification.objects.exists()
    before = fresh(device)
    Device.objects.update(seen_at=timezone.now())
    watch.mark_online(before)
    assert fresh(device).lost_at is None and not Notification.objects.exists()


def test_it_is_left_alone_between_two_looks(device, answers):
    looks = answers(KEY)
    for _ in range(3):
        watch.watch()
    assert len(looks) == 1


def test_many_are_looked_at_in_one_round_and_others_are_called_to_help(device, answers, seed, monkeypatch):
    long_ago = timezone.now() - timedelta(hours=3)
    for number in range(6):
        seed.device(f"Board {number}", host=f"10.1.2.{number}", seen_at=long_ago)
    monkeypatch.setattr(watch, "BATCH", 3)
    looks, calls = answers(KEY), []
    watch.watch(on_full=lambda: calls.append(len(looks)))
    assert len(looks) == 7 and calls == [0, 3]


def test_two_workers_do_not_look_at_the_same_device(device):
    assert watch.take() == [device] and watch.take() == []


@pytest.mark.parametrize("why", ["never seen", "busy", "being probed", "seen just now", "switched off"])
def test_these_are_not_looked_at(device, answers, seed, settings, why):
    looks = answers(GONE)
    busy = seed.job("deploy", "deploy", Status.RUNNING)
    changes = {
        "never seen": {"seen_at": None}, "busy": {"busy_with": busy}, "being probed": {"probe_job": busy},
        "seen just now": {"seen_at": timezone.now()}, "switched off": {},
    }  # fmt: skip
    Device.objects.filter(pk=device.pk).update(**changes[why]) if changes[why] else None
    if why == "switched off":
        settings.DEVICE_CHECK_MINUTES = 0
    watch.watch()
    assert looks == [] and not Notification.objects.exists()


def test_what_a_deployment_that_began_meanwhile_finds_counts_more(device, answers, seed, monkeypatch):
    busy = seed.job("deploy", "deploy", Status.RUNNING)

    def fetch(*args):
        Device.objects.filter(pk=device.pk).update(busy_with=busy)
        raise GONE

    monkeypatch.setattr(watch, "fetch_host_key", fetch)
    monkeypatch.setattr(watch, "ThreadPoolExecutor", SameThread)
    watch.watch()
    assert fresh(device).lost_at is None and told("device.lost") == 0


class SameThread:
    def __init__(self, size):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass

    def map(self, work, rows):
        return [work(row) for row in rows]


@pytest.mark.parametrize(("error", "lost"), [(GONE, True), (WrongPassword("Refused: mend it."), False)])
def test_a_job_that_cannot_reach_the_device_tells_as_well(device, monkeypatch, team, alice, error, lost):
    def sign_in(device, on_wait=None):
        raise error

    without_broker(monkeypatch)
    monkeypatch.setattr(services, "sign_in", sign_in)
    Device.objects.filter(pk=device.pk).update(probe_job=None)
    from portal.jobs import execution

    execution.execute(services.start_probe(fresh(device), alice).pk)
    assert bool(fresh(device).lost_at) == lost and told("device.lost") == int(lost)
    assert fresh(device).problem == str(error)
    assert fresh(device).refused == (not lost)


def test_a_device_that_answers_at_the_second_try_is_not_lost(device, answers):
    looks = answers(GONE, KEY)
    watch.watch()
    assert len(looks) == 2
    assert fresh(device).lost_at is None and told("device.lost") == 0


def sign_ins(monkeypatch, error=None):
    """What checks sign in for; each sign-in raises ``error``, or reports nothing."""
    made = []

    def fetch_report(device, also):
        made.append(device.name)
        if error:
            raise error

    monkeypatch.setattr(watch.running, "fetch_report", fetch_report)
    return made


def test_a_device_on_which_a_job_failed_is_asked_how_it_is_and_reachable_again(device, answers, monkeypatch):
    answers(KEY)
    made = sign_ins(monkeypatch)
    Device.objects.update(problem="The connection broke.")
    watch.watch()
    assert made == [device.name] and fresh(device).problem, "it could not be asked what it runs"
    report = running.Report("", timezone.now())
    monkeypatch.setattr(watch.running, "fetch_report", lambda device, also: report)
    later()
    watch.watch()
    assert fresh(device).problem == ""


def test_a_refused_password_is_told_and_not_tried_again_by_checks(device, answers, monkeypatch):
    answers(KEY)
    made = sign_ins(monkeypatch, WrongPassword("Refused: mend it."))
    for _ in range(3):
        later()
        watch.watch()
    assert (len(made), fresh(device).problem, fresh(device).refused) == (1, "Refused: mend it.", True)
    assert fresh(device).lost_at is None
