"""Makes a database as the first numbered migrations left it, fills it, and brings it to today's.

``python -m tests.upgrade_from_first_state`` wants an empty ``SLIPWAY_VAR``; ``test_upgrades`` starts it so.
From this state on migrations only expand and contract, so whatever comes must keep these rows.
"""

from __future__ import annotations

import os

import django
from django.utils import timezone

FIRST = [
    ("core", "0001_initial"), ("teams", "0002_audit_is_append_only"), ("jobs", "0002_initial"),
    ("notify", "0002_initial"), ("datasets", "0002_initial"), ("devices", "0003_initial"),
    ("models", "0002_initial"), ("deployment", "0002_initial"), ("runs", "0002_initial"),
    ("sessions", "0001_initial"),
]  # fmt: skip


def fill(apps) -> None:
    """A row of each table on the way from an upload to a board, by the models of that time."""

    def make(label: str, **fields):
        return apps.get_model(label).objects.create(**fields)

    now = timezone.now()
    user = make("teams.User", username="alice")
    team = make("teams.Team", name="Harbour")
    make("teams.Membership", team=team, user=user, role="admin")
    make("teams.AuditEntry", team=team, actor=user, verb="run.create", object_type="run", object_label="A")

    def job(kind: str):
        return make("jobs.Job", team=team, created_by=user, kind=kind, queue="default", status="succeeded")

    dataset = make("datasets.Dataset", team=team, created_by=user, name="Parts", last_number=1)
    findings = [{"level": "block", "code": code} for code in ("detection-not-trainable-yet", "odd")]
    version = make(
        "datasets.DatasetVersion", team=team, dataset=dataset, number=1, job=job("ingest"), findings=findings
    )
    run = make("runs.Run", team=team, created_by=user, name="A", dataset_version=version, recipe="r")
    device = make("devices.Device", team=team, created_by=user, name="Bench", profile="virtual", host="x")
    training, conversion, deployment = job("train"), job("convert"), job("deploy")
    model = make("models.Model", team=team, name="A", recipe="r", dataset_version=version, job=training)
    compiled = make("models.CompiledModel", model=model, job=conversion, chip="rv1106")
    make(
        "models.Evaluation", model=model, compiled_model=compiled, job=conversion, stage="simulator",
        engine="e", dataset_version=version, images=4, value=0.5, predictions="predictions.simulator.json",
    )  # fmt: skip
    make(
        "deployment.Deployment", compiled_model=compiled, device=device, job=deployment, release="r1",
        activated_at=now,
    )  # fmt: skip
    asked = {
        "train": {},
        "convert": {"inputs": {"chip": "rv1106", "channel_order": "bgr", "quantization": {}}},
        "deploy": {"inputs": {"board_images": 4}, "device": device},
    }
    for position, one in enumerate((training, conversion, deployment)):
        step = make("runs.Step", run=run, kind=one.kind, position=position, job=one, **asked[one.kind])
        make("runs.Attempt", step=step, job=one, number=1)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    executor.migrate(FIRST)
    fill(executor.loader.project_state(FIRST).apps)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    connection.check_constraints()
    check()
    print("upgraded")


def check() -> None:
    """Today's code reads what was written then."""
    from django.db import DatabaseError, connection, transaction

    from portal.runs.models import Run
    from portal.runs.report import report

    run = Run.objects.get()
    assert run.dataset_version.findings == [{"level": "error", "code": "odd"}], run.dataset_version.findings
    told = report(run)
    assert told["models"][0]["int8_top1"] == 0.5, told
    assert told["boards"][0]["release"] == "r1" and len(told["steps"]) == 4, told
    try:
        with transaction.atomic():
            connection.cursor().execute("UPDATE teams_auditentry SET verb = 'x'")
    except DatabaseError:
        return
    raise AssertionError("the audit can be changed")


if __name__ == "__main__":
    main()
