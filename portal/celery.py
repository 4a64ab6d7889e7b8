"""The Celery application. All its settings are in ``portal.settings`` under ``CELERY_``."""

import os

from celery import Celery, signals
from django.conf import settings

from portal import tied

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
app = Celery("slipway")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_process_init.connect
def _die_with_the_worker(**_: object) -> None:
    """End a pool process together with its worker: a restarted worker replaces a killed one."""
    tied.tie()


@signals.beat_init.connect
def _tell_that_the_clock_runs(**_: object) -> None:
    signals.before_task_publish.connect(_note_that_it_sends)


def _note_that_it_sends(**_: object) -> None:
    """For the health check: the schedule's own file may stay in memory for as long as the clock runs."""
    (settings.VAR_DIR / "run" / "beat-sent").touch()
