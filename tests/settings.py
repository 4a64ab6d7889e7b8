"""The portal's settings with a folder of its own and a fast password hash; no broker runs by itself."""

import atexit
import os
import shutil
import sys
import tempfile

_folder = tempfile.mkdtemp(prefix="slipway-test-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["SLIPWAY_VAR"] = _folder
os.environ["PRETRAINED_DOWNLOAD"] = "no"

from portal.settings import *  # noqa: E402, F403
from portal.settings import CELERY_BROKER_TRANSPORT_OPTIONS, DATABASES, STATIC_ROOT  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file and not memory: heartbeats come from a thread of their own, over a connection of its own.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(_folder, "test.sqlite3")}
else:  # ``tests/on_servers.py`` migrates a database once; every test process copies it
    DATABASES["default"]["TEST"] = {"TEMPLATE": os.environ.get("TEST_DATABASE_TEMPLATE")}
STATIC_ROOT.mkdir()  # nothing is copied into it: the tests are served the files themselves
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TRAIN_PROGRAM = [sys.executable, "-m", "tests.fakes.train"]
CONVERT_PROGRAM = [sys.executable, "-m", "tests.fakes.convert"]
INTAKE_PROGRAM = [sys.executable, "-m", "tests.fakes.intake"]
PRELABEL_PROGRAM = [sys.executable, "-m", "tests.fakes.prelabel"]
JOB_TICK_SECONDS = 0.02
JOB_HEARTBEAT_SECONDS = 0.1
JOB_KILL_GRACE_SECONDS = 3.0  # for a program that must tidy up on a busy machine
JOB_LOST_GRACE_SECONDS = 0.0
JOB_END_PATIENCE_SECONDS = 5.0
SSH_TIMEOUT_SECONDS = 5
DEPLOY_WATCH_SECONDS = 0
SSH_RETRY_DELAYS = (0.05, 0.1)
# Every job that a test submits waits this long in vain for a broker.
CELERY_BROKER_TRANSPORT_OPTIONS = CELERY_BROKER_TRANSPORT_OPTIONS | {
    "max_retries": 1,
    "interval_start": 0.01,
    "interval_step": 0.01,
}
# Tests make more calls in a minute than any person.
API_CALLS_PER_MINUTE = 0
# A test looks again at once.
LIVE_SHARED_SECONDS = 0
