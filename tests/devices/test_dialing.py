import pytest

from portal.devices.dialing import dial
from portal.devices.errors import ConnectionLost, HostKeyChanged, Unreachable, WrongPassword


class Board:
    """Raises one error after the other, and then lets in."""

    def __init__(self, *errors):
        self.errors, self.tries = list(errors), 0

    def __call__(self):
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "in"


def dialled(board, delays=(0.01, 0.01), on_wait=lambda: None):
    told = []
    result = dial(board, delays, on_wait, lambda error, seconds: told.append((str(error), seconds)))
    return result, told


def test_a_board_that_is_away_for_a_moment_is_tried_again():
    board = Board(Unreachable("Refused: wait."), ConnectionLost("Broke: wait."))
    assert dialled(board) == ("in", [("Refused: wait.", 0.01), ("Broke: wait.", 0.01)])
    assert board.tries == 3


def test_a_board_that_stays_away_is_given_up():
    board = Board(*[Unreachable("Refused: wait.")] * 5)
    with pytest.raises(Unreachable):
        dialled(board)
    assert board.tries == 3


def test_no_try_begins_later_than_it_may():
    board = Board(Unreachable("Refused: wait."))
    with pytest.raises(Unreachable):
        dialled(board, delays=(1000.0,))
    assert board.tries == 1


@pytest.mark.parametrize(
    "error",
    [
        WrongPassword("Refused: correct it."),
        HostKeyChanged("b:22", "one", "two"),
        Unreachable("Unknown name: check it.", momentary=False),
    ],
    ids=["password", "host key", "unknown name"],
)
def test_a_lasting_error_is_not_retried(error):
    board = Board(error)
    with pytest.raises(type(error)):
        dialled(board)
    assert board.tries == 1


def test_waiting_for_the_next_try_can_be_stopped():
    class Stop(Exception):
        pass

    def stop():
        raise Stop

    with pytest.raises(Stop):
        dialled(Board(Unreachable("Refused: wait.")), delays=(20.0,), on_wait=stop)
