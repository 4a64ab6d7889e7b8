"""People in teams: roles, removal, invitations, several teams."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.datasets.models import Dataset
from portal.teams import services, tokens
from portal.teams.models import Invitation, Membership, Role, Team, User
from tests.conftest import PASSWORD

FIELDS = {"username": "frank", "email": "", "password1": "horse battery staple"}
NEW = FIELDS | {"password2": FIELDS["password1"]}
SETTINGS = {"unsure_below_percent": "50", "max_drop_percent": "3"}


def member(user, team):
    return Membership.objects.get(user=user, team=team)


def invited(team, dora, role=Role.MEMBER):
    return services.invite(team, dora, role, 7, "Frank")


def test_everybody_sees_the_people_and_only_an_administrator_the_forms(client, dora, alice):
    client.force_login(alice)
    text = client.get(reverse("team-members")).content.decode()
    assert "dora" in text and "bob" in text
    assert "Invite someone" not in text
    client.force_login(dora)
    assert "Invite someone" in client.get(reverse("team-members")).content.decode()


@pytest.mark.parametrize("name", ["team-members", "token-list", "audit-list"])
def test_a_page_asks_the_database_as_often_for_many_people_as_for_few(admin, team, name):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            admin.get(reverse(name))
        return len(captured)

    queries()  # the first visit notes that the browser was seen
    few = queries()
    for number in range(20):
        user = User.objects.create_user(f"person-{number}")
        Membership.objects.create(team=team, user=user, role=Role.VIEWER)
        tokens.make(team, user, "Nightly", ["read"], 30)
    assert queries() == few


def test_an_administrator_changes_a_role(admin, alice, team):
    address = reverse("team-member-role", args=[member(alice, team).pk])
    admin.post(address, {"role": "viewer"})
    assert member(alice, team).role == Role.VIEWER


def test_the_last_administrator_can_neither_be_demoted_nor_removed(admin, dora, team):
    pk = member(dora, team).pk
    for name, fields in (("team-member-role", {"role": "viewer"}), ("team-member-remove", {})):
        answer = admin.post(reverse(name, args=[pk]), fields, follow=True)
        assert "only administrator" in answer.content.decode()
    assert member(dora, team).role == Role.ADMIN


def test_what_a_removed_person_made_stays_and_their_tokens_for_the_team_end(admin, alice, team):
    dataset = Dataset.objects.create(team=team, created_by=alice, name="Parts")
    token, secret = tokens.make(team, alice, "Nightly", ["read"], 30)
    admin.post(reverse("team-member-remove", args=[member(alice, team).pk]))
    assert not Membership.objects.filter(user=alice, team=team).exists()
    dataset.refresh_from_db()
    assert (dataset.team, dataset.created_by) == (team, alice)
    with pytest.raises(tokens.TokenRefused, match="was revoked"):
        tokens.find(secret, None)


def test_one_may_leave_but_remove_nobody_else(client, alice, bob, team):
    client.force_login(alice)
    assert client.post(reverse("team-member-remove", args=[member(bob, team).pk])).status_code == 403
    client.post(reverse("team-member-remove", args=[member(alice, team).pk]))
    assert not Membership.objects.filter(user=alice, team=team).exists()


def test_a_link_makes_an_account_and_brings_it_into_the_team_once(client, dora, team):
    invitation, path = invited(team, dora)
    assert "Join Harbour" in client.get(path).content.decode()
    assert client.post(path, NEW)["Location"] == reverse("home")
    frank = User.objects.get(username="frank")
    assert member(frank, team).role == Role.MEMBER
    assert client.get(reverse("home")).status_code == 200
    invitation.refresh_from_db()
    assert invitation.used_by == frank
    client.logout()
    answer = client.post(path, NEW | {"username": "gina"})
    assert answer.status_code == 410
    assert not User.objects.filter(username="gina").exists()


def test_the_secret_of_an_invitation_is_kept_as_a_hash_only(dora, team):
    invitation, path = invited(team, dora)
    secret = path.rstrip("/").rsplit("/", 1)[1]
    assert secret not in str(Invitation.objects.filter(pk=invitation.pk).values().get())


def test_somebody_in_no_team_can_still_join_one(client, dora, team):
    eve = User.objects.create_user("eve", password=PASSWORD)
    _, path = invited(team, dora, Role.OPERATOR)
    sign_in = client.get(path).context["sign_in_url"]
    answer = client.post(sign_in, {"username": "eve", "password": PASSWORD, "next": path})
    assert answer["Location"] == path
    client.post(path)
    assert member(eve, team).role == Role.OPERATOR


def test_whoever_is_in_the_team_does_not_use_the_link_up(client, dora, team, bob):
    _, path = invited(team, dora)
    client.force_login(bob)
    assert "in Harbour already" in client.post(path, follow=True).content.decode()
    assert member(bob, team).role == Role.VIEWER
    assert client.get(path).status_code == 200


def test_an_expired_or_withdrawn_link_no_longer_works(client, dora, team):
    invitation, path = invited(team, dora)
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(path).status_code == 410
    invitation, path = invited(team, dora)
    client.force_login(dora)
    client.post(reverse("team-invitation-withdraw", args=[invitation.pk]))
    assert client.get(path).status_code == 410
    assert client.get(reverse("invitation", args=["x" * 43])).status_code == 410


def test_two_people_cannot_use_one_link(dora, team, charlie):
    invitation, _ = invited(team, dora)
    services.accept(invitation, charlie)
    with pytest.raises(services.TeamError, match="used or withdrawn"):
        services.accept_as_new(invitation, "frank", "horse battery staple")
    assert not User.objects.filter(username="frank").exists()


def test_a_weak_password_is_refused_at_its_field_and_the_link_stays_usable(client, dora, team):
    _, path = invited(team, dora)
    answer = client.post(path, FIELDS | {"password1": "12345", "password2": "12345"})
    assert answer.status_code == 422
    assert "too short" in answer.content.decode()
    assert client.get(path).status_code == 200


def test_a_person_in_two_teams_switches_and_sees_the_other_ones_rows(client, dora, team, charlie):
    Dataset.objects.create(team=team, created_by=dora, name="Parts of the harbour")
    _, path = invited(team, dora, Role.VIEWER)
    client.force_login(charlie)
    client.post(path)
    assert "Parts of the harbour" in client.get(reverse("dataset-list")).content.decode()
    other = Team.objects.get(name="Elsewhere")
    client.post(reverse("team-switch"), {"team": other.pk})
    assert "Parts of the harbour" not in client.get(reverse("dataset-list")).content.decode()
    assert client.get(reverse("audit-list")).status_code == 200  # an administrator there
    client.post(reverse("team-switch"), {"team": team.pk})
    assert client.get(reverse("audit-list")).status_code == 403  # a viewer here


@pytest.mark.parametrize("wanted", ["", "x", "99999", "9" * 30])
def test_one_cannot_switch_into_a_team_that_one_is_not_in(client, alice, wanted):
    client.force_login(alice)
    assert client.post(reverse("team-switch"), {"team": wanted}).status_code == 404


def test_a_person_removed_from_the_team_of_the_session_works_in_the_next(client, dora, team, charlie):
    client.force_login(charlie)
    client.post(invited(team, dora)[1])
    member(charlie, team).delete()
    assert "Elsewhere" in client.get(reverse("home")).content.decode()


def test_a_team_is_renamed_but_not_to_anothers_name(admin, team):
    assert (
        admin.post(
            reverse("team-settings"),
            {"name": "Elsewhere", **SETTINGS},
        ).status_code
        == 422
    )
    admin.post(reverse("team-settings"), {"name": "Quay", **SETTINGS})
    team.refresh_from_db()
    assert team.name == "Quay"


def test_only_the_servers_administrator_makes_a_team(client, dora):
    client.force_login(dora)
    assert client.post(reverse("team-new"), {"name": "Third"}).status_code == 403
    root = User.objects.create_superuser("root", password=PASSWORD)
    client.force_login(root)
    client.post(reverse("team-new"), {"name": "Third"})
    assert member(root, Team.objects.get(name="Third")).role == Role.ADMIN


def test_a_hostile_name_is_escaped_everywhere(admin, dora, team):
    admin.post(
        reverse("team-settings"),
        {"name": "<script>alert(1)</script>", **SETTINGS},
    )
    services.invite(team, dora, Role.VIEWER, 1, "<img src=x>")
    for name in ("team-members", "audit-list", "token-list", "team-settings", "home"):
        text = admin.get(reverse(name)).content.decode()
        assert "<script>alert" not in text and "<img src=x>" not in text, name


def test_the_link_of_an_invitation_is_shown_once(client, dora):
    client.force_login(dora)
    fields = {"role": "member", "days": "7", "note": "Eve"}
    answer = client.post(reverse("team-invitation-new"), fields)
    assert answer["Location"] == reverse("team-members")
    first, second = (client.get(reverse("team-members")).content.decode() for _ in range(2))
    assert "/invitations/" in first and 'id="shown-once"' in first
    assert 'id="shown-once"' not in second
