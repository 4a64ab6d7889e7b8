"""Service accounts: made by administrators, used by tokens only, named in the audit."""

import re

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.teams import password_links, service_accounts, services
from portal.teams.models import AuditEntry, Membership, Role, Team, User
from tests.conftest import PASSWORD


@pytest.fixture
def account(team, dora):
    return service_accounts.make(team, dora, "Oven line", Role.MEMBER)


def with_secret(secret):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def test_an_administrator_makes_one_with_a_token_and_ends_it(admin, team):
    answer = admin.post(reverse("service-account-list"), {"name": "Oven line", "role": "member"}, follow=True)
    account = service_accounts.of_team(team).get()
    page = reverse("service-account-detail", args=[account.pk])
    assert "Oven line is made" in answer.content.decode()
    fields = {"name": "Nightly", "scopes": ["read", "runs"], "days": 30}
    text = admin.post(page, fields, follow=True).content.decode()
    secret = re.search(r'value="(slw_[\w-]+)"', text)[1]
    assert secret not in admin.get(page).content.decode()
    assert "Oven line" in admin.get(reverse("service-account-list")).content.decode()
    program = with_secret(secret)
    me = program.get("/api/v1/me/").json()
    assert (me["username"], me["role"]) == ("service:Oven line", "member")
    entry = AuditEntry.objects.filter(verb="api.call").latest("pk")
    assert (entry.actor_name, entry.via) == ("service:Oven line", "token")
    admin.post(reverse("service-account-end", args=[account.pk]))
    assert program.get("/api/v1/me/").status_code == 401
    assert admin.get(page).status_code == 404
    assert "Oven line" not in admin.get(reverse("service-account-list")).content.decode()
    verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"service-account.create", "token.create", "service-account.end", "token.revoke"} <= verbs


def test_nobody_signs_in_with_it_and_no_person_can_have_such_a_name(client, account, dora, team):
    client.post(reverse("sign-in"), {"username": "service:Oven line", "password": ""})
    assert "_auth_user_id" not in client.session
    for maker in (dora, User.objects.create_superuser("root")):
        assert not password_links.resettable(maker).filter(pk=account.user_id).exists()
    path = services.invite(team, dora, Role.VIEWER, 7)[1]
    fields = {"username": "service:Evil", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post(path, fields).status_code == 422


def test_it_is_no_member_on_the_pages_of_people(admin, account, team):
    assert "service:" not in admin.get(reverse("team-members")).content.decode()
    member = Membership.objects.get(user=account.user)
    for name in ("team-member-role", "team-member-remove", "team-member-reset-link"):
        assert admin.post(reverse(name, args=[member.pk]), {"role": "admin"}).status_code == 404
    member.refresh_from_db()
    assert member.role == Role.MEMBER
    names = [row["username"] for row in admin.get("/api/v1/members/").json()["results"]]
    assert "dora" in names and "service:Oven line" not in names


def test_a_name_is_used_once_in_a_team_and_may_be_another_teams(admin, account, dora, team):
    answer = admin.post(reverse("service-account-list"), {"name": "oven LINE", "role": "viewer"})
    assert answer.status_code == 422 and "choose another" in answer.content.decode()
    dock = Team.objects.create(name="Dock")
    assert service_accounts.make(dock, dora, "Oven line", Role.VIEWER).user.username == "service:Oven line 2"
    service_accounts.end(account)
    service_accounts.end(account)  # again changes nothing
    assert AuditEntry.objects.filter(verb="service-account.end").count() == 1
    service_accounts.make(team, dora, "Oven line", Role.VIEWER)


def test_it_never_administers_and_the_api_does_the_same(with_token, dora, team):
    client = with_token(dora, team)
    made = client.post("/api/v1/service-accounts/", {"name": "Oven", "role": "operator"}, format="json")
    assert made.status_code == 201 and made.json()["role"] == "operator"
    address = f"/api/v1/service-accounts/{made.json()['id']}/"
    wrong = client.post("/api/v1/service-accounts/", {"name": "Boss", "role": "admin"}, format="json")
    assert wrong.status_code == 400
    number = client.post("/api/v1/service-accounts/", {"name": 7, "role": "viewer"}, format="json")
    assert number.status_code == 400
    twice = client.post("/api/v1/service-accounts/", {"name": "Oven", "role": "viewer"}, format="json")
    assert twice.status_code in (400, 409) and "choose another" in twice.content.decode()
    body = {"name": "CI", "scopes": ["read", "admin"], "days": 7}
    token = client.post(f"{address}tokens/", body, format="json")
    assert token.status_code == 201 and token.json()["owner"] == "service:Oven"
    program = with_secret(token.json()["secret"])
    assert program.get("/api/v1/runs/").status_code == 200
    assert program.get("/api/v1/service-accounts/").status_code == 403
    assert [row["name"] for row in client.get("/api/v1/service-accounts/").json()["results"]] == ["Oven"]
    assert client.delete(address).status_code == 204
    assert program.get("/api/v1/runs/").status_code == 401
