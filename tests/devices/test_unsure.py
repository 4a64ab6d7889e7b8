"""A prediction that the model is not sure of is marked, below a score that the team sets."""

from __future__ import annotations

import pytest
from django.urls import reverse

from portal import tasks
from portal.core.untrusted import Malformed
from portal.devices.models import InferenceImage
from portal.teams.models import AuditEntry, Membership, Role
from tests.seed import everything

pytestmark = pytest.mark.django_db
MARK = "Unsure</span>"


@pytest.fixture
def admins(client, alice, team):
    Membership.objects.filter(user=alice, team=team).update(role=Role.ADMIN)
    client.force_login(alice)
    return client


@pytest.fixture
def address(team, alice) -> str:
    """Of a device whose newest pictures were predicted with 99.81 %, 89.81 % and 79.81 %."""
    return reverse("device-detail", args=[everything(team, alice)["virtual"].pk])


def marks(client, address: str) -> int:
    return " ".join(client.get(address).content.decode().split()).count(MARK)


def test_predictions_below_the_teams_score_are_marked(admins, address, team):
    assert marks(admins, address) == 0
    admins.post(
        reverse("team-settings"), {"name": team.name, "unsure_below_percent": "90", "max_drop_percent": "3"}
    )
    assert marks(admins, address) == 2
    entry = AuditEntry.objects.get(verb="team.settings")
    assert entry.detail == "unsure below 90 %, before 50 %"
    assert not AuditEntry.objects.filter(verb="team.rename").exists()


def test_the_api_tells_and_changes_it(admins, team):
    address = f"/api/v1/teams/{team.pk}/"
    assert admins.patch(address, {"unsure_below": 0.8}, "application/json").json()["unsure_below"] == 0.8
    for odd in (-0.1, 1.1, "x", None):
        assert admins.patch(address, {"unsure_below": odd}, "application/json").status_code == 400
    team.refresh_from_db()
    assert (team.name, team.unsure_below) == ("Harbour", 0.8)


@pytest.mark.parametrize("odd", ["-1", "101", "x", ""])
def test_a_percentage_that_is_none_is_refused_at_its_field(admins, team, odd):
    answer = admins.post(
        reverse("team-settings"), {"name": team.name, "unsure_below_percent": odd, "max_drop_percent": "3"}
    )
    assert answer.status_code == 422 and "is-invalid" in answer.content.decode()


def test_the_picture_to_try_stands_on_top(admins, address):
    page = admins.get(address).content.decode()
    assert page.index('id="try"') < page.index("What runs on it")


def test_the_surest_classes_stand_as_bars_where_the_engine_tells_them(admins, address):
    assert "<meter" not in admins.get(address).content.decode()
    image = InferenceImage.objects.order_by("position").first()
    scores = enumerate((0.7, 0.2, 0.1))
    top = [{"label_id": n, "label": f"class {n}", "score": score} for n, score in scores]
    image.prediction = {**top[0], "top": top}
    image.save()
    page = admins.get(address).content.decode()
    assert page.count("<meter") == 3 and 'value="0.2" aria-label="class 1"' in page


def test_a_class_among_the_surest_that_the_model_does_not_have_is_a_fault():
    task, answer = tasks.get("classification"), {"label_id": 0, "label": "0", "score": 0.7}
    assert task.fault(task.answer(answer, "answer"), 2) == ""
    assert task.fault(task.answer({**answer, "top": [{**answer, "label_id": 2}]}, "answer"), 2)
    with pytest.raises(Malformed):
        task.answer({**answer, "top": [answer] * 11}, "answer")
