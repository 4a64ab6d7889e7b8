"""JSON, hosts and numbers that nobody means are refused with a sentence, by every endpoint alike."""

import json

import pytest
from django.test import Client
from rest_framework.test import APIClient

from portal.core.parsers import DEPTH, read_json
from portal.teams import tokens
from portal.teams.models import AuditEntry, Scope
from tests.conftest import PASSWORD

BODIES = {
    "deep lists": b"[" * 10_000 + b"]" * 10_000,
    "deep lists within a field": b'{"name": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "deep objects": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "a little too deep": b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1),
    "not closed": b"[" * 10_000,
    "Latin-1": b'{"name": "\xe4"}',
    "half a UTF-8 letter": b'{"name": "\xe4\xb8"}',
    "UTF-16": '{"name": "a"}'.encode("utf-16"),
    "a null character": b'{"name": "a\\u0000b"}',
    "a null character as a name": b'{"a\\u0000b": 1}',
    "half a surrogate pair": b'{"name": "\\ud800"}',
    "a field twice": b'{"name": "a", "name": "b"}',
    "a large integer": b'{"name": ' + b"9" * 30 + b"}",
    "an integer of many digits": b'{"name": ' + b"9" * 100_000 + b"}",
    "a number that is infinite": b'{"name": 1e999}',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": -Infinity}',
    "nothing": b"",
    "no JSON": b"name=a",
    "two texts": b"{} {}",
}
ENDPOINTS = [
    ("post", "/api/v1/datasets/"),
    ("post", "/api/v1/datasets/imports/"),
    ("post", "/api/v1/runs/"),
    ("post", "/api/v1/devices/"),
    ("post", "/api/v1/webhooks/"),
    ("post", "/api/v1/tokens/"),
    ("patch", "/api/v1/me/"),
    ("put", "/api/v1/notification-choices/"),
]


@pytest.fixture
def client(team, alice):
    _, secret = tokens.make(team, alice, "t", [scope.value for scope in Scope], 1)
    return APIClient(headers={"Authorization": f"Bearer {secret}"}, raise_request_exception=False)


@pytest.mark.parametrize("method, path", ENDPOINTS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_it_refuses_what_is_no_sensible_json(client, method, path, body):
    answer = client.generic(method.upper(), path, body, content_type="application/json")
    assert 400 <= answer.status_code < 500, answer.content
    assert answer["Content-Type"].startswith("application/problem+json")
    assert answer.json()["detail"]
    assert len(answer.content) < 2000


@pytest.mark.parametrize("value", [[], "text", 5, None, True, [[]]])
@pytest.mark.parametrize("method, path", ENDPOINTS)
def test_json_that_is_no_object_is_no_error_of_ours(client, method, path, value):
    answer = client.generic(method.upper(), path, json.dumps(value), content_type="application/json")
    assert answer.status_code < 500, answer.content


@pytest.mark.parametrize("charset", ["utf-7", "idna", "utf-16", "no-such-thing", "x" * 300])
@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/x"],
)
def test_no_charset_is_an_error_of_ours(client, kind, charset):
    for path in ("/api/v1/datasets/?search=a", "/api/v1/runs/?search=a", "/sign-in/?next=a"):
        answer = client.generic("POST", path, b"name=a", content_type=f"{kind}; charset={charset}")
        assert answer.status_code < 500, answer.content


def test_json_of_every_kind_that_is_sensible_is_read():
    text = {"ä": ["语", -(2**63) + 1, 1.5, None, True, {"": "😀"}]}
    assert read_json(json.dumps(text).encode()) == text
    assert read_json(b"\xef\xbb\xbf" + json.dumps(text, ensure_ascii=False).encode()) == text
    assert read_json(b"[" * DEPTH + b"]" * DEPTH) is not None


HOSTS = [
    "a" * 250,
    "a" * 64 + ".example",
    ".",
    "a..b",
    "a b",
    "a\x00b",
    "a\nb",
    "http://a",
    "a/b",
    "u@a",
    "1.2.3.4:22",
]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_cannot_be_one_is_refused_with_a_sentence(client, host):
    fields = {"name": "board", "profile": "lockzhiner-vision-module", "host": host, "password": "x"}
    answer = client.post("/api/v1/devices/", fields, format="json")
    assert answer.status_code == 400, answer.content


@pytest.mark.parametrize("host", HOSTS)
def test_the_form_of_a_device_says_so_too(alice, host):
    page = Client(raise_request_exception=False)
    page.login(username="alice", password=PASSWORD)
    fields = {"name": "board", "profile": "lockzhiner-vision-module", "host": host, "port": 22}
    answer = page.post("/devices/new/", fields | {"username": "root", "password": "x"})
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize("number", ["9" * 19, "9" * 30, "9" * 5000, "-1", "1e5", "NaN", "١", "%00", "\ud800"])
def test_no_number_in_an_address_is_an_error_of_ours(client, number):
    text = number.encode("utf-8", "surrogatepass").decode("latin-1")
    for path in (
        f"/api/v1/runs/{text}/",
        f"/api/v1/runs/?dataset={text}",
        f"/api/v1/jobs/?page={text}&page_size={text}&cursor={text}",
        f"/api/v1/devices/{text}/",
        f"/api/v1/history/?after={text}",
        f"/api/v1/jobs/1/log/?offset={text}",
        f"/datasets/{text}/",
        f"/runs/?page={text}",
    ):
        answer = client.get(path)
        assert answer.status_code < 500, path[:100]


def test_a_refused_call_of_a_secret_address_is_recorded_without_the_secret(alice):
    page = Client(enforce_csrf_checks=True)
    page.login(username="alice", password=PASSWORD)
    assert page.post("/invitations/tH1sOpensTheTeam/").status_code == 403
    assert [entry for entry in AuditEntry.objects.all() if "tH1s" in entry.object_label] == []
