"""Mistakes as pictures: the matrix leads to them, and they lead into the grid."""

import re

import pytest
from django.urls import reverse

from portal.runs.graph import Graph
from portal.runs.matrix import LEVELS, matrix_of
from portal.runs.mistakes import Mistakes
from portal.runs.models import Run
from tests.seed import everything

pytestmark = pytest.mark.django_db
ROWS = [
    {"image": "images/000001.png", "label": 0, "predicted": 0, "score": 0.9},
    {"image": "images/000002.png", "label": 0, "predicted": 1, "score": 0.6},
    {"image": "images/000003.png", "label": 0, "predicted": 1, "score": 0.8},
    {"image": "images/000004.png", "label": 1, "predicted": None, "score": None},
    {"image": "images/000005.png", "label": 1, "predicted": 0, "score": 0.7},
]


@pytest.fixture
def run(team, alice, monkeypatch) -> Run:
    monkeypatch.setattr("portal.runs.mistakes.predictions_of", lambda evaluation: ROWS)
    return everything(team, alice)["done"]


def numbers(run: Run, **query) -> list[int]:
    found = Mistakes(Graph(run), {name: str(value) for name, value in query.items()})
    return [picture.number for picture in found.pictures]


def test_every_mistake_is_shown_the_surest_first(run):
    assert numbers(run) == [3, 5, 2, 4]


def test_a_cell_of_the_matrix_shows_its_images(run):
    assert numbers(run, truth=0, answer=1) == [3, 2]
    assert numbers(run, truth=0, answer=0) == [1]


def test_a_row_or_a_column_shows_its_mistakes(run):
    assert numbers(run, truth=0) == [3, 2]
    assert numbers(run, answer=0) == [5]


@pytest.mark.parametrize("odd", ["", "-1", "99", "x", "1" * 40])
def test_what_is_no_class_is_left_open(run, odd):
    assert numbers(run, truth=odd, answer=odd, of=odd) == [3, 5, 2, 4]


def test_each_stage_can_be_chosen(run):
    found = Mistakes(Graph(run), {})
    assert [source.title for source in found.sources] == ["trained model", "Rockchip RV1106", "Virtual board"]
    other = found.sources[1].evaluation.pk
    assert Mistakes(Graph(run), {"of": str(other)}).source.evaluation.pk == other


def test_the_page_shows_pictures_and_leads_into_the_grid(alices, run):
    shown = alices.get(reverse("run-mistakes", args=[run.pk])).content.decode()
    assert reverse("dataset-image-page", args=[run.dataset_version_id, 3]) in shown
    assert reverse("dataset-images", args=[run.dataset_version_id]) + "?ids=3,5,2,4" in shown
    assert '<span class="name">2.png</span>' in shown, "the file as it was called in the upload"


def test_charlie_sees_no_mistakes(client, charlie, run):
    client.force_login(charlie)
    assert client.get(reverse("run-mistakes", args=[run.pk])).status_code == 404


def test_the_matrix_links_each_cell_that_counts(alices, run):
    page = alices.get(run.get_absolute_url()).content.decode()
    assert 'class="matrix"' in page
    assert reverse("run-mistakes", args=[run.pk]) + "?truth=0&amp;answer=0" in page


def test_a_cell_of_the_matrix_says_which_class_was_taken_for_which(alices, run):
    page = alices.get(run.get_absolute_url()).content.decode()
    table = page.partition('class="matrix"')[2].partition("</table>")[0]
    said = re.findall(r'title="([^"]+) → ([^"]+): (\d+)">(\d+)<', table)
    assert said and all(count == shown for _truth, _answer, count, shown in said)
    assert ("7", "1") in {(truth, answer) for truth, answer, *_counts in said}


def test_one_mistake_among_hundreds_is_shaded():
    matrix = matrix_of({"confusion": [[500, 1], [0, 3]]}, ["a", "b"])
    (right, wrong), (none, few) = (cells for _name, cells in matrix.rows)
    assert (right.level, wrong.level, none.level, few.level) == (LEVELS, 2, 0, 1)


def test_too_many_classes_have_no_matrix():
    assert matrix_of({"confusion": [[0] * 61] * 61}, ["x"] * 61) is None
    assert matrix_of({}, []) is None
