"""Fills a team with many runs, quickly: rows only, no files. The figures are made up.

Each run brings a rollout, six jobs (train, convert, deploy, an answer, a search, and a check of a dataset
or a probe) and ``points`` points of its curves. The number of people and devices does not grow.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.utils import timezone

from portal.datasets.models import Dataset, DatasetVersion
from portal.deployment.models import Deployment
from portal.devices.models import Device, Inference
from portal.fitting.goals import LIMITS
from portal.fitting.models import FitSearch
from portal.jobs.models import Artifact, Job, JobEvent, LogChunk, Metric, Status
from portal.models.models import CompiledModel, Evaluation, Model
from portal.rollouts.models import BoardState, Rollout, RolloutStatus, Target
from portal.runs.models import Attempt, Run, Step, Tag
from portal.teams.models import AuditEntry
from tests.seed import PARAMS

RUNS_A_DATASET = 10
DEVICES = 5
SERIES = ("train/loss", "train/top1", "train/lr", "train/ips", "val/top1")
CHIPS = ("rv1106", "rk3566", "rk3588")
FILES = {
    "train": ("best_model.pdparams", "model.onnx", "model.slim.onnx"),
    "convert": ("model.rknn", "build.onnx", "calibration.zip", "predictions.onnx.json",
                "predictions.simulator.json"),
    "deploy": (), "infer": (), "ingest": ("dataset.tar",), "probe": (), "fit": (),
}  # fmt: skip
QUEUES = {"train": "train", "convert": "convert", "deploy": "deploy", "infer": "deploy", "probe": "deploy"}
BATCH = 500


class Bulk:
    """Adds ``runs`` finished runs of one team and one person, the newest a day old."""

    def __init__(self, team, user, runs: int, points: int = 10):
        self.team, self.user, self.count, self.points = team, user, runs, points
        self.newest = timezone.now() - timedelta(days=1)

    def fill(self) -> None:
        devices = self._devices()
        versions = self._versions()
        runs = self._runs(versions)
        jobs = {kind: self._jobs(kind, runs) for kind in ("train", "convert", "deploy", "infer")}
        self._jobs("probe", runs[1::2])
        models = self._trained(runs, jobs["train"])
        compiled = self._compiled(models, jobs["convert"])
        self._deployed(compiled, jobs["deploy"], devices)
        self._steps(runs, jobs, devices)
        Inference.objects.bulk_create(
            [
                Inference(team=self.team, job=job, device=devices[n % DEVICES], created_by=self.user)
                for n, job in enumerate(jobs["infer"])
            ],
            BATCH,
        )
        self._points(jobs["train"])
        self._searched(runs, versions[0])
        self._rolled_out(models, devices)

    def _searched(self, runs, version) -> None:
        jobs = self._jobs("fit", runs)
        FitSearch.objects.bulk_create(
            [
                FitSearch(
                    team=self.team, created_by=self.user, name=run.name, dataset_version=version, job=job,
                    task="classification", chip="rv1106", channel_order="bgr", budget_seconds=600,
                    limits=dict.fromkeys(LIMITS), met=False,
                )
                for run, job in zip(runs, jobs, strict=True)
            ],
            BATCH,
        )  # fmt: skip

    def _rolled_out(self, models, devices) -> None:
        ended = {"status": RolloutStatus.SUCCEEDED, "deadline": self.newest, "finished_at": self.newest}
        rows = [
            Rollout(team=self.team, created_by=self.user, name=model.name, model=model, waves=1, **ended)
            for model in models
        ]
        rows = Rollout.objects.bulk_create(rows, BATCH)
        targets = [
            Target(rollout=row, device=device, wave=1, state=BoardState.DONE, live=False)
            for row in rows
            for device in devices
        ]
        Target.objects.bulk_create(targets, BATCH)

    def _trained(self, runs, jobs) -> list[Model]:
        models = Model.objects.bulk_create(
            [
                Model(
                    task="classification",
                    team=self.team, created_by=self.user, name=run.name, recipe=run.recipe, job=job,
                    dataset_version_id=run.dataset_version_id,
                )
                for run, job in zip(runs, jobs, strict=True)
            ],
            BATCH,
        )  # fmt: skip
        self._evaluated("paddle", models, jobs, 0.97)
        return models

    def _compiled(self, models, jobs) -> list[CompiledModel]:
        compiled = CompiledModel.objects.bulk_create(
            [
                CompiledModel(model=model, job=job, chip=CHIPS[n % 3], facts={"rknn_bytes": n})
                for n, (model, job) in enumerate(zip(models, jobs, strict=True))
            ],
            BATCH,
        )
        self._evaluated("onnx", models, jobs, 0.97, compiled)
        self._evaluated("simulator", models, jobs, 0.96, compiled)
        return compiled

    def _deployed(self, compiled, jobs, devices) -> None:
        Deployment.objects.bulk_create(
            [
                Deployment(
                    job=job, compiled_model=one, device=devices[n % DEVICES],
                    release=f"model{one.model_id}-job{job.pk}", activated_at=job.finished_at,
                )
                for n, (job, one) in enumerate(zip(jobs, compiled, strict=True))
            ],
            BATCH,
        )  # fmt: skip
        self._evaluated("board", [one.model for one in compiled], jobs, 0.96, compiled)

    def _evaluated(self, stage, models, jobs, value, compiled=None) -> None:
        metrics = {"top1": value, "images": 100}
        Evaluation.objects.bulk_create(
            [
                Evaluation(
                    model=model, job=job, stage=stage, engine="made up", images=100, value=value,
                    dataset_version_id=model.dataset_version_id, metrics=metrics, predictions="none",
                    compiled_model=compiled[n] if compiled else None,
                )
                for n, (model, job) in enumerate(zip(models, jobs, strict=True))
            ],
            BATCH,
        )  # fmt: skip

    def _steps(self, runs, jobs, devices) -> None:
        steps = [
            Step(
                run=run, kind=kind, position=position, job=jobs[kind][n],
                device=devices[n % DEVICES] if kind == "deploy" else None,
                inputs={"chip": CHIPS[n % 3], "channel_order": "bgr"} if kind == "convert" else {},
            )
            for n, run in enumerate(runs)
            for position, kind in enumerate(("train", "convert", "deploy"))
        ]  # fmt: skip
        steps = Step.objects.bulk_create(steps, BATCH)
        Attempt.objects.bulk_create([Attempt(step=step, job=step.job, number=1) for step in steps], BATCH)

    def _devices(self) -> list[Device]:
        return [
            Device.objects.get_or_create(
                team=self.team, name=f"Board {n}",
                defaults={"created_by": self.user, "profile": "virtual", "host": "10.1.1.1"},
            )[0]
            for n in range(DEVICES)
        ]  # fmt: skip

    def _versions(self) -> list[DatasetVersion]:
        number = Dataset.objects.count()
        datasets = Dataset.objects.bulk_create(
            [
                Dataset(team=self.team, created_by=self.user, name=f"Parts {number + n}")
                for n in range(-(-self.count // RUNS_A_DATASET))
            ],
            BATCH,
        )
        places = [(dataset, number) for number in range(1, 6) for dataset in datasets][: -(-self.count // 2)]
        jobs = self._jobs("ingest", places)
        return DatasetVersion.objects.bulk_create(
            [
                DatasetVersion(
                    team=self.team, dataset=dataset, number=number, job=job, upload_name="parts.zip",
                    content_hash=f"{job.pk:064x}", class_names=["good", "bad"], images=100,
                    train_images=80, val_images=20,
                )
                for (dataset, number), job in zip(places, jobs, strict=True)
            ],
            BATCH,
        )  # fmt: skip

    def _runs(self, versions) -> list[Run]:
        runs = Run.objects.bulk_create(
            [
                Run(
                    task="classification",
                    team=self.team, created_by=self.user, name=f"Parts of line {n % 7}, try {n}",
                    dataset_version=versions[n % len(versions)], recipe="pp_lcnet_x0_25", preset="fast",
                    params=PARAMS, status=_status(n), notes=f"Light {n % 11}, lens {n % 5}." * (n % 3),
                    finished_at=self.newest - timedelta(minutes=self.count - n),
                )
                for n in range(self.count)
            ],
            BATCH,
        )  # fmt: skip
        pks = [run.pk for run in runs]
        Run.objects.filter(pk__gte=pks[0]).update(created_at=F("finished_at") - timedelta(minutes=4))
        tags = [Tag.objects.get_or_create(team=self.team, name=name)[0] for name in ("night", "左线", "best")]
        through = Run.tags.through
        through.objects.bulk_create(
            [through(run_id=pk, tag=tags[n % 3]) for n, pk in enumerate(pks) if n % 2], BATCH
        )
        AuditEntry.objects.bulk_create(
            [
                AuditEntry(
                    team=self.team, actor=self.user, verb="run.create", object_type="run", object_id=pk
                )
                for pk in pks
            ],
            BATCH,
        )
        return runs

    def _jobs(self, kind: str, rows: list) -> list[Job]:
        """A job of this kind for each row, with what every job leaves behind."""
        count = len(rows)
        jobs = []
        for n in range(count):
            started = self.newest - timedelta(minutes=(count - n) * self.count / count)
            jobs.append(
                Job(
                    team=self.team, created_by=self.user, kind=kind, queue=QUEUES.get(kind, "default"),
                    status=_status(n), queued_at=started - timedelta(seconds=3), started_at=started,
                    finished_at=started + timedelta(seconds=40), log_bytes=11,
                    message="The loss became NaN." if _status(n) == Status.FAILED else "",
                )
            )  # fmt: skip
        jobs = Job.objects.bulk_create(jobs, BATCH)
        first = jobs[0].pk if jobs else 0
        Job.objects.filter(pk__gte=first, kind=kind).update(created_at=F("queued_at"))
        JobEvent.objects.bulk_create(
            [
                JobEvent(job=job, new=status, at=at)
                for job in jobs
                for status, at in (("queued", job.queued_at), ("running", job.started_at),
                                   (job.status, job.finished_at))
            ],
            BATCH,
        )  # fmt: skip
        LogChunk.objects.bulk_create(
            [LogChunk(job=job, offset=0, size=11, text="some words\n") for job in jobs], BATCH
        )
        Artifact.objects.bulk_create(
            [
                Artifact(
                    job=job,
                    name=name,
                    file=f"jobs/{job.pk}/{name}",
                    size=1000,
                    sha256=f"{job.pk:056x}{n:08x}",
                )
                for job in jobs
                for n, name in enumerate(FILES[kind])
            ],
            BATCH,
        )
        return jobs

    def _points(self, jobs: list[Job]) -> None:
        """The curves, written by the database itself: a million rows take seconds so."""
        steps = self.points // len(SERIES)
        names = " UNION ALL ".join(f"SELECT '{name}' AS name" for name in SERIES)
        table, first = Metric._meta.db_table, jobs[0].pk
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (job_id, name, step, value) "
                "WITH RECURSIVE steps(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM steps WHERE n < %s) "
                f"SELECT job.id, names.name, steps.n, 1.0 / steps.n FROM {Job._meta.db_table} job "
                f"CROSS JOIN steps CROSS JOIN ({names}) names "
                "WHERE job.id >= %s AND job.kind = 'train' ORDER BY job.id, steps.n, names.name",
                [steps, first],
            )


def _status(n: int) -> str:
    if n % 10 == 3:
        return Status.FAILED
    return Status.CANCELLED if n % 20 == 4 else Status.SUCCEEDED
