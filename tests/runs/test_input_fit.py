"""Images much larger or smaller than a model's input: said where a run is planned, and on the run."""

from __future__ import annotations

import pytest
from django.urls import reverse

from portal.core import configs
from portal.datasets.models import DatasetVersion
from portal.datasets.services import create_version
from portal.runs import plan
from portal.runs.input_fit import misfit
from portal.runs.report import report
from portal.runs.services import create_run
from tests.factories import class_zip
from workers.datakit.histograms import LONG_SIDE, Histogram

SIZES = [[64, 64], [96, 96], [128, 128], [160, 160], [224, 224]]
LARGER, SMALLER = "Most images are more than 8 times larger", "Most images are less than half as large"


def of_sides(**counts: int) -> dict:
    """Statistics of so many images of each long side, as ``s640=3``."""
    sides = Histogram(LONG_SIDE)
    for side, count in counts.items():
        for _ in range(count):
            sides.add(int(side[1:]))
    return {"long_side": sides.as_dict()}


@pytest.mark.parametrize(
    ("counts", "said"),
    [({"s4000": 6, "s500": 4}, LARGER), ({"s4000": 5, "s500": 5}, None), ({"s40": 9}, SMALLER),
     ({"s224": 9}, None), ({"s110": 9}, None), ({"s1700": 9}, None), ({}, None)],
)  # fmt: skip
def test_most_images_count(counts, said):
    found = misfit(DatasetVersion(statistics=of_sides(**counts)), [224, 224], SIZES)
    assert (found is None) if said is None else found.startswith(said)


def test_a_version_that_is_not_checked_yet_says_nothing():
    assert misfit(DatasetVersion(), [224, 224], SIZES) is None


def test_no_smaller_input_is_advised_where_there_is_none():
    tiny = DatasetVersion(statistics=of_sides(s8=9))
    assert misfit(tiny, [64, 64], SIZES) is None and misfit(tiny, [96, 96], SIZES).startswith(SMALLER)


@pytest.fixture
def large(team, alice, run_jobs):
    version = create_version(team, alice, "Pets", class_zip())
    run_jobs()
    version.refresh_from_db()
    version.statistics = of_sides(s8000=9)
    version.save(update_fields=["statistics"])
    return version


def test_the_page_of_a_new_run_says_so_at_each_preset(alices, large):
    url = reverse("run-new")
    page = alices.get(url, {"version": large.pk}).content.decode()
    assert page.count(LARGER) >= len(configs.presets())
    DatasetVersion.objects.update(statistics=of_sides(s300=9))
    assert LARGER not in alices.get(url, {"version": large.pk}).content.decode()


def test_the_run_and_its_report_say_so(team, alice, alices, large):
    run = create_run(plan.make_plan(large, preset="fast", chips=["rv1106"]), team, alice)
    assert any(notice.startswith(LARGER) for notice in report(run)["notices"])
    assert LARGER in alices.get(run.get_absolute_url()).content.decode()


def test_images_below_the_smallest_input_of_a_recipe_are_no_misfit_of_it():
    version = DatasetVersion(statistics=of_sides(s30=9))
    assert misfit(version, [64, 64], [[64, 64], [96, 96]]) is None
    assert misfit(version, [96, 96], [[64, 64], [96, 96]]).startswith(
        "Most images are less than half as large"
    )


def test_the_page_says_which_presets_were_fitted_to_the_dataset(alices, large):
    url, fitted = reverse("run-new"), "are fitted to this dataset"
    few = alices.get(url, {"version": large.pk}).content.decode()
    assert few.count(fitted) >= 1  # its epochs: it has few images
    DatasetVersion.objects.update(statistics=of_sides(s8000=9), train_images=100_000)
    assert fitted not in alices.get(url, {"version": large.pk}).content.decode()
