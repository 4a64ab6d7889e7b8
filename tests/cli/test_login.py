"""Signing in: a token is kept for its owner alone, and goes to its own portal only."""

import io
import json
import stat

import pytest
from slipway import logins

from portal.teams.models import ApiToken
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_password_becomes_a_token_that_only_its_owner_can_read(live_server, alice, slipway, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    answer = slipway("login", live_server.url, "--user", "alice", "--password-stdin")
    assert answer.code == 0, answer.err
    assert "operator of the team Harbour" in answer.out
    kept = json.loads(logins.path().read_text(encoding="utf-8"))
    assert kept["token"].startswith("slw_")
    assert PASSWORD not in logins.path().read_text(encoding="utf-8")
    assert stat.S_IMODE(logins.path().stat().st_mode) == 0o600
    assert ApiToken.objects.get().scopes == ["read", "datasets", "runs", "deploy"]
    assert slipway("whoami").code == 0


def test_a_token_can_be_given_on_standard_input(live_server, alice, token_of, slipway, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{token_of(alice)}\n"))
    answer = slipway("login", live_server.url, "--token", "-", "--json")
    assert answer.json["team"] == "Harbour"
    assert slipway("logout").out == f"The token for {live_server.url} is forgotten.\n"
    assert slipway("whoami").code == 3


def test_a_wrong_password_is_refused_and_nothing_is_kept(live_server, alice, slipway, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    answer = slipway("login", live_server.url, "--user", "alice", "--password-stdin")
    assert answer.code == 3
    assert answer.err.startswith("slipway: ")
    assert not logins.path().exists()


def test_what_is_no_portal_is_told_from_one(live_server, slipway):
    answer = slipway("login", f"{live_server.url}/elsewhere", "--token", "slw_x")
    assert answer.code == 5
    assert "is no Slipway portal" in answer.err


def test_without_a_terminal_it_says_how_to_sign_in(live_server, slipway, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    answer = slipway("login", live_server.url)
    assert answer.code == 2
    assert "--password-stdin" in answer.err


@pytest.mark.parametrize("url", ["ftp://portal", "http://", "http://me:secret@portal", "http://portal:port"])
def test_an_address_that_is_none_is_refused(url, slipway):
    assert slipway("login", url, "--token", "slw_x").code == 2


def test_the_environment_wins_over_what_is_kept(monkeypatch, tmp_path):
    logins.save(logins.Login("http://kept", "slw_kept"))
    assert logins.current() == logins.Login("http://kept", "slw_kept")
    monkeypatch.setenv("SLIPWAY_TOKEN", "slw_mine")
    assert logins.current() == logins.Login("http://kept", "slw_mine")
    monkeypatch.setenv("SLIPWAY_URL", "http://other/")
    assert logins.current() == logins.Login("http://other", "slw_mine")


def test_a_kept_token_is_not_sent_to_another_portal(monkeypatch, slipway):
    logins.save(logins.Login("http://kept", "slw_kept"))
    monkeypatch.setenv("SLIPWAY_URL", "http://other")
    answer = slipway("whoami")
    assert answer.code == 3
    assert "There is no token for http://other" in answer.err
