"""Workers in threads, for tests that talk to a live server."""

import threading

from django.db import connections

from portal.jobs import execution
from portal.jobs.models import Job, Status


class Worker(threading.Thread):
    """Executes queued jobs, each in a thread of its own, until it is told to stop."""

    def __init__(self):
        super().__init__(daemon=True, name="worker")
        self.halt = threading.Event()
        self.jobs: list[threading.Thread] = []
        self.taken: set[int] = set()

    def run(self):
        while not self.halt.wait(0.1):
            for pk in Job.objects.filter(status=Status.QUEUED).order_by("id").values_list("id", flat=True):
                if pk not in self.taken:
                    self.taken.add(pk)
                    self.jobs.append(threading.Thread(target=self.execute, args=[pk], daemon=True))
                    self.jobs[-1].start()
        connections.close_all()

    @staticmethod
    def execute(pk: int):
        try:
            execution.execute(pk)
        finally:
            connections.close_all()

    def stop(self):
        self.halt.set()
        self.join()
        for job in self.jobs:
            job.join(90)
