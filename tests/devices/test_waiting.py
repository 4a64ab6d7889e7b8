import threading

import pytest

from portal.devices.waiting import Helper, Overdue, call_within


class Stop(Exception):
    pass


def stop():
    raise Stop


@pytest.fixture
def stuck():
    """A call that does not end before the test does."""
    end = threading.Event()
    yield end.wait
    end.set()


def test_a_call_gives_its_value_and_its_error():
    assert call_within(lambda: 7, 5) == 7
    with pytest.raises(KeyError):
        call_within(lambda: {}["x"], 5)


def test_a_call_that_does_not_end_is_overdue(stuck):
    with pytest.raises(Overdue):
        call_within(stuck, 0.1)


def test_waiting_can_be_stopped(stuck):
    with pytest.raises(Stop):
        call_within(stuck, 600, on_wait=stop)


def test_a_call_behind_one_that_is_stuck_is_overdue_in_its_turn(stuck):
    helper = Helper("test")
    with pytest.raises(Overdue):
        helper.call(stuck, 0.1)
    with pytest.raises(Overdue):
        helper.call(lambda: 7, 0.1)
