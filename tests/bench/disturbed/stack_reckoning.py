"""What the chaos bench looks at when all faults are over, besides what every such bench does."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections import Counter
from pathlib import Path

from slipway import Client
from slipway.errors import SlipwayError

from tests.bench.disturbed.reckoning import Reckoning
from tests.bench.disturbed.stack import SERVICES, ChaosStack
from tests.bench.disturbed.stack_work import CHUNK, StackWork, pictures

PROGRAMS = ("workers/launcher", " -m workers.")
WORKERS = ("worker", "worker-deploy", "worker-train", "worker-convert")
EXPORTS = 20  # uploads whose files are fetched again and compared
HEALTHY_SECONDS = 180


class StackReckoning(Reckoning):
    """``wrong``: files with another content than they must have. ``retried``: jobs done again at the end."""

    def __init__(self, stack: ChaosStack, client: Client, work: StackWork, device: int):
        super().__init__(stack, client, work.record, device)
        self.stack, self.work = stack, work
        self.wrong: list[str] = []
        self.retried: Counter = Counter()
        self.files = 0

    def run(self) -> None:
        super().run()
        self.look_at_uploads()
        self.look_at_files()
        self.look_at_runs()

    # --- the ends -----------------------------------------------------------------------------

    def _can_be_retried(self, job) -> bool:
        """Everything that a fault ended, but for what somebody has done anew since."""
        if job.status != "failed" or hasattr(job, "retried_by") or self.retried[f"refused {job.pk}"]:
            return False
        return True

    def retry_one(self, job) -> int | None:
        """Deployments one after the other: of a model to a board there is one at a time."""
        try:
            again = super().retry_one(job)
        except SlipwayError as error:
            self.retried[f"refused {job.pk}"] += 1
            self.failures[f"no retry of {job.kind}: {error}"] += 1
            return None
        self.retried[job.kind] += 1
        if job.kind == "deploy":
            self._ended(again)
        return again

    # --- uploads and files --------------------------------------------------------------------

    def look_at_uploads(self) -> None:
        from portal.datasets.models import Upload

        for pk, sent in self.work.sent.items():
            if sent.forgotten > 0:
                self.lost.append(f"upload {pk}: {sent.forgotten} acknowledged bytes were gone")
            if sent.resent > CHUNK:
                self.lost.append(f"upload {pk}: {sent.resent} bytes had to be sent again")
            row = Upload.objects.filter(pk=pk).select_related("version").first()
            if row and row.version and row.version.content_hash != self.work.hashes[sent.archive]:
                self.wrong.append(f"upload {pk}: its content hash is {row.version.content_hash!r}")
        done = [pk for pk, sent in self.work.sent.items() if sent.ended]
        for pk in done[:: max(1, len(done) // EXPORTS)]:
            self._compare_files(pk)

    def _compare_files(self, upload: str) -> None:
        version = self.client.get(f"uploads/{upload}/")["dataset_version"]
        answer = self.client.call("GET", f"dataset-versions/{version}/export/", params={"format": "folders"})
        told, sent = pictures(answer.content), pictures(self.work.archives[self.work.sent[upload].archive])
        self.files += len(sent)
        if told != sent:
            self.wrong.append(f"upload {upload}: the pictures of its export are not those that were sent")

    def look_at_files(self) -> None:
        """Every file that a job made is in storage as its row says."""
        from portal.jobs.models import Artifact

        for row in Artifact.objects.order_by("id"):
            self.files += 1
            try:
                with row.file.open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
            except Exception as error:
                self.wrong.append(f"{row.file.name}: {type(error).__name__}: {error}"[:200])
                continue
            if found != row.sha256:
                self.wrong.append(f"{row.file.name} is not the file that was stored")

    def look_at_runs(self) -> None:
        from portal.runs.models import Run

        for run in Run.objects.order_by("id"):
            if run.status != "succeeded":
                self.lost.append(f"run {run.pk} is {run.status}: {str(run.message)[:150]}")

    # --- ghosts and the board -----------------------------------------------------------------

    def look_for_ghosts(self) -> None:
        """Rows that run although nothing does, programs of no job, and containers that are not well."""
        active = ("queued", "running", "cancelling")
        self.ghosts += [f"job {row.pk} is {row.status}" for row in self._jobs() if row.status in active]
        for service in WORKERS:
            for said in self.stack.processes(service).values():
                if any(word in said for word in PROGRAMS):
                    self.ghosts.append(f"{service} runs {said[:100]}")
        self.ghosts += [f"{name} is {state}" for name, state in self._unwell().items()]

    def _unwell(self) -> dict[str, str]:
        deadline = time.monotonic() + HEALTHY_SECONDS
        while True:
            states = {name: self.stack.inspect(name)["State"] for name in SERVICES}
            told = {name: state.get("Health", {}).get("Status", "running") for name, state in states.items()}
            unwell = {
                name: word if states[name]["Running"] else "not running"
                for name, word in told.items()
                if word not in ("healthy", "running") or not states[name]["Running"]
            }
            if not unwell or time.monotonic() > deadline:
                return unwell
            time.sleep(3)

    def on_board(self) -> str:
        links = [path for path in self._board().rglob("current") if path.is_symlink()]
        return os.path.basename(os.readlink(links[0])) if links else ""

    def _board(self) -> Path:
        return self.stack.disks["virtual-board"] / "virtual-board"

    def compare_with_the_board(self) -> None:
        super().compare_with_the_board()
        current = self.on_board()
        for folder in self._board().rglob("releases/*"):
            if folder.name == current:
                self._check_release(folder)

    def _check_release(self, folder: Path) -> None:
        """Every file that the manifest names is there and whole."""
        manifest = json.loads((folder / "manifest.json").read_text())
        for name, facts in manifest["files"].items():
            content = b""
            with contextlib.suppress(OSError):
                content = (folder / name).read_bytes()
            if hashlib.sha256(content).hexdigest() != facts["sha256"]:
                self.disagreements.append(f"{name} of release {folder.name} on the board is not whole")
