"""Jobs in a running state, for tests of what happens around them."""

import contextlib
import threading
import time

from django.db import connections

from portal.datasets.services import create_version
from portal.jobs import execution
from portal.runs import services
from portal.runs.plan import make_plan
from tests.factories import class_zip, run_queued_jobs

PATIENCE_SECONDS = 240  # the machine may be busy


def wait_for(condition, what: str):
    """Poll until ``condition()`` is true and return its value."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE_SECONDS} s in vain for {what}")


def hanging_run(team, user):
    """A run whose dataset is checked and whose training, once started, hangs until it is killed."""
    version = create_version(team, user, "Pets", class_zip(("cat", "fake: hang")))
    execution.execute(version.job.pk)
    version.job.refresh_from_db()
    return services.create_run(make_plan(version, preset="fast", chips=["rv1106"]), team, user)


@contextlib.contextmanager
def executing(job):
    """Execute the job in a thread, as a Celery worker would."""

    def work():
        try:
            execution.execute(job.pk)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


__all__ = ["executing", "hanging_run", "run_queued_jobs", "wait_for"]
