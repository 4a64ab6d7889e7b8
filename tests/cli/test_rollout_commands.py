"""Rollouts and groups from the command line."""

import pytest

from portal.rollouts.models import Group, Rollout
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_rollout_is_started_shown_and_decided(signed_in, slipway, team, alice):
    seed = Seeder(team, alice)
    run = seed.run(seed.version())
    seed.train(run)
    seed.convert(run)
    for name in ("East", "West"):
        seed.device(name, "virtual", host=name, probe={})
    assert slipway("group", "set", "Hall", "--device", "East", "--device", "West").out == "Hall: 2 devices\n"
    assert "Hall\t2\t" in slipway("group", "list").out
    made = slipway("rollout", "start", run.pk, "--group", "Hall", "--wave", "1", "--at-once", 1, "--approval")
    assert made.code == 0, made.err
    number = Rollout.objects.get().pk
    assert f"Rollout {number}, Digits, fast: running, wave 1 of 2" in made.out
    assert f"{number}\tDigits, fast\trunning\t1 of 2" in slipway("rollout", "list").out
    assert "East\t1\trunning" in slipway("rollout", "show", number).out
    assert "paused" in slipway("rollout", "pause", number).out
    assert slipway("rollout", "approve", number).code != 0
    assert "aborted" in slipway("rollout", "abort", number).out
    assert slipway("group", "remove", "Hall", "--yes").code == 0
    assert not Group.objects.exists()
