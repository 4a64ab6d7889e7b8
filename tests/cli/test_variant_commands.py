"""Variants of a run's model and searches by the command line and the library."""

import pytest
from slipway import Client, Refused

from portal.compilation import search
from portal.datasets.services import create_version
from portal.models.models import CompiledModel
from portal.runs.models import Run
from portal.runs.plan import make_plan
from portal.runs.services import create_run
from tests.factories import class_zip
from tests.graphs import compiled_of
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(signed_in, team, alice, run_jobs) -> Run:
    """A run that succeeded; its int8 model takes some images for the other class."""
    version = create_version(team, alice, "Pets", class_zip(("cat", "fake: drop"), 20))
    made = create_run(make_plan(version, preset="fast", chips=("rv1106",)), team, alice)
    run_jobs()
    return made


@pytest.fixture
def variant(run) -> CompiledModel:
    return compiled_of(run).get()


def test_a_variant_is_added_listed_and_chosen(run, variant, slipway, run_jobs):
    answer = slipway(
        "variant", "add", run.pk, "--chip", "rv1106", "--algorithm", "mmse", "--no-wait", "--json"
    )
    assert answer.code == 0, answer.err
    number = answer.json["id"]
    assert answer.json["quantization"]["algorithm"] == "mmse"
    run_jobs()
    first, second = slipway("variant", "list", run.pk, "--json").json
    assert (first["id"], second["id"]) == (variant.pk, number)
    assert first["evaluation"]["parity"]["drop"] > second["evaluation"]["parity"]["drop"]
    assert slipway("variant", "choose", number).out == f"Variant {number} is chosen for rv1106.\n"
    listed = slipway("variant", "list", f"run/{run.pk}").out.splitlines()
    assert [line.split("\t")[0] for line in listed[1:]] == [f"variant/{variant.pk}", f"variant/{number}"]
    assert listed[1].endswith("points\t") and listed[2].endswith("points\tyes")
    assert "algorithm=mmse" in listed[2] and "method=channel" in listed[2]


def test_settings_that_are_refused_or_known_already_have_their_codes(run, slipway):
    add = ("variant", "add", run.pk, "--chip", "rv1106")
    assert slipway(*add, "--float").code == 6
    assert "int8 models only" in slipway(*add, "--float").err
    assert "has these settings already" in slipway(*add).err
    assert slipway("variant", "add", run.pk, "--chip", "rk3588").code == 6
    assert slipway("variant", "choose", "run/1").code == 2
    assert slipway("variant", "choose", 999).code == 4


def test_a_variant_is_waited_for(variant, run, portal, slipway):
    answer = slipway("variant", "add", run.pk, "--chip", "rv1106", "--images", 9, "--method", "layer")
    assert answer.code == 0, answer.err
    assert answer.out.endswith(" is succeeded.\n")
    answer = slipway("variant", "layers", variant.pk)
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[2] == "relu.2\tRelu\t0.6\t0.99\t9.5"
    # Known errors are shown without another measurement.
    again = slipway("variant", "layers", variant.pk, "--json").json
    assert slipway("variant", "layers", variant.pk, "--json").json["id"] == again["id"]
    assert slipway("variant", "layers", variant.pk, "--again", "--json").json["id"] > again["id"]


def test_a_search_that_fails_fails_the_command(run, slipway):
    row = Client().search_variant(run.pk, "rv1106", 0.0, wait=False)
    assert slipway("cancel", f"job/{row['job']['id']}").code == 0
    answer = slipway("variant", "watch", row["id"])
    assert answer.code == 1 and answer.err.splitlines()[-1].startswith("slipway: ")


def test_a_search_chooses_what_keeps_to_the_limit(run, slipway, run_jobs):
    answer = slipway("variant", "search", run.pk, "--chip", "rv1106", "--max-drop", "0.15", "--no-wait")
    assert answer.code == 0, answer.err
    number = answer.out.split()[1]
    run_jobs()
    answer = slipway("variant", "watch", number)
    assert answer.code == 0, answer.err
    assert "holds the limit" in answer.out
    row = slipway("variant", "watch", f"search/{number}", "--json").json
    assert row["met"] and [one["quantization"]["algorithm"] for one in row["variants"]]


def test_a_search_that_finds_nothing_has_an_exit_code_of_its_own(run, slipway, run_jobs, monkeypatch):
    monkeypatch.setattr(search, "WIDENED", ())
    client = Client()
    row = client.search_variant(run.pk, "rv1106", 0.0, wait=False)
    run_jobs()
    answer = slipway("variant", "watch", row["id"])
    assert answer.code == 8 and "comes nearest" in answer.err
    assert slipway("variant", "watch", row["id"], "--json").json["met"] is False
    chosen = next(one for one in client.variants(run.pk) if one["chosen"])
    assert chosen["quantization"]["algorithm"] == "normal"


def test_a_run_without_a_model_has_no_variants(signed_in, slipway, team, alice):
    seeder = Seeder(team, alice)
    run = seeder.run(seeder.version())
    answer = slipway("variant", "list", run.pk)
    assert (answer.code, answer.err) == (
        6,
        f"slipway: Run {run.pk} has no model yet: wait for its training.\n",
    )
    with pytest.raises(Refused):
        Client().model_of(run.pk)
