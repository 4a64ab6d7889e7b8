"""The Celery application. All its settings are in ``portal.settings`` under ``CELERY_``."""

import os

from celery import Celery, signals

from portal import tied

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
app = Celery("slipway")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_process_init.connect
def _die_with_the_worker(**_: object) -> None:
    """End a pool process together with its worker: a restarted worker replaces a killed one."""
    tied.tie()
