"""Members, tokens, webhooks, limits and the audit from the command line."""

import pytest

from portal.teams.models import ApiToken, Invitation, Membership, Role

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def administrator(signed_in, team, alice, bob):
    Membership.objects.filter(user=alice).update(role=Role.ADMIN)


def test_whoami_tells_user_scopes_and_expiry(signed_in, slipway, live_server):
    found = slipway("whoami", "--json").json
    assert (found["user"], found["team"], found["role"]) == ("alice", "Harbour", "operator")
    assert set(found["scopes"]) == {"read", "datasets", "runs", "deploy", "admin"}
    ends = ApiToken.objects.get().expires_at
    assert found["expires_at"][:16] == ends.strftime("%Y-%m-%dT%H:%M")
    shown = slipway("whoami").out.splitlines()
    assert shown[0] == f"{live_server.url}: alice, operator of the team Harbour"
    assert shown[2] == f"  until: {ends:%Y-%m-%d %H:%M}"


def test_members_are_listed_invited_changed_and_removed(administrator, slipway, bob):
    assert "bob\tviewer" in slipway("member", "list").out
    assert slipway("member", "role", "bob", "operator").out == "bob is operator now.\n"
    assert "/invitations/" in slipway("member", "invite", "--role", "viewer", "--note", "Dana").out
    assert Invitation.objects.get().note == "Dana"
    assert slipway("member", "remove", "bob").code == 2
    assert slipway("member", "remove", "bob", "--yes").out == "bob is no longer in the team.\n"
    assert slipway("member", "role", "bob", "viewer").code == 4
    assert not Membership.objects.filter(user=bob).exists()


def test_tokens_are_made_listed_and_revoked(signed_in, slipway, monkeypatch):
    made = slipway("token", "add", "Nightly", "--scope", "read", "--scope", "runs", "--days", 7)
    assert made.code == 0 and made.out.startswith("slw_")
    assert "Nightly\talice\tread runs\tvalid" in slipway("token", "list").out
    assert slipway("token", "revoke", "Nightly").out == "Nightly is revoked.\n"
    assert ApiToken.objects.get(name="Nightly").state == "revoked"
    assert slipway("token", "add", "Nothing").code == 2
    assert slipway("token", "revoke", "Other").code == 4


def test_service_accounts_are_made_get_tokens_and_end(administrator, slipway):
    made = slipway("service", "add", "Oven line", "--role", "member")
    assert made.out == "Oven line is made; the audit names it service:Oven line.\n"
    assert "Oven line\tmember" in slipway("service", "list").out
    assert slipway("service", "token", "Oven line", "Nightly", "--scope", "read").out.startswith("slw_")
    assert ApiToken.objects.get(name="Nightly").user.username == "service:Oven line"
    assert slipway("service", "end", "Oven line", "--yes").out == "Oven line is ended.\n"
    assert slipway("service", "token", "Oven line", "Again", "--scope", "read").code == 4


def test_webhooks_are_added_tested_and_removed(administrator, slipway, settings):
    made = slipway("webhook", "add", "Chat", "https://93.184.216.34/x", "--event", "run.failed", "--json")
    assert made.code == 0, made.err
    assert made.json["secret"]
    assert "Chat\thttps://93.184.216.34/x\trun.failed\ton" in slipway("webhook", "list").out
    assert slipway("webhook", "test", "Chat").code == 0
    assert "\ttest\t" in slipway("webhook", "deliveries", "Chat").out
    assert slipway("webhook", "remove", "Chat", "--yes").code == 0
    assert slipway("webhook", "test", "Chat").code == 4


def test_policies_are_set_listed_and_removed(administrator, slipway):
    made = slipway("policy", "set", "classification", "--chip", "rv1106", "--max-drop", 0.01, "--no-cpu")
    assert made.out == "classification rv1106: max_drop=0.01 no_cpu=True\n", made.err
    assert "classification\trv1106\tmax_drop=0.01 no_cpu=True\t0 of 0" in slipway("policy", "list").out
    nothing = slipway("policy", "set", "classification", "--chip", "rv1106", "--max-drop", 0)
    assert nothing.out == "classification rv1106: max_drop=0.0\n", nothing.err
    assert slipway("policy", "set", "classification").code == 2
    assert slipway("policy", "remove", "classification", "--yes").code == 4
    assert slipway("policy", "remove", "classification", "--chip", "rv1106", "--yes").code == 0


def test_limits_are_shown_and_set_one_by_one(administrator, slipway):
    assert "queued\t0\t" in slipway("limits").out
    slipway("limits", "--set", "running_train=2")
    found = slipway("limits", "--set", "storage_mb=100", "--json").json
    assert (found["team"]["running_train"], found["team"]["storage_mb"]) == (2, 100)
    assert slipway("limits", "--set", "running_train=none", "--json").json["team"]["running_train"] is None
    assert slipway("limits", "--set", "running_train=many").code == 2


def test_the_audit_is_listed_filtered_and_printed_as_csv(administrator, slipway):
    slipway("token", "add", "Nightly", "--scope", "read")
    assert "\ttoken.create\tNightly" in slipway("audit", "--verb", "token").out
    assert "token.create" not in slipway("audit", "--verb", "run").out
    assert "token.create" in slipway("audit", "--csv").out


def test_what_one_may_not_do_ends_with_3(signed_in, slipway, bob):
    for words in (
        ["audit"],
        ["webhook", "list"],
        ["member", "role", "bob", "admin"],
        ["limits", "--set", "queued=1"],
    ):
        assert slipway(*words).code == 3, words
