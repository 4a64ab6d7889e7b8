"""No page and no endpoint asks the database more often because there are more rows."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.datasets.draft_models import Draft
from portal.teams import sign_ins
from portal.teams.models import Membership, Role, User
from tests.addresses import readable
from tests.bulk import Bulk
from tests.bulk_children import Children
from tests.streams import read_whole
from tests.test_authorization_matrix import make_rows

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def seen_once(monkeypatch):
    """When a browser was seen is written once a minute: here by the first call of all, and never again."""
    monkeypatch.setattr(sign_ins, "WRITE_AFTER_SECONDS", 3600)


def count(client, address) -> int:
    for _ in range(2):  # what is done once in a while is done by the first call
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = client.get(address)
            if answer.streaming:
                read_whole(answer)
        assert answer.status_code < 500, address
    return len(queries)


def test_thirty_rows_take_as_many_queries_as_three(team, alice):
    boss = User.objects.create_user("boss", is_superuser=True)
    Membership.objects.create(team=team, user=boss, role=Role.ADMIN)
    client = Client(raise_request_exception=True)
    client.force_login(boss)
    Bulk(team, alice, 3).fill()
    addresses = readable(make_rows(team, alice))
    assert len(addresses) > 60
    few = {key: count(client, address) for key, address in addresses.items()}
    Bulk(team, alice, 30).fill()
    many = {key: count(client, address) for key, address in addresses.items()}
    grown = [f"{key}: {few[key]}, then {many[key]}" for key in few if many[key] > few[key]]
    assert not grown, "\n".join(grown)


def test_rows_with_thirty_children_take_as_many_queries_as_with_three(team, alice):
    boss = User.objects.create_user("boss", is_superuser=True)
    Membership.objects.create(team=team, user=boss, role=Role.ADMIN)
    client = Client(raise_request_exception=True)
    client.force_login(boss)
    rows = make_rows(team, alice)
    Children(rows, team, boss, 3).add()
    addresses = readable(rows)
    draft = Draft.objects.filter(created_by=boss).first()
    addresses["GET drafts/{pk}/"] = f"/api/v1/drafts/{draft.pk}/"
    pair = f"ids={rows['done'].pk},{rows['failed'].pk}"
    addresses["GET runs/compare/"] = f"/api/v1/runs/compare/?{pair}"
    addresses["GET run-compare"] = f"/runs/compare/?{pair}"
    few = {key: count(client, address) for key, address in addresses.items()}
    Children(rows, team, boss, 27).add()
    many = {key: count(client, address) for key, address in addresses.items()}
    grown = [f"{key}: {few[key]}, then {many[key]}" for key in few if many[key] > few[key]]
    assert not grown, "\n".join(grown)
