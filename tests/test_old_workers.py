"""Workers of the previous release go on working while the database is upgraded; a newer one waits for it.

The previous release's code is not at hand. Its models are: Django remakes them from the migrations, and what
they read and write is what a worker of that release reads and writes.
"""

import inspect
import logging
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from portal.celery import app as celery
from portal.core import schema_state
from portal.jobs import checks
from tests.previous_release import STATE

# The messages that a queue may still hold, or that an old process sends, with their arguments.
MESSAGES = {
    "portal.jobs.tasks.execute": [1],
    "portal.jobs.tasks.resend": [],
    "portal.jobs.tasks.reap": [],
    "portal.runs.tasks.sweep": [],
    "portal.rollouts.tasks.sweep": [],
    "portal.devices.tasks.watch": [],
    "portal.notify.tasks.send_mails": [],
    "portal.notify.tasks.deliver": [1],
    "portal.notify.tasks.sweep": [],
}


@pytest.fixture(scope="module")
def old():
    """The models of the previous release."""
    return MigrationLoader(None).project_state(STATE).apps


def ours(registry) -> list[type[models.Model]]:
    names = {name for name, _ in STATE}
    return [model for model in registry.get_models() if model._meta.app_label in names]


def columns_of(model) -> dict[str, models.Field]:
    return {field.column: field for field in model._meta.concrete_fields}


@pytest.fixture(scope="module")
def now() -> dict[str, dict[str, models.Field]]:
    """Today's columns by table."""
    return {model._meta.db_table: columns_of(model) for model in apps.get_models(include_auto_created=True)}


def test_no_table_or_column_of_the_previous_release_is_gone(old, now):
    gone = [
        f"{model._meta.db_table}.{column}"
        for model in ours(old)
        for column in columns_of(model)
        if column not in now.get(model._meta.db_table, {})
    ]
    assert not gone


def test_what_an_old_worker_does_not_know_has_a_value_in_the_database(old, now):
    demanded = [
        f"{model._meta.db_table}.{column}"
        for model in ours(old)
        for column, field in now.get(model._meta.db_table, {}).items()
        if column not in columns_of(model) and not field.null and not field.has_db_default()
    ]
    assert not demanded


def test_no_column_takes_less_than_before(old, now):
    narrower = [
        f"{model._meta.db_table}.{column}"
        for model in ours(old)
        for column, field in columns_of(model).items()
        if (today := now.get(model._meta.db_table, {}).get(column)) is not None
        and ((field.null and not today.null) or (today.max_length or 10**9) < (field.max_length or 0))
    ]
    assert not narrower


@pytest.mark.django_db
def test_an_old_worker_runs_a_job_in_todays_database(old, team, alice):
    """What a worker writes, with the models that it knows: a claim, its progress, its log, its end."""
    job_model, now = old.get_model("jobs.Job"), timezone.now()
    job = job_model.objects.create(
        team_id=team.pk, created_by_id=alice.pk, kind="train", queue="train", place=1
    )
    claimed = job_model.objects.filter(pk=job.pk, status="queued")
    assert claimed.update(status="running", worker="old:1:a", started_at=now, heartbeat_at=now) == 1
    old.get_model("jobs.JobEvent").objects.create(job_id=job.pk, old="queued", new="running", at=now)
    old.get_model("jobs.LogChunk").objects.create(job_id=job.pk, offset=0, size=1, text="a")
    old.get_model("jobs.Metric").objects.create(job_id=job.pk, name="train/loss", step=1, value=0.5)
    old.get_model("jobs.Artifact").objects.create(job_id=job.pk, name="a", file="a", size=1, sha256="0")
    job_model.objects.filter(pk=job.pk).update(status="succeeded", finished_at=now, result={"ok": True})
    found = apps.get_model("jobs.Job").objects.get(pk=job.pk)
    assert (found.status, found.worker, found.log_chunks.count()) == ("succeeded", "old:1:a", 1)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_of_the_previous_release_is_understood(name):
    celery.loader.import_default_modules()
    inspect.signature(celery.tasks[name].run).bind(*MESSAGES[name])


@pytest.mark.django_db
def test_a_new_worker_waits_until_the_database_is_upgraded(monkeypatch, caplog):
    answers = [2, 2, 0]
    monkeypatch.setattr(schema_state, "missing", lambda: answers.pop(0))
    monkeypatch.setattr(checks.time, "sleep", lambda seconds: None)
    with caplog.at_level(logging.WARNING):
        checks.wait_for_tables()
    assert answers == []
    assert caplog.text.count("2 migrations are not applied") == 1


@pytest.mark.django_db
def test_an_old_worker_says_that_the_database_is_of_a_newer_version(caplog):
    assert schema_state.newer() == []
    MigrationRecorder(connection).record_applied("jobs", "9999_of_the_future")
    assert schema_state.newer() == ["jobs.9999_of_the_future"]
    with caplog.at_level(logging.WARNING):
        checks.wait_for_tables()
    assert "The database belongs to a newer version" in caplog.text


@pytest.mark.django_db
def test_todays_database_is_complete():
    assert schema_state.missing() == 0
    call_command("migrate", "--check", stdout=StringIO())
