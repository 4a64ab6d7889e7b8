"""The slash at the end of an address of the API may be left out, and the API has an index."""

import pytest
from rest_framework.test import APIClient

from portal.core.bodies import an_archive, most_bytes
from portal.datasets.models import Dataset
from tests.factories import class_zip


@pytest.fixture
def api(alice):
    client = APIClient()
    client.force_authenticate(alice)
    return client


def test_a_post_without_the_slash_is_the_post_that_was_meant(api):
    answer = api.post("/api/v1/datasets", {"name": "Pets", "file": class_zip()}, format="multipart")
    assert answer.status_code == 201, answer.content
    assert Dataset.objects.get().name == "Pets"
    assert most_bytes("/api/v1/datasets", "POST") == an_archive()


def test_reading_needs_no_slash_either_and_no_redirect(api):
    pk = api.post("/api/v1/datasets/samples/digits").json()["dataset"]
    for path in ("datasets?limit=1", f"datasets/{pk}", "", "schema"):
        assert api.get(f"/api/v1/{path}").status_code == 200, path


def test_what_leads_nowhere_stays_a_problem(api):
    for method in (api.get, api.post):
        answer = method("/api/v1/nothing")
        assert answer.status_code == 404 and answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["datasets.json", "capture-drafts/1/label.json", "capture-drafts/1/images/0.03/"]
)
def test_no_address_takes_the_kind_of_its_answer_at_its_end(api, path):
    assert api.get(f"/api/v1/{path}").status_code == 404


def test_pages_are_redirected_as_before(alices):
    assert alices.get("/runs/new")["Location"] == "/runs/new/"


def test_the_index_leads_to_everything_that_it_names(api):
    found = api.get("/api/v1/").json()
    assert found["runs"] == "http://testserver/api/v1/runs/"
    for name, address in found.items():
        # What a member may not see, or has to ask for by a hash, is there all the same.
        assert api.get(address).status_code in (200, 302, 400, 403), name
