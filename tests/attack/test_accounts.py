"""Attacks on accounts: from other sites, by guessing, by names, and by people who lost a right."""

from base64 import b64encode
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from portal.datasets.models import Dataset, Upload
from portal.teams.models import Membership, Role, User
from tests.conftest import PASSWORD

EVIL = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "https://testserver"},  # another scheme is another origin
    {"Referer": "https://evil.example/trap"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


def with_password(name="alice", password=PASSWORD, **extra):
    word = b64encode(f"{name}:{password}".encode()).decode()
    return APIClient(headers={"Authorization": f"Basic {word}"}, **extra)


@pytest.fixture
def dora(team):
    """An administrator of the team."""
    user = User.objects.create_user("dora", password=PASSWORD, email="dora@example.org")
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    return user


# --- forms of other sites ---------------------------------------------------------------------


@pytest.mark.parametrize("headers", EVIL)
def test_a_form_of_another_site_changes_nothing_with_a_remembered_password(alice, headers):
    for address, body in (
        ("/api/v1/datasets/samples/digits/", {}),
        ("/api/v1/invitations/", {"role": "admin"}),
    ):
        answer = with_password().post(address, body, headers=headers, format="multipart")
        assert answer.status_code == 403
        assert "a page of another site" in answer.json()["detail"]
    assert not Dataset.objects.exists()


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_program_and_a_page_of_ours_may_use_a_password(alice, headers):
    answer = with_password().post("/api/v1/datasets/samples/digits/", headers=headers)
    assert answer.status_code == 201


def test_a_trusted_origin_may_use_a_password(alice, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.org"]
    for origin, status in (("https://a.example.org", 201), ("https://example.org.evil.example", 403)):
        client = with_password()
        answer = client.post("/api/v1/datasets/samples/digits/", headers={"Origin": origin})
        assert answer.status_code == status, origin


def test_no_browser_is_asked_for_a_password_to_remember(db):
    for headers in ({"Sec-Fetch-Site": "none"}, {"Origin": "http://testserver"}):
        answer = APIClient().get("/api/v1/runs/", headers=headers)
        assert "Basic" not in answer["WWW-Authenticate"]
    assert "Basic" in APIClient().get("/api/v1/runs/")["WWW-Authenticate"]


# --- what is another's ------------------------------------------------------------------------


def test_a_member_does_not_discard_anothers_upload(team, alice, dora):
    upload = Upload.objects.create(
        team=team, created_by=dora, filename="a.zip", length=10, expires_at=timezone.now() + timedelta(1)
    )
    address, headers = f"/api/v1/uploads/{upload.pk}/", {"Tus-Resumable": "1.0.0"}
    answer = with_password().delete(address, headers=headers)
    assert answer.status_code == 403
    assert "another person's" in answer.json()["detail"]
    assert with_password().post(
        address, headers=headers | {"X-HTTP-Method-Override": "DELETE"}
    ).status_code == 403  # fmt: skip
    assert Upload.objects.filter(pk=upload.pk).exists()
    upload.created_by = alice
    upload.save()
    assert with_password().delete(address, headers=headers).status_code == 204


def test_an_administrator_discards_anothers_upload(team, alice, dora):
    upload = Upload.objects.create(
        team=team, created_by=alice, filename="a.zip", length=10, expires_at=timezone.now() + timedelta(1)
    )
    answer = with_password("dora").delete(f"/api/v1/uploads/{upload.pk}/", headers={"Tus-Resumable": "1.0.0"})
    assert answer.status_code == 204
