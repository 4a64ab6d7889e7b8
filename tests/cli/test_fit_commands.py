"""Searches of what fits a chip, by the command line and the library."""

import pytest
from slipway import Client

from portal.fitting.models import FitSearch
from tests.fitting.conftest import Workers
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)
GOAL = (
    "--chip",
    "rv1106",
    "--minutes",
    600,
    "--recipe",
    "pp_lcnet_x0_25",
    "--size",
    "64x64",
    "--size",
    "128x128",
)


@pytest.fixture
def version(signed_in, team, alice):
    return Seeder(team, alice).version()


def test_a_search_is_started_shown_and_waited_for(version, slipway):
    started = slipway(
        "fit", "start", "--dataset", version.dataset.name, *GOAL, "--max-ms", 5, "--no-wait", "--json"
    )
    assert started.code == 0, started.err
    number = started.json["id"]
    assert "\trunning\t" in slipway("fit", "list").out  # its job waits for the trainings
    Workers().work()
    shown = slipway("fit", "show", number)
    assert "pp_lcnet_x0_25\t128x128" in shown.out and "winner" in shown.out
    assert "fits: Top-1" in shown.err
    waited = slipway("fit", "watch", number, "--json")
    assert (waited.code, waited.json["met"]) == (0, True)
    assert slipway("fit", "list").out.splitlines()[1].startswith(f"search/{number}\t")


def test_a_search_that_finds_nothing_has_its_exit_code(version, slipway):
    started = slipway(
        "fit", "start", "--dataset", version.dataset.name, *GOAL, "--min-accuracy", 1, "--no-wait", "--json"
    )
    Workers().work()
    ended = slipway("fit", "watch", started.json["id"])
    assert ended.code == 8 and "comes nearest" in ended.err
    refused = slipway("fit", "start", "--dataset", version.dataset.name, *GOAL, "--max-cycles", 2000)
    assert refused.code == 6 and "comes nearest" in refused.err
    assert slipway("fit", "show", 999).code == 4


def test_the_library_starts_one(version):
    made = Client().fit(
        version.pk, "rv1106", 600, recipes=["pp_lcnet_x0_25"], input_sizes=["64x64"], wait=False
    )
    assert FitSearch.objects.get().pk == made["id"] and made["met"] is None
