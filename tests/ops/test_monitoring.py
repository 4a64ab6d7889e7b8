"""Probes and metrics: what they return, and to whom."""

import json
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from portal.core import schema_state
from portal.jobs.models import Job, Status
from portal.ops.monitoring import checks, figures
from portal.ops.monitoring.probes import Probes
from tests.seed import Seeder

MONITORING = Path("configs/containers/monitoring")


@pytest.fixture
def asked(monkeypatch, settings):
    """Asks a probe as a server with METRICS_TOKEN set."""
    settings.METRICS_TOKEN = "let-me-see"
    monkeypatch.setattr(checks, "_shared", (0.0, {}))
    probes = Probes(lambda request: None)

    def ask(path, method="get", **headers):
        from django.test import RequestFactory

        return probes(getattr(RequestFactory(), method)(path, headers=headers))

    return ask


def _look(**answers):
    return [
        checks.Check(name, lambda wrong=wrong: wrong, name != "broker") for name, wrong in answers.items()
    ]


def test_a_live_process_says_so_to_anybody_under_any_name(db):
    answer = Client().get("/healthz", headers={"Host": "10.1.2.3"})
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "sessionid" not in answer.cookies and answer["Cache-Control"] == "no-store"
    assert Client().post("/healthz").status_code == 405


def test_a_server_is_not_ready_without_its_database_and_says_why(asked, monkeypatch):
    monkeypatch.setattr(checks, "CHECKS", _look(database="", storage="", broker=""))
    assert asked("/readyz").status_code == 200
    monkeypatch.setattr(checks, "_shared", (0.0, {}))
    monkeypatch.setattr(checks, "CHECKS", _look(database="cannot be reached", storage="", broker=""))
    answer = asked("/readyz")
    assert answer.status_code == 503
    assert json.loads(answer.content)["checks"] == {
        "database": "cannot be reached", "storage": "ok", "broker": "ok",
    }  # fmt: skip


def test_a_broker_that_is_away_is_told_but_stops_nobody(asked, monkeypatch):
    monkeypatch.setattr(checks, "CHECKS", _look(database="", broker="cannot be reached"))
    answer = asked("/readyz")
    assert answer.status_code == 200 and json.loads(answer.content)["checks"]["broker"] == "cannot be reached"


def test_a_check_that_hangs_is_told_and_not_started_twice(asked, monkeypatch):
    import threading

    go, started = threading.Event(), []

    def hang():
        started.append(1)
        go.wait(10)
        return ""

    monkeypatch.setattr(checks, "CHECKS", [checks.Check("storage", hang, True)])
    monkeypatch.setattr(checks, "SECONDS", 0.05)
    monkeypatch.setattr(checks, "SHARED_SECONDS", 0.0)
    assert asked("/readyz").status_code == 503
    assert b"no answer within" in asked("/readyz").content and started == [1]
    go.set()
    monkeypatch.setattr(checks, "SECONDS", 5)
    assert asked("/readyz").status_code == 200


def test_an_error_inside_a_check_shows_nothing_of_itself(asked, monkeypatch):
    def fail():
        raise OSError("postgres://user:password@host")

    monkeypatch.setattr(checks, "CHECKS", [checks.Check("database", fail, True)])
    assert b"password" not in asked("/readyz").content


@pytest.mark.django_db(transaction=True)
def test_the_real_checks_pass_here_the_brokers_if_there_is_one(monkeypatch):
    monkeypatch.setattr(checks, "_shared", (0.0, {}))
    found = checks.readiness()
    assert found["ready"]
    assert (found["checks"]["broker"] == "ok") is bool(os.environ.get("REDIS_URL"))


def test_figures_are_for_those_with_the_token_only(asked, monkeypatch, db):
    monkeypatch.setattr(figures.checks, "readiness", lambda: {"ready": True, "checks": {"database": "ok"}})
    assert asked("/metrics").status_code == 401
    assert asked("/metrics", Authorization="Bearer wrong").status_code == 401
    assert b"slipway_build_info" in asked("/metrics", Authorization="Bearer let-me-see").content


def test_without_a_token_there_is_no_such_page(db, settings):
    assert settings.METRICS_TOKEN == ""
    assert Client().get("/metrics").status_code == 404


def test_the_figures_count_what_is_there(team, alice, monkeypatch):
    monkeypatch.setattr(figures.checks, "readiness", lambda: {"ready": True, "checks": {"database": "ok"}})
    Seeder(team, alice).device()
    now = timezone.now()
    own = {"team": team, "created_by": alice, "kind": "train", "queue": "train"}
    Job.objects.create(**own, queued_at=now - timedelta(seconds=90))
    Job.objects.create(**own, status=Status.RUNNING, started_at=now)
    Job.objects.create(
        **own,
        status=Status.FAILED,
        started_at=now - timedelta(seconds=20),
        finished_at=now - timedelta(seconds=10),
    )
    told = _told()
    assert told["slipway_queue_depth", "train"] == 1 and told["slipway_queue_depth", "deploy"] == 0
    assert 90 <= told["slipway_queue_oldest_seconds", "train"] < 120
    assert told["slipway_jobs_running", "train"] == 1
    assert told["slipway_jobs_ended_24h", "train", "failed"] == 1
    assert told["slipway_job_mean_seconds_24h", "train", "failed"] == pytest.approx(10)
    assert sum(value for key, value in told.items() if key[0] == "slipway_devices") == 1


def test_alerts_and_dashboard_name_only_figures_that_exist(team, alice, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(figures.checks, "readiness", lambda: {"ready": True, "checks": {"database": "ok"}})
    settings.BACKUP_TO = str(tmp_path)
    own = {"team": team, "created_by": alice, "kind": "train", "queue": "train"}
    Job.objects.create(**own, status=Status.FAILED, started_at=timezone.now(), finished_at=timezone.now())
    known = {family.name for family in text_string_to_metric_families(figures.text().decode())}
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]
    panels = json.loads((MONITORING / "grafana-dashboard.json").read_text())["panels"]
    asked = [rule["expr"] for rule in rules] + [one["expr"] for panel in panels for one in panel["targets"]]
    named = set(re.findall(r"slipway_\w+", " ".join(asked)))
    assert named and named <= known
    assert all(rule["annotations"].keys() >= {"summary", "action"} for rule in rules)


def _told() -> dict[tuple, float]:
    families = text_string_to_metric_families(figures.text().decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_missing_migrations_are_told_until_the_tables_are_right(db, monkeypatch):
    plans, asked = [[("a migration", False)], [], pytest.fail], []

    def plan(self, targets):
        asked.append(1)
        return plans[len(asked) - 1]

    monkeypatch.setattr(checks, "_tables_are_right", [])
    monkeypatch.setattr(schema_state.MigrationExecutor, "migration_plan", plan)
    assert "1 migrations are not applied: run manage.py setup" in checks._tables()
    assert [checks._tables(), checks._tables()] == ["", ""] and len(asked) == 2
