"""The bench of attacks knows its attacks, and each says what it does."""

from tests.bench import attack
from tests.bench.attacks import ATTACKS

POINTS = {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"}


def test_every_point_has_an_attack_that_says_what_it_does():
    attack.load()
    assert {one.point.split()[0] for one in ATTACKS.values()} >= POINTS
    assert all(one.run.__doc__ for one in ATTACKS.values())
