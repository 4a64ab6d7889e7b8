"""The settings of Celery workers that a test starts: the test's own folder, database and fakes."""

import os
import sys

from portal.settings import *  # noqa: F403

TRAIN_PROGRAM = [sys.executable, "-m", "tests.fakes.train"]
CONVERT_PROGRAM = [sys.executable, "-m", "tests.fakes.convert"]
INTAKE_PROGRAM = [sys.executable, "-m", "tests.fakes.intake"]
PRELABEL_PROGRAM = [sys.executable, "-m", "tests.fakes.prelabel"]
DEPLOY_WATCH_SECONDS = 0
JOB_TICK_SECONDS = 0.05
JOB_HEARTBEAT_SECONDS = 0.2
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.worker_settings"
