"""A busy database and a full disk: reading goes on, and what cannot be done is refused with a sentence."""

import errno
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client

from portal.core import patience
from portal.core.diskspace import SENTENCE
from portal.core.outages import BUSY, outage_of
from portal.teams import audit, tokens
from portal.teams.models import ApiToken, AuditEntry, SignIn
from tests.attack.locks import database_locked
from tests.conftest import PASSWORD
from tests.factories import class_zip
from tests.seed import everything

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def hurry(monkeypatch):
    """Nobody waits long in these tests, and nothing is left of one for the next."""
    monkeypatch.setattr(patience, "WEB_SECONDS", 0.3)
    monkeypatch.setattr(patience, "NOTE_SECONDS", 0.05)
    patience._here.is_web = False
    audit._unwritten.clear()
    yield
    audit._unwritten.clear()
    patience._here.is_web = False
    connection.close()


@pytest.fixture
def rows(team, alice):
    return everything(team, alice)


@pytest.fixture
def page(alice):
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


@pytest.fixture
def program(team, alice):
    token, secret = tokens.make(team, alice, "CI", ["read", "datasets", "runs"], 30)
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {secret}"})
    client.token = token
    return client


PAGES = ["/", "/datasets/", "/runs/", "/devices/", "/history/", "/jobs/", "/account/", "/runs/new/"]
ENDPOINTS = ["runs/", "datasets/", "devices/", "jobs/", "me/", "uploads/"]


@pytest.mark.parametrize("address", PAGES)
def test_a_page_is_shown_while_the_database_takes_no_writes(rows, page, address):
    with database_locked():
        assert page.get(address, follow=True).status_code == 200
        assert not SignIn.objects.exists()
    page.get(address)
    assert SignIn.objects.count() == 1


@pytest.mark.parametrize("address", ENDPOINTS)
def test_a_token_reads_while_the_database_takes_no_writes(rows, program, address):
    with database_locked():
        assert program.get(f"/api/v1/{address}").status_code == 200
    assert ApiToken.objects.get().last_used_at is None


def test_calls_that_could_not_be_written_are_in_the_audit_later(rows, program):
    with database_locked():
        program.get("/api/v1/runs/")
        program.get("/api/v1/jobs/")
    program.get("/api/v1/devices/")
    told = AuditEntry.objects.filter(verb="api.call").order_by("id").values_list("object_label", flat=True)
    assert list(told) == ["GET /api/v1/runs/", "GET /api/v1/jobs/", "GET /api/v1/devices/"]


def test_a_refusal_is_told_while_the_database_takes_no_writes(rows, page, program):
    unknown = Client(raise_request_exception=False, headers={"Authorization": "Bearer slw_nothing"})
    with database_locked():
        assert page.get("/team/audit/").status_code in (403, 404)
        assert unknown.get("/api/v1/runs/").status_code == 401
        assert program.get("/api/v1/members/").status_code in (200, 403)


def test_a_change_on_a_busy_database_is_refused_with_a_sentence_and_a_time(rows, page, program):
    change = {"data": json.dumps({"name": "New"}), "content_type": "application/json"}
    with database_locked():
        answer = program.patch(f"/api/v1/runs/{rows['done'].pk}/", **change)
        shown = page.post(f"/runs/{rows['done'].pk}/edit/", {"name": "New", "tags": "", "notes": ""})
    assert answer.status_code == shown.status_code == 503
    assert int(answer["Retry-After"]) > 0 and int(shown["Retry-After"]) > 0
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == BUSY
    assert BUSY in shown.content.decode().replace("&#x27;", "'")
    rows["done"].refresh_from_db()
    assert rows["done"].name != "New"


def test_signing_in_on_a_busy_database_is_no_error_page(rows, alice):
    client = Client(raise_request_exception=False)
    with database_locked():
        answer = client.post("/sign-in/", {"username": "alice", "password": PASSWORD})
    assert answer.status_code == 503


def test_a_busy_database_is_told_in_chinese_too(rows, page, alice):
    alice.language = "zh-hans"
    alice.save(update_fields=["language"])
    with database_locked():
        answer = page.post(f"/runs/{rows['done'].pk}/edit/", {"name": "New", "tags": "", "notes": ""})
    assert "数据库" in answer.content.decode()


FULL = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EDQUOT, "Disk quota exceeded"),
    OperationalError("database or disk is full"),
]


@pytest.mark.parametrize("error", FULL, ids=lambda error: str(error))
def test_a_full_disk_is_told_wherever_it_is_met(rows, page, program, monkeypatch, error):
    def full(*_args, **_kwargs):
        raise error

    monkeypatch.setattr("django.core.files.storage.FileSystemStorage.save", full)
    monkeypatch.setattr("portal.runs.services.edit_run", full)
    change = {"data": json.dumps({"name": "New"}), "content_type": "application/json"}
    answer = program.patch(f"/api/v1/runs/{rows['done'].pk}/", **change)
    assert answer.status_code == 507 and answer.json()["detail"] == SENTENCE
    shown = page.post(f"/runs/{rows['done'].pk}/edit/", {"name": "New", "tags": "", "notes": ""})
    assert shown.status_code == 507 and "disk is full" in shown.content.decode()
    sent = page.post("/datasets/new/", {"name": "Parts", "file": class_zip(), "val_percent": 20})
    assert sent.status_code == 507 and "disk is full" in sent.content.decode()


def test_a_full_disk_met_before_the_view_is_told_as_well(rows, page, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("django.core.files.uploadhandler.TemporaryFileUploadHandler.receive_data_chunk", full)
    giant = SimpleUploadedFile("pets.zip", b"x" * 3_000_000)
    answer = page.post("/datasets/new/", {"name": "Parts", "upload": giant})
    assert answer.status_code == 507 and "disk is full" in answer.content.decode()


def test_reading_goes_on_when_the_disk_is_full(rows, page, program, monkeypatch):
    def full(*_args, **_kwargs):
        raise OperationalError("database or disk is full")

    monkeypatch.setattr("portal.teams.models.AuditEntry.save", full)
    assert program.get("/api/v1/runs/").status_code == 200
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.save", full)
    assert page.get("/").status_code == 200


def test_a_defect_is_not_taken_for_an_outage():
    for words in ("no such table: x", "no such column: y", "near SELECT: syntax error"):
        assert outage_of(OperationalError(words)) is None
    assert outage_of(ValueError("locked")) is None
    assert outage_of(OperationalError("database is locked")).status == 503


@pytest.mark.parametrize("state", ["40P01", "55P03", "57014", "53300", "08006", None])
def test_what_postgresql_cannot_do_just_now_is_an_outage(state):
    import psycopg

    driver = psycopg.OperationalError("refused")
    driver.sqlstate = state
    error = OperationalError("refused")
    error.__cause__ = driver
    assert outage_of(error).status == 503


@pytest.mark.sqlite
def test_a_worker_waits_longer_than_a_person(rows, page):
    """What waits in a request is short from its first query on; a connection of a worker is as configured."""
    page.get("/")
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] == 300
    patience._here.is_web = False
    connection.close()
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA busy_timeout").fetchone()[0] == 30_000
