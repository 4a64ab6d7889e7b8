"""Programs get long answers compressed; browsers and answers with a secret never do (BREACH)."""

import gzip
import json

import pytest
from rest_framework.test import APIClient

from portal.teams import tokens
from portal.teams.models import Scope

WANTED = {"Accept-Encoding": "br, gzip;q=0.8"}


@pytest.fixture
def program(team, alice):
    alice.memberships.update(role="admin")
    client = APIClient()
    _, secret = tokens.make(team, alice, "CI", Scope.values, 1)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def test_a_program_gets_a_long_answer_compressed(program):
    plain = program.get("/api/v1/recipes/")
    packed = program.get("/api/v1/recipes/", headers=WANTED)
    assert packed["Content-Encoding"] == "gzip" and len(packed.content) < len(plain.content) / 2
    assert json.loads(gzip.decompress(packed.content)) == plain.json()
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer["Vary"]
        assert answer["ETag"] == plain["ETag"]
    assert "Content-Encoding" not in plain


@pytest.mark.parametrize("value", ["", "br", "gzip;q=0", "gzip; q=0.0, br"])
def test_who_does_not_ask_for_it_gets_it_plain(program, value):
    assert "Content-Encoding" not in program.get("/api/v1/recipes/", headers={"Accept-Encoding": value})


def test_a_browser_with_its_cookie_gets_it_plain(alices):
    assert "Content-Encoding" not in alices.get("/api/v1/recipes/", headers=WANTED)


def test_an_answer_with_a_secret_and_a_short_one_stay_plain(program):
    body = {"name": "x" * 100, "scopes": ["read"] * 5}
    answer = program.post("/api/v1/tokens/", body, format="json", headers=WANTED)
    assert answer.status_code == 201 and "Content-Encoding" not in answer
    assert "Content-Encoding" not in program.get("/api/v1/me/", headers=WANTED)


def test_an_answer_without_any_content_passes(program):
    told = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", **WANTED}
    assert program.post("/api/v1/uploads/", headers=told).status_code == 201


def test_the_schema_is_compressed_as_well(program):
    assert program.get("/api/v1/schema/", headers=WANTED)["Content-Encoding"] == "gzip"
