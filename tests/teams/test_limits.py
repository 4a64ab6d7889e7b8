"""The page and the endpoint of a team's limits."""

import pytest

from portal.teams import quotas
from portal.teams.models import AuditEntry, Quota
from tests.seed import Seeder

pytestmark = pytest.mark.django_db
URL = "/team/limits/"


def text(client):
    return " ".join(client.get(URL).content.decode().split())


def test_everybody_of_the_team_sees_what_it_uses_and_an_administrator_the_form(
    client, bob, dora, team, alice
):
    Seeder(team, alice).version()
    client.force_login(bob)
    assert "7.0 MB" in text(client) and "Limits set by the team" not in text(client)
    client.force_login(dora)
    assert "Limits set by the team" in text(client)
    assert "Limits set by the server" not in text(client)


def test_an_administrator_sets_limits_up_to_the_servers(admin, team, settings):
    settings.TEAM_RUNNING_JOBS = 4
    assert admin.post(URL, {"by": "team", "running_train": "2", "queued": "50"}).status_code == 302
    assert quotas.limits(team).running["train"] == 2
    entry = AuditEntry.objects.get(verb="team.quota")
    assert "running_train 2" in entry.detail
    refused = admin.post(URL, {"by": "team", "running_train": "5", "queued": "60"})
    page = refused.content.decode()
    assert refused.status_code == 422 and "At most 4, which is what the server allows" in page
    assert 'value="60"' in page, "what was typed is kept"
    assert quotas.limits(team).queued == 50


def test_a_teams_administrator_sets_nothing_for_the_server(admin, team):
    assert admin.post(URL, {"by": "server", "running_train": "9"}).status_code == 403
    assert not Quota.objects.exists()


def test_what_the_servers_administrator_set_the_teams_cannot_pass(admin, dora, team):
    dora.is_superuser = True
    dora.save()
    assert admin.post(URL, {"by": "server", "storage_mb": "100"}).status_code == 302
    dora.is_superuser = False
    dora.save()
    assert admin.post(URL, {"by": "team", "storage_mb": "200"}).status_code == 422
    assert admin.post(URL, {"by": "team", "storage_mb": ""}).status_code == 302
    assert quotas.limits(team).storage == 100 * 1024 * 1024


@pytest.mark.parametrize("value", ["0", "-1", "many", "99999999999999999999"])
def test_nonsense_is_refused_at_its_field(admin, value):
    answer = admin.post(URL, {"by": "team", "queued": value})
    assert answer.status_code == 422 and "invalid-feedback" in answer.content.decode()


def test_the_endpoint_does_the_same(with_token, dora, team, settings):
    settings.TEAM_QUOTA_BYTES = 10 * 1024 * 1024
    client = with_token(dora, team)
    answer = client.put("/api/v1/limits/", {"running_train": 1, "storage_mb": 5}, format="json").json()
    assert answer["running"]["train"] == 1 and answer["storage"] == 5 * 1024 * 1024
    assert answer["team"]["running_train"] == 1 and answer["server"] is None
    assert client.get("/api/v1/limits/").json()["storage_now"]["total"] == 0
    refused = client.put("/api/v1/limits/", {"storage_mb": 50}, format="json")
    assert refused.status_code == 400 and "At most 10" in refused.json()["errors"]["storage_mb"][0]
    assert client.put("/api/v1/limits/", {"by": "server"}, format="json").status_code == 403
    cleared = client.put("/api/v1/limits/", {}, format="json").json()
    assert cleared["running"]["train"] is None
