"""Names that forge lines, turn the direction of writing, or look like other names: refused wherever typed."""

import base64
import logging

import pytest
from django import forms
from django.core import mail
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.test import APIClient

from portal.core import names
from portal.core.forms import Styled
from portal.core.log_lines import LineFormatter
from portal.datasets.models import Dataset, Upload
from portal.devices.hosts import check_host
from portal.notify import mails
from portal.notify.models import Mail, Notification, Webhook
from portal.runs.forms import RunEditForm
from portal.teams import services
from portal.teams.models import ApiToken, Invitation, Role, Team, User
from tests.attack.accounts import ACCOUNT
from workers.datakit.errors import InputError
from workers.datakit.names import check_class_name

HOSTILE = [
    "two\nlines", "two\rlines", "a\x0bb", "a\x00b", "a\x1b[31mb", "a\x85b", "a\u2028b", "a\u2029b",
    "\u202egnp.exe", "a\u2066b", "a\u200bb", "a\u200db", "a\ufeffb", "a\u00adb", "a\U000e0041b", "a\u3164b",
    "a\u2800b",
]  # fmt: skip
GOOD = [
    "Parts 2026",
    "零件 一",
    "Überprüfung",
    "линия 3",
    "a\u00a0b",
    "部件\u3000甲",
    "👍 done",
    "O'Neil & co <b>",
]
# Fields of input that hold a name, by how they are called; each of them must refuse.
NAMES = {
    "name", "note", "message", "dataset", "filename", "upload_name", "username", "host", "dataset_name",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_with_a_sentence(name):
    with pytest.raises(ValidationError, match=r"leave out U\+[0-9A-F]{4}"):
        names.one_line(name)
    assert names.shown(name).isprintable()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_no_host(name):
    with pytest.raises(ValidationError):
        check_host(name)


@pytest.mark.parametrize("name", GOOD)
def test_a_name_of_any_language_is_taken(name):
    names.one_line(name)


def _all_below(kind):
    for child in kind.__subclasses__():
        yield child
        yield from _all_below(child)


def _is_guarded(field) -> bool:
    return any(check in (names.one_line, names.visible, check_host) for check in field.validators)


def test_every_form_guards_its_names():
    import portal.urls  # noqa: F401, every module with forms and serializers

    bare = [
        f"{form.__name__}.{name}"
        for form in _all_below(Styled)
        if form.__module__.startswith("portal") and issubclass(form, forms.BaseForm)
        for name, field in form.base_fields.items()
        if name in NAMES | {"notes"} and isinstance(field, forms.CharField)
        if not _is_guarded(field) and not issubclass(form, forms.ModelForm)
    ]
    assert sorted(set(bare)) == ["SignInForm.username"]  # compared with names, and never stored


def test_every_input_of_the_api_guards_its_names():
    import portal.home.api_router  # noqa: F401

    bare = []
    for kind in _all_below(serializers.Serializer):
        if not kind.__module__.startswith("portal") or not _takes_input(kind):
            continue
        for name, field in kind._declared_fields.items():
            is_text = isinstance(field, serializers.CharField) and type(field) is serializers.CharField
            if name in NAMES | {"notes"} and is_text and not field.read_only and not _is_guarded(field):
                bare.append(f"{kind.__name__}.{name}")
    assert sorted(set(bare)) == ["MetadataSerializer.filename"]  # cleaned, see below


def _takes_input(kind) -> bool:
    """Answers are told apart by what feeds their fields: a source, or rows of ours."""
    return any(
        field.validators and any(check is names.one_line for check in field.validators)
        for field in kind._declared_fields.values()
    ) or kind.__name__.startswith(("New", "Edit"))


def test_every_column_for_a_name_guards_it():
    for model, column in (
        (Team, "name"), (Invitation, "note"), (ApiToken, "name"), (Dataset, "name"), (Upload, "filename"),
        (Webhook, "name"), (Webhook, "url"),
    ):  # fmt: skip
        assert names.one_line in model._meta.get_field(column).validators, (model, column)


@pytest.mark.parametrize("name", ["two\nlines", "\u202etxt", "zero\u200bwidth"])
def test_no_address_of_the_api_takes_a_hostile_name(team, alice, dora, name):
    client = APIClient()
    client.force_authenticate(dora)
    dataset = Dataset.objects.create(team=team, created_by=alice, name="Parts")
    calls = [
        ("patch", f"/api/v1/teams/{team.pk}/", {"name": name}),
        ("post", "/api/v1/invitations/", {"role": "viewer", "note": name}),
        ("post", "/api/v1/tokens/", {"name": name, "scopes": ["read"]}),
        ("post", "/api/v1/webhooks/", {"name": name, "url": "https://1.1.1.1/", "events": ["run.finished"]}),
        ("patch", f"/api/v1/datasets/{dataset.pk}/", {"name": name}),
        ("post", "/api/v1/datasets/imports/", {"name": name, "source": "x", "path": ""}),
        ("post", "/api/v1/datasets/", {"name": name, "upload": "00000000-0000-0000-0000-000000000000"}),
        ("post", "/api/v1/devices/", {"name": name, "profile": "virtual", "host": "h", "password": "p"}),
        ("post", "/api/v1/runs/", {"name": name, "dataset_version": 1}),
    ]  # fmt: skip
    for method, address, body in calls:
        answer = getattr(client, method)(address, body, format="json")
        assert answer.status_code == 400, address
        assert "leave out U+" in str(answer.json()["errors"].get("name") or answer.json()["errors"]["note"])


def test_no_page_takes_a_hostile_name(client, team, dora, alice):
    client.force_login(dora)
    for page, fields in (
        ("team-settings", {"name": "two\nlines"}),
        ("team-invitation-new", {"role": "viewer", "days": 7, "note": "two\nlines"}),
        ("token-list", {"name": "two\nlines", "scopes": ["read"], "days": 7}),
    ):
        answer = client.post(reverse(page), fields)
        assert answer.status_code == 422, page
        assert "leave out U+000A" in answer.content.decode()


def test_no_account_is_named_by_what_nobody_sees(client, team, dora):
    _, path = services.invite(team, dora, Role.VIEWER, 1)
    answer = client.post(path, ACCOUNT | {"username": "dora\u3164"})
    assert answer.status_code == 422
    assert not User.objects.filter(username__contains="\u3164").exists()


def test_a_files_name_is_brought_to_one_line(team, dora):
    client = APIClient()
    client.force_authenticate(dora)
    word = base64.b64encode("dir/two\nlines\u202e.zip".encode()).decode()
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Upload-Metadata": f"filename {word}"}
    assert client.post("/api/v1/uploads/", headers=headers).status_code == 201
    assert Upload.objects.get().filename == "two lines .zip"


def test_notes_have_lines_and_nothing_that_hides():
    form = RunEditForm({"name": "a", "notes": "first\r\nsecond\tcolumn"})
    assert form.is_valid() and form.cleaned_data["notes"] == "first\nsecond\tcolumn"
    assert "notes" in RunEditForm({"name": "a", "notes": "a\u202eb"}).errors


def test_a_class_is_not_named_by_a_turned_direction_but_spelled_as_its_language_does():
    assert check_class_name("می\u200cخواهم")
    with pytest.raises(InputError, match="control character"):
        check_class_name("cat\u202e")


def test_a_name_stored_before_breaks_no_mail(team, dora):
    Notification.objects.create(
        team=team, user=dora, event="run.finished", mail=Mail.PENDING, created_at=timezone.now(),
        facts={"name": "two\r\nBcc: all@example.org\u202e", "top1": None, "chips": []},
    )  # fmt: skip
    mails.send_pending()
    assert mail.outbox[0].subject.endswith("two Bcc: all@example.org")


def test_a_name_forges_no_line_of_the_log():
    record = logging.LogRecord("portal", logging.INFO, "", 0, "run %s", ("a\n2026-01-01 fake",), None)
    text = LineFormatter("{levelname} {message}", style="{").format(record)
    assert text == "INFO run a\\n2026-01-01 fake"


def test_a_traceback_keeps_its_lines():
    try:
        raise ValueError("x")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("portal", logging.ERROR, "", 0, "it broke", (), info)
    assert LineFormatter().format(record).count("\n") >= 2
