"""Successive halving in numbers: who can be tried, for how long, and who stays."""

import pytest

from portal.fitting import halving
from portal.fitting.halving import Load


def load(rate=0.001, images=1000, steps=60):
    return Load(rate, images, steps)


def test_a_short_training_has_enough_steps_to_tell_something():
    assert load(steps=60).least_epochs == 1 and load(steps=7).least_epochs == 9
    assert load(steps=0).least_epochs == 60


@pytest.mark.parametrize(
    ("number", "seconds", "expected"),
    [
        (0, 10_000, 4),  # a ninth of 30, rounded up
        (1, 10_000, 10),
        (2, 10_000, 30),
        (2, 300, 105),  # what is left, and no more than the recipe's
        (0, 91, 0),  # not even one epoch of both
    ],
)
def test_a_round_trains_its_share_or_what_the_time_allows(number, seconds, expected):
    found = halving.epochs([load(), load()], number, 30, seconds)
    assert found == min(expected, 30)


def test_a_third_goes_on_and_a_single_one_goes_to_the_last_round_at_once():
    assert [halving.staying(count) for count in (1, 3, 4, 12)] == [1, 1, 2, 4]
    assert halving.next_number(0, 4) == 1 and halving.next_number(0, 1) == 2
    assert halving.next_number(2, 1) is None


def test_candidates_for_which_there_is_no_time_are_thinned_out_evenly():
    loads = [load() for _ in range(9)]
    assert halving.room(loads, 10_000) == 9
    assert halving.room(loads, 46 * 3) == 3 and halving.room(loads, 1) == 1
    assert halving.spread(9, 3) == [0, 4, 8] and halving.spread(2, 5) == [0, 1]
    assert halving.spread(5, 1) == [2] and halving.spread(5, 0) == []
