"""What is left when all faults are over: lost, done twice, ghosts, and what is told otherwise than it is."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter

from slipway import Client

from tests.bench import processes
from tests.bench.disturbed.faults import part_of
from tests.bench.disturbed.work import Record
from tests.bench.serving import Portal

END_SECONDS = 900
GONE_SECONDS = 20
RETRIES = 3
ACTIVE = ("queued", "running", "cancelling")
SINGLE = ("broker", "virtual board", "supervisor", "clock")


class Reckoning:
    """Fills the four lists of sentences: ``lost``, ``twice``, ``ghosts``, ``disagreements``."""

    def __init__(self, portal: Portal, client: Client, record: Record, device: int):
        self.portal, self.client, self.record, self.device = portal, client, record, device
        self.lost: list[str] = []
        self.twice: list[str] = []
        self.ghosts: list[str] = []
        self.disagreements: list[str] = []
        self.statuses: Counter = Counter()
        self.failures: Counter = Counter()  # why jobs failed
        self.unexpected: list[str] = []

    def run(self) -> None:
        self.wait_for_ends()
        self.retry_what_faults_failed()
        self.look_for_lost()
        self.look_for_twice()
        self.look_for_ghosts()
        self.compare_with_the_board()

    # --- the ends -----------------------------------------------------------------------------

    def wait_for_ends(self) -> None:
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline:
            left = [row for status in ACTIVE for row in self.client.get("jobs/", status=status)["results"]]
            runs = [row for status in ACTIVE for row in self.client.get("runs/", status=status)["results"]]
            if not left and not runs:
                return
            time.sleep(2)
        self.lost += [f"job {row['id']} ({row['kind']}) is still {row['status']}" for row in left]
        self.lost += [f"run {row['id']} is still {row['status']}" for row in runs]

    def retry_what_faults_failed(self) -> None:
        """An upload whose check a fault has ended is whole if another check makes it ready."""
        for row in self._jobs():
            if row.status == "failed" and "nexpected" in row.message:
                self.unexpected.append(f"job {row.pk} ({row.kind}): {row.message[:150]}")
        for _ in range(RETRIES):
            failed = [row for row in self._jobs() if self._can_be_retried(row)]
            for row in failed:
                self.retry_one(row)
            if not failed:
                return
            self.wait_for_ends()

    def retry_one(self, job) -> int:
        """Have it done again; return the new job."""
        return self.client.post(f"jobs/{job.pk}/retry/")["id"]

    def _can_be_retried(self, job) -> bool:
        checks = job.kind in ("ingest", "revise")
        return checks and job.status == "failed" and not hasattr(job, "retried_by")

    @staticmethod
    def _jobs() -> list:
        from portal.jobs.models import Job

        return list(Job.objects.select_related("retried_by").order_by("id"))

    # --- lost and twice -----------------------------------------------------------------------

    def look_for_lost(self) -> None:
        from portal.datasets.models import DatasetVersion, Upload
        from portal.devices.models import Inference
        from portal.jobs.models import Job

        for pk, images in self.record.uploads.items():
            upload = Upload.objects.filter(pk=pk).select_related("version__job").first()
            self._check_version(f"upload {pk}", upload and upload.version, images)
        for pk, images in self.record.commits.items():
            version = DatasetVersion.objects.filter(pk=pk).select_related("job").first()
            self._check_version(f"commit {pk}", version, images)
        known = set(Job.objects.values_list("pk", flat=True))
        self.lost += [
            f"job {pk} ({what}) is gone" for pk, what in self.record.jobs.items() if pk not in known
        ]
        asked = set(Inference.objects.values_list("pk", flat=True))
        self.lost += [f"inference {pk} is gone" for pk in self.record.inferences if pk not in asked]
        for row in self._jobs():
            self.statuses[row.status] += 1
            if row.status == "failed":
                self.failures[f"{row.kind}: {row.message[:120]}"] += 1
            if row.status == "failed" and not row.message:
                self.lost.append(f"job {row.pk} ({row.kind}) failed without a reason")

    def _check_version(self, what: str, version, images: int) -> None:
        if version is None:
            self.lost.append(f"{what} has no version")
        elif version.job.status != "succeeded":
            self.lost.append(f"{what}: {version.job.status}: {version.job.message[:150]}")
        elif version.images != images:
            self.lost.append(f"{what} has {version.images} images of {images}")

    def look_for_twice(self) -> None:
        from portal.datasets.draft_models import Draft
        from portal.datasets.models import Dataset
        from portal.deployment.models import Deployment
        from portal.devices.models import Inference
        from portal.jobs.models import JobEvent
        from portal.runs.models import Run

        ended = Counter(JobEvent.objects.filter(new="succeeded").values_list("job_id", flat=True))
        self.twice += [f"job {pk} succeeded {count} times" for pk, count in ended.items() if count > 1]
        for row in self._jobs():
            again = getattr(row, "retried_by", None)
            if again is not None and row.status == "succeeded":
                self.twice.append(f"job {row.pk} succeeded and was done again as {again.pk}")
        for dataset in Dataset.objects.filter(name__startswith="Small "):
            drafts = Draft.objects.filter(dataset=dataset, version__isnull=False).count()
            if dataset.versions.count() > 1 + drafts:
                self.twice.append(f"dataset {dataset.pk} has {dataset.versions.count()} versions")
        rows = {
            "deployments": Deployment.objects.filter(device=self.device, job__retry_of=None).count(),
            "inferences": Inference.objects.filter(device=self.device, job__isnull=False).count(),
            "runs": Run.objects.count(),
        }
        most = dict(self.record.asked)
        most["deployments"] = most.get("deployments", 0) + most.get("runs", 0)
        for what, count in rows.items():
            if count > most.get(what, 0):
                self.twice.append(f"{count} {what} after {most.get(what, 0)} requests")

    # --- ghosts and the board -----------------------------------------------------------------

    def look_for_ghosts(self) -> None:
        """Rows that run although nothing does, programs of no job, and two of what must be one."""
        self.ghosts += [f"job {row.pk} is {row.status}" for row in self._jobs() if row.status in ACTIVE]
        parts = self._parts()
        self.ghosts += [f"{parts[name]} of {name}" for name in SINGLE if parts[name] != 1]
        if parts["program"] or parts["launcher"]:
            self.ghosts.append(f"{parts['program'] + parts['launcher']} programs without a job")

    def _parts(self) -> Counter:
        """How many there are of each part, without the children that they have of their own kind."""
        found = processes.all_of_portal(self.portal.var)
        parts = {pid: part_of(one.said) for pid, one in found.items()}
        return Counter(part for pid, part in parts.items() if parts.get(found[pid].parent) != part)

    def look_after_stopping(self) -> None:
        """``make serve`` has ended: whatever is alive now is a ghost."""
        deadline = time.monotonic() + GONE_SECONDS
        while (left := processes.all_of_portal(self.portal.var)) and time.monotonic() < deadline:
            time.sleep(0.5)
        self.ghosts += [f"process {pid} outlives the portal: {one.said[:100]}" for pid, one in left.items()]
        processes.kill(list(left))

    def on_board(self) -> str:
        """The release that is current on the virtual board, read from its disk."""
        links = [path for path in (self.portal.var / "virtual-board").rglob("current") if path.is_symlink()]
        return os.path.basename(os.readlink(links[0])) if links else ""

    def compare_with_the_board(self) -> None:
        """After one contact the portal names what the board runs, and its answers are of that release."""
        job = self.client.post(f"devices/{self.device}/probe/")["id"]
        self._ended(job)
        told = self.client.get(f"devices/{self.device}/")["current_release"] or ""
        runs = self.on_board()
        if told != runs:
            self.disagreements.append(f"the board runs {runs!r}, the portal names {told!r}")
        deployments = self.client.get("deployments/", device=self.device)["results"]
        current = [row["release"] for row in deployments if row["current"]]
        if current and set(current) != {runs}:
            self.disagreements.append(f"the board runs {runs!r}, current deployments name {current}")
        if not runs:
            self.disagreements.append("nothing runs on the board")
            return
        self._ask_the_board(runs)

    def _ask_the_board(self, runs: str) -> None:
        from tests.bench.archives import small_png

        files = [("images", ("a.png", small_png(), "image/png"))]
        made = self.client.post(f"devices/{self.device}/inferences/", files=files)
        self._ended(made["job"]["id"])
        found = self.client.get(f"inferences/{made['id']}/")
        if found["job"]["status"] != "succeeded" or found["release"] != runs:
            words = f"{found['job']['status']}, release {found['release']!r}: {found['job']['message'][:100]}"
            self.disagreements.append(f"an inference of the board that runs {runs!r}: {words}")

    def _ended(self, job: int) -> None:
        deadline = time.monotonic() + 120
        while self.client.get(f"jobs/{job}/")["status"] in ACTIVE and time.monotonic() < deadline:
            time.sleep(0.5)

    def integrity(self) -> str:
        with sqlite3.connect(self.portal.var / "db.sqlite3") as database:
            return database.execute("PRAGMA integrity_check").fetchone()[0]
