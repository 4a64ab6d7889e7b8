"""Celery tasks."""

import logging
from datetime import UTC, datetime, timedelta

from django.conf import settings

from portal.celery import app
from portal.ops.backup import BackupError, making
from portal.ops.backup.destination import Destination

logger = logging.getLogger(__name__)


@app.task
def back_up() -> None:
    """Before: the newest backup is older than BACKUP_EVERY_HOURS. After: a new one; the oldest are gone."""
    if not settings.BACKUP_EVERY_HOURS:
        return
    try:
        if _is_due():
            made = making.make(settings.BACKUP_TO)
            making.keep(settings.BACKUP_TO, settings.BACKUP_KEEP)
            logger.warning("Backup %s is made: %s rows, %s files.", made.name, made.rows, made.files)
    except BackupError as error:
        logger.error("No backup was made: %s", error)


def _is_due() -> bool:
    names = Destination(settings.BACKUP_TO).names()
    return not names or making.made_at(names[-1]) <= datetime.now(UTC) - timedelta(
        hours=settings.BACKUP_EVERY_HOURS
    )
