"""The two walks of ``CONTRIBUTING.md``, measured: which modules the work passes, and how often it comes back.

A profiler sees every call of the real work: an upload by the API, and a deployment to a virtual board.
A module counts where another one hands work to it. It is returned to when it goes on after that and hands
something to a further module; a loop over the same modules counts once, and a callback does not count.
What only answers a question, or keeps or tells what it is given, is plumbing: ``PLUMBING`` names all of it.
A worker program is another process and counts as its two entrances.
"""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path

import pytest

from portal.jobs import execution, scheduler, tasks
from portal.jobs.models import Job, Status
from tests.devices.boards import needs_convert_environment
from tests.factories import class_zip

ROOT = Path(__file__).resolve().parents[2]
MOST_MODULES, MOST_RETURNS = 12, 3
PLUMBING = re.compile(
    "|".join([
        # The base of every app, people and limits, notices; rows, registries and filters.
        "portal/(core|teams|notify|history|home)/.*",
        r"portal/\w+/(models|states|filters|apps|job_kinds|refusals|events)\.py",
        r"portal/jobs/(kinds|hooks)\.py|portal/devices/releases\.py",
        # How far a job is, what of it is kept for later, whether its worker stops, and how one ends.
        r"portal/jobs/(context|checkpoints|draining|endings|reports|made_files|log)\.py",
        # Questions: how large, what was said, which predictions and images, what a task or library knows,
        # whether predictions are of the images sent, how the server is, why a job waits.
        r"portal/datasets/(upload_limits|reading_options|reading_serializers|staged_cache|indexes|archive_sources)\.py",
        r"portal/(deployment/doctor|devices/answers|ops/monitoring/probes|jobs/(sites|serializers))\.py",
        "portal/(models|tasks)/.*|workers/(contract|datakit)/.*",
        # The parts of an SSH connection.
        r"portal/devices/(channel|hostkeys|link|login|results|ssh|transfer|waiting|watch|cleaning|pictures|health|probe|fitness)\.py",
        r"portal/devices/(jumping|networks)\.py",
    ])
)  # fmt: skip
PROGRAM = ["workers/launcher/__main__.py", "workers/datakit/ingest.py"]


class Walk:
    """Records who hands work to whom, in this thread and those that it starts, up to a call of ``until``."""

    def __init__(self, until: tuple[str, str] = ("", "")):
        self.until, self.ended = until, False
        self.handed: dict[str, list[str]] = {}
        self._modules: dict[str, str] = {}

    def __enter__(self) -> Walk:
        threading.setprofile(self)
        sys.setprofile(self)
        return self

    def __exit__(self, *_exc: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def __call__(self, frame, event, arg) -> None:
        if event != "call" or self.ended:
            return
        module, (place, name) = self._module(frame), self.until
        if frame.f_code.co_name == name and frame.f_code.co_filename == f"{ROOT}/{place}":
            self.ended = True
        elif module and not frame.f_code.co_name.startswith("<"):
            above = self._above(frame)
            if above and module not in above:  # else it goes on within itself, or calls back
                told = self.handed.setdefault(above[0], [])
                if module not in told:
                    told.append(module)

    def _above(self, frame) -> list[str]:
        """The modules that wait for this call, the nearest first."""
        found = []
        while (frame := frame.f_back) is not None:
            if module := self._module(frame):
                found.append(module)
        return found

    def _module(self, frame) -> str:
        path = frame.f_code.co_filename
        if path not in self._modules:
            name = path.removeprefix(f"{ROOT}/")
            ours = name.startswith(("portal/", "workers/")) and not PLUMBING.fullmatch(name)
            self._modules[path] = name if ours else ""
        return self._modules[path]

    @property
    def passed(self) -> set[str]:
        return {*self.handed, *(module for told in self.handed.values() for module in told)}

    @property
    def returns(self) -> dict[str, int]:
        return {module: len(told) - 1 for module, told in self.handed.items() if len(told) > 1}


def written_down(title: str) -> list[str]:
    """The modules that CONTRIBUTING lists under this heading."""
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = text.split(f"### {title}")[1].split("\n##")[0]
    return re.findall(r"^\d+\. `([a-z_/]+\.py)`", part, re.M)


def check(title: str, passed: set[str], *walks: Walk) -> None:
    listed = written_down(title)
    assert passed == set(listed), f"CONTRIBUTING, {title}: {passed ^ set(listed)}"
    assert len(listed) == len(set(listed)) <= MOST_MODULES
    for walk in walks:
        assert all(count <= MOST_RETURNS for count in walk.returns.values()), walk.returns


@pytest.mark.django_db(transaction=True)
def test_an_uploaded_file_passes_the_modules_that_are_written_down(alices, team):
    alices.get("/api/v1/datasets/")  # the addresses are loaded then
    with Walk() as request:
        alices.post("/api/v1/datasets/", {"name": "Pets", "file": class_zip()})
    job = Job.objects.get()
    with Walk(until=("portal/jobs/endings.py", "follow_up")) as work:
        tasks.execute(job.pk)
    job.refresh_from_db()
    assert job.dataset_version.is_ready
    title = "An uploaded file, from the API view to the ready version"
    check(title, request.passed | work.passed | set(PROGRAM), request, work)


@pytest.mark.ssh
@needs_convert_environment
@pytest.mark.django_db(transaction=True)
def test_a_deployment_passes_the_modules_that_are_written_down(rows):
    job = rows.started("First").job
    assert scheduler.claim(job, "worker")
    with Walk(until=("portal/deployment/measuring.py", "measure")) as work:
        execution.run(job)
    job.refresh_from_db()
    assert job.status == Status.SUCCEEDED, job.message
    assert work.ended
    check("A deployment, from the claimed job to the current release", work.passed, work)
