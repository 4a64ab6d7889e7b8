"""The second factor: codes of an app at sign-in, recovery codes, and who must have one."""

import re
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from portal.teams import second_factor, throttle
from portal.teams.models import AuditEntry, Membership, Role, User
from tests.conftest import PASSWORD

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PAGE, CODE = "second-factor", "sign-in-code"


@pytest.fixture(autouse=True)
def optional(settings):
    settings.SECOND_FACTOR = "optional"


def now_code(secret=SECRET, steps=0):
    return second_factor.code_at(secret, int(time.time()) // 30 + steps)


@pytest.fixture
def codes(alice):
    """Alice has a second factor; these are her recovery codes."""
    return second_factor.enable(alice, SECRET, 0, None)


def give_password(client, user="alice", **more):
    return client.post(reverse("sign-in"), {"username": user, "password": PASSWORD, **more})


def give_code(client, code):
    return client.post(reverse(CODE), {"code": code})


def is_in(client):
    return "_auth_user_id" in client.session


def test_the_codes_are_those_of_the_standard():
    """RFC 6238, appendix B, the last six of its eight digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for moment, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert second_factor.code_at(secret, moment // 30) == code


def test_it_is_off_by_default(client, alice, settings):
    settings.SECOND_FACTOR = "off"
    second_factor.enable(alice, SECRET, 0, None)
    give_password(client)
    assert is_in(client)
    assert "Second factor" not in client.get(reverse("account")).content.decode()
    assert client.get(reverse(PAGE))["Location"] == reverse("account")


def test_one_sets_it_up_with_the_key_of_the_page_and_signs_in_with_it(client, alice):
    give_password(client)
    text = client.get(reverse(PAGE)).content.decode()
    assert "<svg" in text and "style=" not in text.split("<svg")[1].split("</svg>")[0]
    secret = re.search(r"<code[^>]*>([A-Z2-7 ]+)</code>", text)[1].replace(" ", "")
    wrong = client.post(reverse(PAGE), {"code": now_code(secret), "password": "wrong"})
    assert wrong.status_code == 422 and not second_factor.of(alice)
    given = {"code": now_code(secret), "password": PASSWORD}
    text = client.post(reverse(PAGE), given, follow=True).content.decode()
    shown = re.findall(r"[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}", text)
    assert len(shown) == 10 and shown[0] not in client.get(reverse(PAGE)).content.decode()
    assert secret not in str(second_factor.SecondFactor.objects.values().get())
    other = Client()
    assert give_password(other, next="/runs/")["Location"] == reverse(CODE)
    assert not is_in(other)
    assert give_code(other, shown[0].upper())["Location"] == "/runs/" and is_in(other)


def test_a_password_alone_signs_nobody_in_and_a_code_works_once(client, codes):
    give_password(client)
    assert client.get("/").status_code == 302 and not is_in(client)
    assert give_code(client, "000000").status_code == 422 and not is_in(client)
    code = now_code()
    give_code(client, code)
    assert is_in(client)
    other = Client()
    give_password(other)
    assert give_code(other, code).status_code == 422 and not is_in(other)
    assert give_code(other, now_code(steps=-1)).status_code == 422  # an earlier one neither
    assert give_code(other, now_code(steps=1))["Location"] == "/"


def test_a_recovery_code_works_once_and_stands_in_the_audit(client, codes, alice):
    give_password(client)
    give_code(client, codes[3])
    assert is_in(client) and len(second_factor.of(alice).recovery) == 9
    other = Client()
    give_password(other)
    assert give_code(other, codes[3]).status_code == 422
    assert AuditEntry.objects.filter(verb="second-factor.recovery", actor=alice).count() == 1


def test_wrong_codes_count_as_wrong_passwords(client, codes):
    give_password(client)
    for _ in range(throttle.PER_NAME_AND_ADDRESS):
        give_code(client, "000000")
    assert give_code(client, now_code()).status_code == 429 and not is_in(client)
    assert give_password(Client()).status_code == 429


def test_the_code_must_follow_soon_and_with_the_same_password(client, codes, alice, monkeypatch):
    assert give_code(client, now_code())["Location"] == reverse("sign-in")  # without a password
    give_password(client)
    alice.set_password("another battery horse")
    alice.save()
    assert give_code(client, now_code())["Location"] == reverse("sign-in")
    alice.set_password(PASSWORD)
    alice.save()
    give_password(client)
    later = time.time() + 301
    monkeypatch.setattr(second_factor.time, "time", lambda: later)
    assert give_code(client, now_code())["Location"] == reverse("sign-in") and not is_in(client)


def test_one_renews_the_codes_and_removes_it_with_a_code_only(client, codes, alice):
    client.force_login(alice)
    assert client.post(reverse(PAGE), {"code": "000000", "act": "remove"}).status_code == 422
    client.post(reverse(PAGE), {"code": codes[0], "act": "codes"})
    assert client.post(reverse(PAGE), {"code": codes[1], "act": "remove"}).status_code == 422
    client.post(reverse(PAGE), {"code": now_code(), "act": "remove"})
    assert second_factor.of(alice) is None


def test_over_the_api_a_password_is_not_enough_and_a_token_is(codes, alice, team):
    from portal.teams import tokens

    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Basic " + _basic("alice"))
    answer = client.get("/api/v1/runs/")
    assert answer.status_code == 401 and "second factor" in answer.json()["detail"]
    _, secret = tokens.make(team, alice, "CI", ["read"], 1)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert client.get("/api/v1/runs/").status_code == 200


def _basic(name):
    import base64

    return base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()


@pytest.mark.parametrize("by", ["server", "team"])
def test_whoever_must_have_one_and_has_none_sees_its_page_only(client, alice, team, settings, by):
    if by == "server":
        settings.SECOND_FACTOR = "required"
    else:
        team.second_factor = True
        team.save()
    give_password(client)
    assert client.get("/")["Location"] == reverse(PAGE)
    assert client.get(reverse("run-list"))["Location"] == reverse(PAGE)
    assert "set it up to go on" in client.get(reverse(PAGE)).content.decode()
    assert client.get("/api/v1/runs/").status_code == 403
    basic = APIClient()
    basic.credentials(HTTP_AUTHORIZATION="Basic " + _basic("alice"))
    assert basic.get("/api/v1/runs/").status_code == 403
    second_factor.enable(alice, SECRET, 0, client.session.session_key)
    assert client.get("/").status_code == 200 and client.get("/api/v1/runs/").status_code == 200


def test_a_team_demands_it_on_the_page_of_its_settings(admin, team, settings):
    fields = {"name": team.name, "max_drop_percent": "3", "unsure_below_percent": "50"}
    admin.post(reverse("team-settings"), fields | {"second_factor": "on"})
    team.refresh_from_db()
    assert team.second_factor
    assert AuditEntry.objects.filter(verb="team.settings", detail__contains="second factor").exists()
    assert admin.get(reverse("team-settings"))["Location"] == reverse(PAGE)  # the administrator too
    settings.SECOND_FACTOR = "off"
    assert "second factor" not in admin.get(reverse("team-settings")).content.decode()


def test_on_the_server_it_is_removed_by_a_command(codes, alice):
    call_command("reset_second_factor", "alice", stdout=StringIO())
    assert second_factor.of(alice) is None
    assert AuditEntry.objects.filter(verb="second-factor.remove", via="server").count() == 1
    for name, sentence in (("alice", "has no second factor"), ("nobody", "There is no account")):
        with pytest.raises(CommandError, match=sentence):
            call_command("reset_second_factor", name)


def test_an_administrator_resets_it_for_people_of_their_own_teams_only(admin, codes, alice, team):
    member = Membership.objects.get(user=alice, team=team)
    assert "Reset second factor" in admin.get(reverse("team-members")).content.decode()
    alice.is_superuser = True
    alice.save()
    address = reverse("team-member-factor-reset", args=[member.pk])
    assert admin.post(address).status_code == 403 and second_factor.of(alice)
    User.objects.update(is_superuser=False)
    admin.post(address)
    assert second_factor.of(alice) is None
    assert AuditEntry.objects.filter(verb="second-factor.reset", team=team, actor_name="dora").exists()
    Membership.objects.filter(user__username="dora").update(role=Role.OPERATOR)
    assert admin.post(address).status_code == 403
