"""The audit: what is recorded, who may read it, that nothing is changed."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from portal.devices.models import AccessAction
from portal.teams import audit, audit_verbs, services
from portal.teams.audit_export import cell
from portal.teams.models import AppendOnly, AuditEntry, Membership, Result, Role, Via
from tests.conftest import PASSWORD
from tests.factories import class_zip

RECORDS = re.compile(r'audit\.(?:record|refused)\(\s*"([a-z.-]+)"')


def newest(verb):
    return AuditEntry.objects.filter(verb=verb).first()


def test_an_entry_can_be_neither_changed_nor_removed(team):
    entry = audit.record("team.rename", team)
    for attempt in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(verb="x"),
        lambda: AuditEntry.objects.bulk_update([entry], ["verb"]),
    ):
        with pytest.raises(AppendOnly):
            attempt()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute("UPDATE teams_auditentry SET verb = 'x'")
    if connection.vendor == "postgresql":  # SQLite refuses updates only
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            connection.cursor().execute("DELETE FROM teams_auditentry")
    assert newest("team.rename") == entry


def test_an_entry_outlives_the_person_and_the_object(team, bob):
    entry = audit.record("member.role", bob, team=team, actor=bob)
    bob.delete()
    entry = AuditEntry.objects.get(pk=entry.pk)
    assert (entry.actor_name, entry.object_label) == ("bob", "bob")


def test_what_is_rolled_back_was_not_done(team):
    with transaction.atomic():
        audit.record("team.rename", team)
        transaction.set_rollback(True)
    assert newest("team.rename") is None


def test_a_change_by_page_tells_who_what_and_from_where(client, alice, team):
    client.force_login(alice)
    client.post(reverse("dataset-digits"))
    entry = newest("dataset.upload")
    assert (entry.actor, entry.team, entry.via, entry.address) == (alice, team, Via.PAGE, "127.0.0.1")
    assert entry.object_label == "Handwritten digits v1"


def test_a_change_by_token_stands_under_token_and_owner(with_token, alice, team):
    client = with_token(alice, team, ["datasets"])
    client.post("/api/v1/datasets/", {"name": "Pets", "file": class_zip()}, format="multipart")
    entry = newest("dataset.upload")
    assert (entry.actor, entry.via, entry.token) == (alice, Via.TOKEN, client.made)
    assert entry.token_name.startswith("Nightly (slw_")


def test_every_call_of_a_token_is_recorded(with_token, alice, team):
    client = with_token(alice, team, ["read"])
    for _ in range(3):
        client.get("/api/v1/runs/")
    client.get("/api/v1/jobs/")
    calls = AuditEntry.objects.filter(verb="api.call").order_by("id")
    assert list(calls.values_list("object_label", flat=True)) == ["GET /api/v1/runs/"] * 3 + [
        "GET /api/v1/jobs/"
    ]
    assert {(call.actor, call.token) for call in calls} == {(alice, client.made)}


def test_the_sweep_removes_old_calls_and_nothing_else(team, settings):
    old = timezone.now() - timedelta(days=91)
    for verb, at in (("api.call", old), ("run.create", old), ("api.call", timezone.now())):
        AuditEntry.objects.create(team=team, verb=verb, at=at, via=Via.TOKEN)
    assert audit.sweep_calls() == 1
    assert list(AuditEntry.objects.order_by("id").values_list("verb", flat=True)) == [
        "run.create",
        "api.call",
    ]
    settings.AUDIT_CALLS_KEPT_DAYS = 0
    AuditEntry.objects.create(team=team, verb="api.call", at=old, via=Via.TOKEN)
    assert audit.sweep_calls() == 0


def test_refusals_are_recorded_with_their_reason(client, with_token, bob, team):
    client.force_login(bob)
    client.get(reverse("dataset-new"))
    entry = newest("access")
    assert (entry.actor, entry.result) == (bob, Result.REFUSED)
    assert entry.object_label == f"GET {reverse('dataset-new')}"
    assert "needs the role member" in entry.detail
    with_token(bob, team, ["read"]).post("/api/v1/runs/", {}, format="json")
    entry = newest("access")
    assert "lacks the scope runs" in entry.detail and entry.via == Via.TOKEN


def test_signing_in_and_out_and_wrong_passwords_are_recorded(client, bob):
    client.post(reverse("sign-in"), {"username": "bob", "password": "wrong"})
    entry = newest("sign-in.password")
    assert (entry.result, entry.object_label, entry.actor) == (Result.REFUSED, "bob", None)
    client.post(reverse("sign-in"), {"username": "bob", "password": PASSWORD})
    assert newest("sign-in.password").result == Result.DONE
    client.post(reverse("sign-out"))
    assert newest("sign-out").actor == bob


def test_a_dead_token_is_recorded_once_and_not_at_every_poll(with_token, alice, team):
    from portal.teams import tokens

    client = with_token(alice, team)
    tokens.revoke(client.made)
    for _ in range(3):
        client.get("/api/v1/runs/")
    entry = AuditEntry.objects.get(verb="sign-in.token", result=Result.REFUSED)
    assert entry.via == Via.TOKEN and "was revoked" in entry.detail


def test_only_administrators_read_it_and_only_their_own_teams(client, alice, dora, charlie, team):
    audit.record("team.rename", team, label="Harbour affairs")
    client.force_login(alice)
    assert client.get(reverse("audit-list")).status_code == 403
    assert client.get(reverse("audit-csv")).status_code == 403
    client.force_login(charlie)
    assert "Harbour affairs" not in client.get(reverse("audit-list")).content.decode()
    client.force_login(dora)
    assert "Harbour affairs" in client.get(reverse("audit-list")).content.decode()


def test_attempts_under_unknown_names_are_for_the_servers_administrator(client, dora):
    client.post(reverse("sign-in"), {"username": "nobody-of-ours", "password": "x"})
    client.force_login(dora)
    assert "nobody-of-ours" not in client.get(reverse("audit-list")).content.decode()
    dora.is_superuser = True
    dora.save()
    assert "nobody-of-ours" in client.get(reverse("audit-list")).content.decode()


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("", {"run.create", "run.cancel", "device.create"}),
        ("verb=run", {"run.create", "run.cancel"}),
        ("verb=run.create", {"run.create"}),
        ("result=refused", {"run.cancel"}),
        ("person=bob", {"device.create"}),
        ("via=token", set()),
        ("text=pump", {"device.create"}),
        ("since=2999-01-01", set()),
        ("until=2999-01-01", {"run.create", "run.cancel", "device.create"}),
        ("since=nonsense&result=weird", {"run.create", "run.cancel", "device.create"}),
    ],
)
def test_the_filter_narrows_page_and_export(admin, alice, bob, team, query, seen):
    audit.record("run.create", team=team, actor=alice)
    audit.refused("run.cancel", team=team, actor=alice)
    audit.record("device.create", team=team, actor=bob, label="pump")
    page = {row.verb for row in admin.get(f"{reverse('audit-list')}?{query}").context["page"]}
    export = b"".join(admin.get(f"{reverse('audit-csv')}?{query}").streaming_content).decode("utf-8-sig")
    assert page == seen
    assert {row["verb"] for row in csv.DictReader(io.StringIO(export))} - {"audit.export"} == seen


def test_a_list_longer_than_a_page_goes_on(admin, team, alice):
    for number in range(55):
        audit.record("run.create", team=team, actor=alice, label=f"run {number}")
    page = admin.get(reverse("audit-list")).context["page"]
    rest = admin.get(page.next_url).context["page"]
    assert len(page) == 50 and "run 0" in [row.object_label for row in rest]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =HYPERLINK(1)", "＝1", '="x"\n']
)
def test_no_cell_of_the_export_is_a_formula(admin, alice, team, text):
    assert cell(text) == f"'{text}"
    audit.record("run.create", team=team, actor=alice, label=text, detail=text)
    export = b"".join(admin.get(reverse("audit-csv")).streaming_content).decode("utf-8-sig")
    for row in csv.reader(io.StringIO(export)):
        assert not [value for value in row if value.lstrip().startswith(("=", "+", "-", "@", "＝"))]


def test_the_api_gives_it_to_administrators_with_the_same_filter(with_token, alice, dora, team):
    audit.record("run.create", team=team, actor=alice, label="Digits")
    client = with_token(dora, team, ["admin"])
    rows = client.get("/api/v1/audit/", {"verb": "run"}).json()["results"]
    assert [(row["actor"], row["verb"], row["object_label"]) for row in rows] == [
        ("alice", "run.create", "Digits")
    ]
    answer = client.get("/api/v1/audit/", {"since": "nonsense"})
    assert answer.status_code == 400 and "since" in answer.json()["errors"]
    assert with_token(dora, team, ["read"]).get("/api/v1/audit/").status_code == 403
    assert with_token(alice, team).get("/api/v1/audit/").status_code == 403


def test_long_and_hostile_labels_are_cut_and_cleaned(team):
    entry = audit.record("run.create", team=team, label="x" * 900, detail="a\x00b\x1b[31m\nc")
    assert len(entry.object_label) == 200
    assert entry.detail == "a b [31m c"


def test_every_verb_that_is_recorded_has_words():
    code = "".join(path.read_text("utf-8") for path in (Path(settings.BASE_DIR) / "portal").rglob("*.py"))
    recorded = set(RECORDS.findall(code)) | {"sign-in.password", "device.host-key", "device.edit", "api.call"}
    recorded |= {f"device.{action}" for action in AccessAction.values}
    assert recorded - set(audit_verbs.WORDS) == set()


def test_changes_of_members_and_invitations_are_recorded(dora, bob, team):
    services.change_role(Membership.objects.get(user=bob), Role.MEMBER)
    assert newest("member.role").detail == "viewer → member"
    invitation, _ = services.invite(team, dora, Role.VIEWER, 1)
    services.withdraw(invitation)
    services.remove_member(Membership.objects.get(user=bob))
    for verb in ("invitation.create", "invitation.withdraw", "member.remove"):
        assert newest(verb).team == team


def test_calls_that_changed_nothing_are_shown_to_who_asks_for_them(admin, with_token, alice, team):
    with_token(alice, team, ["read"]).get("/api/v1/datasets/")
    page = admin.get(reverse("audit-list"))
    assert "api.call" not in {entry.verb for entry in page.context["page"]}
    for asked in ({"calls": "on"}, {"verb": "api.call"}, {"verb": "api"}):
        page = admin.get(reverse("audit-list"), asked)
        assert "api.call" in {entry.verb for entry in page.context["page"]}, asked


def test_the_audit_says_acts_in_words_and_filters_by_them(admin, team):
    audit.record("run.create", team=team)
    page = admin.get(reverse("audit-list")).content.decode()
    assert '<td data-label="Action">Run started</td>' in page
    for choice in ('<optgroup label="Runs">', '<option value="run">All: Runs</option>',
                   '<option value="run.create">Run started</option>'):  # fmt: skip
        assert choice in page
