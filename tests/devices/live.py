"""Real rows for jobs that talk to a running virtual board, and what everybody must be told when one fails."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from portal.core import broker
from portal.core.encryption import seal
from portal.datasets.models import Dataset, DatasetVersion
from portal.deployment.models import Deployment
from portal.deployment.steps import deploy
from portal.devices import services
from portal.devices.models import Device
from portal.jobs import execution
from portal.jobs.models import Artifact, Job, Status
from portal.models import evaluations
from portal.models.models import CompiledModel, Model
from portal.runs import pipeline
from portal.runs.models import Run, Step
from portal.runs.plan import defaults
from tests.devices.boards import NAMES, PASSWORD, PROFILE, RunningBoard, make_release, picture
from tests.graphs import compiled_of, deployments_of

BEFORE = "before"
HASH = "c010" * 16
VALIDATION = {f"images/{n:06d}.png": n % 3 for n in range(6)}


class SharedBoard(RunningBoard):
    """A board for a whole module; between tests it has one release, ``before``, and works."""

    def __init__(self, folder: Path, artifacts: Path):
        super().__init__(folder)
        self._good = folder / "good"
        with self.connect() as connection:
            deploy(connection, PROFILE, make_release(artifacts, BEFORE))
        shutil.copytree(self.home, self._good, symlinks=True)

    def renew(self) -> None:
        self.order()
        (self.root / "password").unlink(missing_ok=True)
        shutil.rmtree(self.home / ".ssh", ignore_errors=True)
        shutil.rmtree(self.home / "slipway")
        shutil.copytree(self._good / "slipway", self.home / "slipway", symlinks=True)

    def holds(self) -> tuple[list[str], str]:
        """What lies in its folder of releases, and where current points."""
        root = self.home / "slipway"
        return sorted(path.name for path in (root / "releases").iterdir()), (root / "current").readlink().name

    def used_bytes(self) -> int:
        return sum(path.lstat().st_size for path in self.home.rglob("*") if not path.is_dir())

    def is_back(self) -> bool:
        with contextlib.suppress(Exception), self.connect():
            return True
        return False


class Rows:
    """Makes the rows of one team: a device, and runs that are trained and converted."""

    def __init__(self, team, user, board: SharedBoard, artifacts: Path):
        self.team, self.user, self.artifacts = team, user, artifacts
        self.device = Device.objects.create(
            team=team,
            created_by=user,
            name="Bench",
            profile="virtual",
            host="127.0.0.1",
            port=board.state["port"],
            host_key=board.state["host_key"],
            secret=secret(password=PASSWORD),
        )
        dataset = Dataset.objects.create(team=team, created_by=user, name="Colours")
        self.version = DatasetVersion.objects.create(
            dataset=dataset,
            team=team,
            number=1,
            job=self.done("ingest"),
            content_hash=HASH,
            class_names=NAMES,
        )
        stage()

    def done(self, kind: str) -> Job:
        now = timezone.now()
        return Job.objects.create(
            team=self.team,
            created_by=self.user,
            kind=kind,
            queue="default",
            status=Status.SUCCEEDED,
            started_at=now,
            finished_at=now,
        )

    def run(self, name: str, expected: dict[int, int] | None = None) -> Run:
        """A run that is trained and converted, its deployment not begun. ``expected`` replaces answers
        that the simulator is said to have given."""
        params = defaults("fast") | {"board_images": len(VALIDATION)}
        run = Run.objects.create(
            task="classification",
            team=self.team,
            created_by=self.user,
            name=name,
            dataset_version=self.version,
            preset="fast",
            recipe="pp_lcnet_x0_25",
            params=params,
        )
        self.plan(run, expected or {})
        return run

    def plan(self, run: Run, expected: dict[int, int]) -> None:
        """Steps of a run, the first two of them done."""
        facts = {"input_size": [16, 8], "mean": [0, 0, 0], "std": [0.1, 0.1, 0.1]}
        training, conversion = self.done("train"), self.done("convert")
        model = Model.objects.create(
            task="classification",
            team=self.team, name=run.name, recipe=run.recipe, params=run.params, dataset_version=self.version,
            job=training, facts=facts,
        )  # fmt: skip
        compiled = CompiledModel.objects.create(
            model=model, job=conversion, chip="rv1106", channel_order="bgr"
        )
        for file in ("model.rknn", "build.onnx", "calibration.zip"):
            self._store(conversion, file, (self.artifacts / file).read_bytes())
        rows = [
            {"image": image, "label": label, "predicted": expected.get(label, label), "score": 0.9}
            for image, label in VALIDATION.items()
        ]
        self._store(conversion, "predictions.simulator.json", json.dumps(rows).encode())
        entry = {
            "stage": "simulator", "engine": "test", "metrics": {"top1": 1.0, "images": len(rows)},
            "predictions": "predictions.simulator.json",
        }  # fmt: skip
        evaluations.record(conversion, [entry], model, compiled)
        steps = [
            Step.objects.create(run=run, kind="train", position=0, job=training),
            Step.objects.create(
                run=run, kind="convert", position=1, job=conversion,
                inputs={"chip": "rv1106", "channel_order": "bgr"},
            ),
            Step.objects.create(
                run=run, kind="deploy", position=2, device=self.device,
                inputs={"board_images": len(VALIDATION)},
            ),
        ]  # fmt: skip
        for before, after in zip(steps, steps[1:], strict=False):
            after.needs.add(before)

    def _store(self, job: Job, name: str, content: bytes) -> None:
        sha256 = hashlib.sha256(content).hexdigest()
        row = Artifact(job=job, name=name, size=len(content), sha256=sha256)
        row.file.save(f"jobs/{job.pk}/{name}", ContentFile(content), save=False)
        row.save()

    def deployed(self) -> Deployment:
        """The deployment whose release ``before`` is on the board already."""
        run = self.run("Before")
        job = self.done("deploy")
        deployment = Deployment.objects.create(
            compiled_model=compiled_of(run).get(), device=self.device, job=job, release=BEFORE,
            engine="virtual", activated_at=timezone.now(),
        )  # fmt: skip
        run.steps.filter(kind="deploy").update(job=job)
        pipeline.advance(run)
        return deployment

    def started(self, name: str, **options) -> Deployment:
        """A deployment whose job is queued."""
        run = self.run(name, **options)
        pipeline.advance(run)
        return deployments_of(run).select_related("job", "compiled_model__model").get()

    def asked(self, *pictures: tuple[str, bytes]):
        """An inference whose job is queued; a red picture unless told otherwise."""
        files = [SimpleUploadedFile(name, data) for name, data in pictures or [("a.png", picture("red"))]]
        return services.start_inference(self.device, self.user, files)


def without_broker(monkeypatch) -> None:
    """Send no messages: there is no broker here, and finding that out takes a while for every job."""
    monkeypatch.setattr(broker, "publish", lambda *args, **options: None)


def secret(**credentials: str) -> str:
    return seal(dataclasses.asdict(services.Credentials(**credentials)))


def stage() -> None:
    """Put the dataset into the cache, as an earlier job on this machine would have."""
    folder = Path(settings.CACHE_DIR) / "datasets" / HASH / "images"
    folder.mkdir(parents=True, exist_ok=True)
    for image, label in VALIDATION.items():
        (folder.parent / image).write_bytes(picture(NAMES[label]))


def change_access(device: Device, **changes) -> None:
    """Change how a device is reached, with the credentials entered anew as a person has to."""
    services.update_access(device, **({"credentials": services.Credentials(password=PASSWORD)} | changes))


def execute(job: Job) -> Job:
    """Run the job to its end, as a worker would."""
    assert execution.execute(job.pk) is True
    return Job.objects.get(pk=job.pk)


def text(client, url: str) -> str:
    return " ".join(client.get(url).content.decode().split())


def check_sentence(sentence: str) -> None:
    """One sentence for a person: what is wrong, and what to do."""
    assert sentence.endswith(".") and "\n" not in sentence
    assert "Traceback" not in sentence and "Unexpected" not in sentence
    assert ":" in sentence, "what to do follows a colon"


def check_told(client, job: Job, device: Device, words: str, *pages: str, is_camera: bool = False) -> str:
    """The job failed with a sentence that holds ``words``, and that very sentence is told everywhere.

    A failed camera is no problem of the device, which is reachable.
    """
    assert job.status == Status.FAILED, job.status
    assert job.error_kind == "input" and words in job.message, job.message
    check_sentence(job.message)
    device.refresh_from_db()
    assert device.problem == ("" if is_camera else job.message)
    assert client.get(f"/api/v1/jobs/{job.pk}/").json()["message"] == job.message
    assert client.get(f"/api/v1/devices/{device.pk}/").json()["problem"] == device.problem
    shown = " ".join(escape(job.message).split())
    for page in (reverse("job-detail", args=[job.pk]), reverse("device-detail", args=[device.pk]), *pages):
        assert shown in text(client, page), page
    return job.message
