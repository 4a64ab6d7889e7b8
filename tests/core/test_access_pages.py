"""Every page: Alice's own, seen by her colleague Bob, unknown to Charlie of another team."""

import pytest
from django.urls import reverse

from portal.teams.models import Membership, Role, User
from tests.graphs import job_of
from tests.seed import everything


@pytest.fixture
def rows(team, alice, tmp_path, settings):
    return everything(team, alice)


def pages(rows):
    """Every address that a person may read, with what it is about."""
    run, version, device, job = rows["done"], rows["version"], rows["virtual"], rows["job"]
    inference = [device.pk, rows["inference"].pk]
    return {
        "dataset-detail": [version.dataset_id],
        "dataset-version": [version.pk],
        "dataset-version-live": [version.pk],
        "run-detail": [run.pk],
        "run-live": [run.pk],
        "run-report": [run.pk],
        "device-detail": [device.pk],
        "device-live": [device.pk],
        "inference-detail": inference,
        "inference-live": inference,
        "inference-image": [*inference, 0],
        "job-detail": [job.pk],
        "job-live": [job.pk],
        "job-log": [job.pk],
        "job-metrics": [job.pk],
        "artifact-download": [job.pk, "model.onnx"],
    }


LISTS = [
    "home", "home-live", "dataset-list", "run-list", "model-list", "device-list", "job-list", "job-list-live",
    "password-change",
]  # fmt: skip


def changes(rows):
    """Every address that changes something, with the least role that may."""
    run, failed, device = rows["running"], rows["failed"], rows["virtual"]
    return {
        ("run-cancel", run.pk): Role.MEMBER,
        ("run-retry", run.pk): Role.MEMBER,
        ("run-retry", failed.pk): Role.OPERATOR,
        ("run-clone", run.pk): Role.MEMBER,
        ("job-cancel", job_of(run).pk): Role.MEMBER,
        ("job-retry", rows["checking"].job_id): Role.MEMBER,
        ("job-cancel", device.probe_job_id): Role.OPERATOR,
        ("device-probe", device.pk): Role.OPERATOR,
        ("device-infer", device.pk): Role.OPERATOR,
        ("device-edit", device.pk): Role.OPERATOR,
        ("device-host-key", device.pk): Role.OPERATOR,
        ("device-delete", device.pk): Role.OPERATOR,
    }


def test_alice_and_her_colleague_see_every_page(client, rows, alice, bob):
    for person in (alice, bob):
        client.force_login(person)
        for name, args in pages(rows).items():
            assert client.get(reverse(name, args=args)).status_code == 200, (person, name)
        for name in LISTS:
            assert client.get(reverse(name)).status_code == 200, (person, name)


def test_another_teams_rows_are_not_found(client, rows, charlie):
    client.force_login(charlie)
    for name, args in pages(rows).items():
        assert client.get(reverse(name, args=args)).status_code == 404, name
    for name, pk in changes(rows):
        assert client.post(reverse(name, args=[pk])).status_code == 404, name


def test_another_teams_names_stand_in_no_list(client, rows, charlie):
    client.force_login(charlie)
    for name in (*LISTS, "run-new"):
        text = client.get(reverse(name)).content.decode()
        for word in ("Handwritten digits v1", "Digits, fast", "Board by the window"):
            assert word not in text, name


def test_nobody_sees_anything_without_signing_in(client, rows):
    addresses = [reverse(name, args=args) for name, args in pages(rows).items()]
    addresses += [reverse(name) for name in LISTS]
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 302, address
        assert answer["Location"].startswith(reverse("sign-in"))


def test_a_viewer_is_refused_with_a_sentence(client, rows, bob):
    client.force_login(bob)
    for name, pk in changes(rows):
        answer = client.post(reverse(name, args=[pk]))
        assert answer.status_code == 403, name
        assert "Your role in the team Harbour is viewer; this needs the role" in answer.content.decode()
    for name in ("run-new", "dataset-new", "device-new"):
        assert client.get(reverse(name)).status_code == 403, name
    assert client.post(reverse("dataset-digits")).status_code == 403


def test_a_member_may_not_touch_boards(client, rows, team):
    dora = User.objects.create_user("dora")
    Membership.objects.create(team=team, user=dora, role=Role.MEMBER)
    client.force_login(dora)
    for (name, pk), role in changes(rows).items():
        if role == Role.OPERATOR:
            assert client.post(reverse(name, args=[pk])).status_code == 403, name
    assert client.get(reverse("run-new")).status_code == 200


def test_what_changes_something_wants_a_post(client, rows, alice):
    client.force_login(alice)
    for name in ("run-cancel", "run-retry"):
        assert client.get(reverse(name, args=[rows["done"].pk])).status_code == 405
    for name in ("device-probe", "device-infer"):
        assert client.get(reverse(name, args=[rows["virtual"].pk])).status_code == 405


def test_somebody_without_a_team_is_told_so_and_can_sign_out(client, db):
    client.force_login(User.objects.create_user("eve"))
    answer = client.get(reverse("home"))
    assert answer.status_code == 403
    assert "not a member of any team" in answer.content.decode()
    assert client.post(reverse("sign-out")).status_code == 302


def test_nothing_inline_and_nothing_from_elsewhere_is_allowed(client, rows, alice):
    client.force_login(alice)
    for name, args in pages(rows).items():
        answer = client.get(reverse(name, args=args))
        assert "default-src 'self'" in answer["Content-Security-Policy"]
        assert "unsafe" not in answer["Content-Security-Policy"]
        if not answer.streaming:
            text = answer.content.decode()
            assert ' style="' not in text and "<style" not in text and " onclick=" not in text, name
