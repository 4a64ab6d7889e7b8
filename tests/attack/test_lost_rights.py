"""Attacks by people who lost a right: a role, a team, an account; and on what is another's."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from portal.datasets.models import Upload
from portal.teams import services, tokens
from portal.teams.models import Membership, PasswordLink, Role, Scope, User
from tests.attack.accounts import ACCOUNT, NEW, link_for, with_password
from tests.conftest import PASSWORD


@pytest.fixture
def mallory(team):
    """A second administrator, who is about to lose the role."""
    user = User.objects.create_user("mallory-the-admin", password=PASSWORD)
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    return user


def lose_by_role(user, team):
    services.change_role(user.memberships.get(team=team), Role.OPERATOR)


def lose_by_removal(user, team):
    services.remove_member(user.memberships.get(team=team))


def lose_by_deletion(user, team):
    user.delete()


def lose_by_switching_off(user, team):
    User.objects.filter(pk=user.pk).update(is_active=False)


LOSSES = [lose_by_role, lose_by_removal, lose_by_deletion, lose_by_switching_off]


@pytest.mark.parametrize("lose", LOSSES)
def test_an_invitation_ends_with_its_makers_right(client, team, dora, mallory, lose):
    _, path = services.invite(team, mallory, Role.ADMIN, 30)
    lose(mallory, team)
    assert client.get(path).status_code == 410
    assert client.post(path, ACCOUNT).status_code == 410
    assert not User.objects.filter(username="mallory").exists()
    assert not services.open_invitations(team).exists()


@pytest.mark.parametrize("lose", [lose_by_role, lose_by_removal])
def test_a_removed_administrator_does_not_come_back_by_an_invitation(client, team, dora, mallory, lose):
    invitation, path = services.invite(team, mallory, Role.ADMIN, 30)
    lose(mallory, team)
    client.force_login(mallory)
    assert client.post(path).status_code == 410
    assert not team.memberships.filter(user=mallory, role=Role.ADMIN).exists()
    with pytest.raises(services.TeamError):
        services.accept(invitation, User.objects.create_user("friend"))


def test_an_invitation_does_not_revive_when_its_maker_gets_the_role_back(client, team, dora, mallory):
    _, path = services.invite(team, mallory, Role.VIEWER, 30)
    lose_by_role(mallory, team)
    services.change_role(mallory.memberships.get(team=team), Role.ADMIN)
    assert client.get(path).status_code == 410


def test_others_invitations_stay(client, team, dora, mallory):
    _, path = services.invite(team, dora, Role.VIEWER, 30)
    lose_by_removal(mallory, team)
    assert client.get(path).status_code == 200


def sets_password(path) -> bool:
    """Whether the link sets a new password."""
    visitor = Client()
    answer = visitor.get(path)
    return answer.status_code == 302 and visitor.post(answer["Location"], NEW).status_code == 302


@pytest.mark.parametrize("lose", LOSSES)
def test_a_link_for_a_password_ends_with_its_makers_right(team, dora, bob, mallory, lose):
    path = link_for(bob, mallory, team)
    opened = Client()
    form = opened.get(path)["Location"]  # the page with the form is open already
    lose(mallory, team)
    assert not sets_password(path)
    opened.post(form, NEW)
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)


def test_a_link_for_a_password_does_not_revive_with_its_makers_right(team, dora, bob, mallory):
    path = link_for(bob, mallory, team)
    lose_by_role(mallory, team)
    services.change_role(mallory.memberships.get(team=team), Role.ADMIN)
    assert not sets_password(path)


def test_a_link_ends_when_its_person_joins_or_leaves_a_team(team, dora, bob, charlie):
    elsewhere = charlie.memberships.get().team
    path = link_for(bob, dora, team)
    invitation, _ = services.invite(elsewhere, charlie, Role.VIEWER, 7)
    services.accept(invitation, bob)  # Dora does not administer that team
    assert not sets_password(path)
    services.remove_member(bob.memberships.get(team=elsewhere))
    assert not sets_password(path)
    path = link_for(bob, dora, team)
    services.remove_member(bob.memberships.get(team=team))
    assert not sets_password(path)


@pytest.mark.parametrize(
    "fields", [{"password": "x"}, {"email": "other@example.org"}, {"last_login": "2026-01-01T00:00Z"}]
)
def test_a_link_ends_when_the_account_changes(team, dora, bob, fields):
    path = link_for(bob, dora, team)
    User.objects.filter(pk=bob.pk).update(**fields)
    assert not sets_password(path)


def test_a_link_ends_with_another_link_and_works_once(team, dora, bob):
    first, second = link_for(bob, dora, team), link_for(bob, dora, team)
    assert not sets_password(first)
    assert sets_password(second)
    assert not sets_password(second)


def test_two_open_pages_of_one_link_set_one_password(team, dora, bob):
    path = link_for(bob, dora, team)
    pages = [Client(), Client()]
    forms = [page.get(path)["Location"] for page in pages]
    answers = [page.post(form, NEW).status_code for page, form in zip(pages, forms, strict=True)]
    assert answers == [302, 200]


def test_a_link_for_a_password_is_kept_as_a_hash_only(team, dora, bob):
    secret = link_for(bob, dora, team).rstrip("/").rsplit("/", 1)[1]
    assert secret not in str(PasswordLink.objects.values().get())


def test_a_token_does_no_more_than_the_new_role_of_its_owner(team, dora, mallory, bob):
    _, secret = tokens.make(team, mallory, "All", Scope.values, 1)
    lose_by_role(mallory, team)
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    assert client.get("/api/v1/audit/").status_code == 403
    assert client.post("/api/v1/invitations/", {"role": "admin"}, format="json").status_code == 403
    address = f"/api/v1/members/{mallory.memberships.get().pk}/"
    assert client.patch(address, {"role": "admin"}, format="json").status_code == 403
    services.remove_member(mallory.memberships.get(team=team))
    assert client.get("/api/v1/runs/").status_code == 401


def test_a_removed_persons_open_page_shows_nothing_more(client, team, dora, mallory):
    client.force_login(mallory)
    assert client.get("/").status_code == 200
    lose_by_removal(mallory, team)
    assert client.get("/").status_code == 403


# --- what is another's ----------------------------------------------------------------------------


def test_a_member_does_not_discard_anothers_upload(team, alice, dora):
    upload = Upload.objects.create(
        team=team, created_by=dora, filename="a.zip", length=10, expires_at=timezone.now() + timedelta(1)
    )
    address, headers = f"/api/v1/uploads/{upload.pk}/", {"Tus-Resumable": "1.0.0"}
    answer = with_password().delete(address, headers=headers)
    assert answer.status_code == 403
    assert "another person" in answer.json()["detail"]
    assert with_password().post(
        address, headers=headers | {"X-HTTP-Method-Override": "DELETE"}
    ).status_code == 403  # fmt: skip
    assert Upload.objects.filter(pk=upload.pk).exists()
    upload.created_by = alice
    upload.save()
    assert with_password().delete(address, headers=headers).status_code == 204


def test_nobody_adds_bytes_to_anothers_upload(team, dora, mallory):
    upload = Upload.objects.create(
        team=team, created_by=dora, filename="a.zip", length=10, expires_at=timezone.now() + timedelta(1)
    )
    address, headers = f"/api/v1/uploads/{upload.pk}/", {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
    content = {"data": b"0123456789", "content_type": "application/offset+octet-stream", "headers": headers}
    for answer in (
        with_password().patch(address, **content),
        with_password().post(address, **content | {"headers": headers | {"X-HTTP-Method-Override": "PATCH"}}),
    ):
        assert answer.status_code == 403
        assert "another person" in answer.json()["detail"]
    upload.refresh_from_db()
    assert upload.offset == 0
    assert with_password("dora").patch(address, **content).status_code == 204


def test_an_administrator_discards_anothers_upload(team, alice, dora):
    upload = Upload.objects.create(
        team=team, created_by=alice, filename="a.zip", length=10, expires_at=timezone.now() + timedelta(1)
    )
    answer = with_password("dora").delete(f"/api/v1/uploads/{upload.pk}/", headers={"Tus-Resumable": "1.0.0"})
    assert answer.status_code == 204
