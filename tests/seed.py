"""Fills a team with everything that the pages show, so that they can be tested and looked at.

Rows and figures are made up: nothing here was trained, and no board answered.
"""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
import uuid
from datetime import timedelta
from pathlib import Path

from django.core.files.base import ContentFile
from django.utils import timezone

from portal.datasets.models import Dataset, DatasetVersion, Pack
from portal.deployment.models import Deployment
from portal.devices.models import Device, Inference, InferenceImage
from portal.jobs.models import Artifact, ErrorKind, Job, JobEvent, LogChunk, Metric, Status
from portal.models import evaluations
from portal.models.models import CompiledModel, Evaluation, Model
from portal.runs.models import Attempt, Run, Step
from portal.tasks import Stage, get
from tests.factories import png
from workers.contract.messages import msg
from workers.datakit.index import ImageRow, write_index

NAMES = ["0", "1", "2", "scratch on the left edge", "划痕", "5", "6", "7"]
ENGINE = "virtual: rknn-toolkit2 int8 simulator"
KEY = "ssh-ed25519 SHA256:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg"
PARAMS = {
    "input_size": [64, 64], "epochs": 12, "batch_size": 48, "learning_rate": 0.05, "augmentation": "symbols",
    "seed": 0, "calibration_images": 100, "board_images": 400,
}  # fmt: skip


def predictions(changed: int) -> list[dict]:
    """Of 308 images, with the first ``changed`` of class 3 taken for class 5."""
    rows = [
        {"image": f"images/{n:06}.png", "label": n % 8, "predicted": n % 8, "score": 0.97} for n in range(308)
    ]
    for row in [row for row in rows if row["label"] == 3][:changed]:
        row["predicted"] = 5
    return rows


def figures(top1: float) -> dict:
    """Metrics of a classifier that takes a few scratches for fives."""
    size = len(NAMES)
    confusion = [[38 if row == column else 0 for column in range(size)] for row in range(size)]
    confusion[3][5] = 2
    confusion[7][1] = 1
    per_class = [
        {
            "id": n,
            "name": name,
            "images": 38,
            "correct": 38,
            "recall": 0.98 if n == 3 else 1.0,
            "precision": 0.99,
        }
        for n, name in enumerate(NAMES)
    ]
    return {"top1": top1, "images": 308, "per_class": per_class, "confusion": confusion}


def curves(job, epochs: int) -> list[Metric]:
    """The points of a training that goes well."""
    chance, points = random.Random(1), []
    for step in range(1, epochs * 12 + 1):
        loss = 2.2 * 0.975**step + 0.08 * chance.random()
        for name, value in (
            ("train/loss", loss), ("train/top1", 1 - loss / 2.6),
            ("train/lr", 0.05 * (1 - step / 150)), ("train/ips", 190 + 12 * chance.random()),
        ):  # fmt: skip
            points.append(Metric(job=job, name=name, step=step, value=value))
        if step % 12 == 0:
            epoch = step // 12
            points.append(Metric(job=job, name="val/top1", step=epoch, value=0.985 - 0.6 * 0.7**epoch))
            points.append(Metric(job=job, name="val/loss", step=epoch, value=0.1 + 1.6 * 0.7**epoch))
    points.append(Metric(job=job, name="train/eta", step=epochs, value=58))
    return points


class Seeder:
    """Makes rows for one team and one person."""

    def __init__(self, team, user):
        self.team, self.user = team, user
        self.now = timezone.now()

    def job(self, kind, queue="default", status=Status.SUCCEEDED, seconds=40.0, **fields) -> Job:
        """A job in a status, with the times and events that it would have."""
        ended = status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)
        started = self.now - timedelta(seconds=seconds + (60 if ended else 0))
        job = Job.objects.create(
            team=self.team,
            created_by=self.user,
            kind=kind,
            queue=queue,
            status=status,
            queued_at=started - timedelta(seconds=3),
            started_at=None if status == Status.QUEUED else started,
            finished_at=started + timedelta(seconds=seconds) if ended else None,
            **fields,
        )
        JobEvent.objects.create(job=job, new=Status.QUEUED, at=job.queued_at, reason=msg("submitted"))
        if job.started_at:
            taken = {"old": Status.QUEUED, "new": Status.RUNNING, "at": job.started_at}
            JobEvent.objects.create(job=job, **taken, reason=msg("taken by {worker}", worker="worker"))
        if ended:
            JobEvent.objects.create(job=job, old=Status.RUNNING, new=status, at=job.finished_at)
        self.log(job, f"{kind} begins\n" + "".join(f"line {n} of the tool's output\n" for n in range(80)))
        return job

    def log(self, job, text):
        size = len(text.encode())
        LogChunk.objects.create(job=job, offset=job.log_bytes, size=size, text=text)
        job.log_bytes += size
        job.save(update_fields=["log_bytes"])

    def artifact(self, job, name, content: bytes = b""):
        content = content or f"{job.pk}/{name}".encode()  # no two alike
        sha256 = hashlib.sha256(content).hexdigest()
        row = Artifact(job=job, name=name, size=len(content), sha256=sha256)
        row.file.save(f"jobs/{job.pk}/{name}", ContentFile(content), save=False)
        row.save()

    def version(self, name="Handwritten digits", status=Status.SUCCEEDED, **fields) -> DatasetVersion:
        dataset, _ = Dataset.objects.get_or_create(
            team=self.team, name=name, defaults={"created_by": self.user}
        )
        dataset.last_number += 1
        dataset.save()
        job = self.job("ingest", status=status, seconds=4.2, **fields)
        version = DatasetVersion.objects.create(
            dataset=dataset,
            team=self.team,
            number=dataset.last_number,
            job=job,
            upload=f"uploads/{job.pk}.bin",
            upload_name="parts of the left line 2026-11.zip",
        )
        if status == Status.SUCCEEDED:
            self._fill(version)
        return version

    def _fill(self, version):
        version.class_names = NAMES
        version.counts = [
            {"name": name, "train": 140 + 3 * n, "val": 35 + n, "test": 0, "total": 175 + 4 * n}
            for n, name in enumerate(NAMES)
        ]
        version.images, version.train_images, version.val_images = 1512, 1204, 308
        version.bytes, version.layout, version.split = 7_340_032, msg("class folders"), "stratified"
        version.content_hash = "5d41402abc4b2a76b9719d911017c592ae2f1d4d5f0c2b1a9e8d7c6b5a493827"
        version.findings = [
            {"level": "warn", "code": "collision", "message": "Two classes are spelled alike: car and Car.",
             "count": 1, "examples": [{"image": None, "text": "car / Car"}]},
            {"level": "info", "code": "gray", "message": "37 images are grey; they are kept so.", "count": 37,
             "examples": [{"image": n + 1, "text": f"5/img_{n:03}.png"} for n in range(10)]},
        ]  # fmt: skip
        version.save()
        _store_images(version)

    def device(self, name="Board by the window", profile="lockzhiner-vision-module", **fields) -> Device:
        probe = {
            "os": "Buildroot 2023.02", "kernel": "Linux 5.10.160", "machine": "armv7l",
            "hostname": "lockzhiner", "memory_total": 216 << 20, "memory_free": 151 << 20,
            "disk_total": 14 << 30, "disk_free": 11 << 30,
            "sftp": True, "ssh_server": "SSH-2.0-dropbear_2022.83", "python": "3.11.6",
            "library": "lockzhiner_vision_module", "library_version": "0.0.6", "runtime": "librknnmrt 2.3.2",
            "engine": ENGINE if profile == "virtual" else "lockzhiner_vision_module 0.0.6",
            "virtual": profile == "virtual", "current": "run1-job4",
            "releases": [{"id": "run1-job4", "activated": 1}],
            "warnings": [], "problems": [],
        }  # fmt: skip
        device = Device.objects.create(
            **{
                "team": self.team, "created_by": self.user, "name": name, "profile": profile,
                "host": "10.1.1.144", "host_key": KEY, "seen_at": self.now - timedelta(minutes=3),
                "probe": probe, "probe_job": self.job("probe", "deploy", seconds=2.1),
                **fields,
            }
        )  # fmt: skip
        Job.objects.filter(pk=device.probe_job_id).update(resource=device.resource)
        return device

    def run(self, version, name="Digits, fast", status=Status.SUCCEEDED, **fields) -> Run:
        finished = status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)
        run = Run.objects.create(
            task="classification", team=self.team, created_by=self.user, name=name, dataset_version=version,
            preset="fast", recipe="pp_lcnet_x0_25", params=PARAMS, status=status,
            finished_at=self.now if finished else None, **fields,
        )  # fmt: skip
        Run.objects.filter(pk=run.pk).update(created_at=self.now - timedelta(minutes=4))
        run.refresh_from_db()
        return run

    def step(self, run, kind, job=None, needs=None, **fields) -> Step:
        """The next step of a run."""
        step = Step.objects.create(run=run, kind=kind, position=run.steps.count(), job=job, **fields)
        if job is not None:
            Attempt.objects.create(step=step, job=job, number=1)
        if needs is not None:
            step.needs.add(needs)
        return step

    def train(self, run, status=Status.SUCCEEDED, epochs=12, **fields) -> Model:
        job = self.job("train", "train", status, 131, variant=run.recipe, **fields)
        Metric.objects.bulk_create(curves(job, epochs))
        self.step(run, "train", job)
        model = Model.objects.create(
            task=run.task, team=self.team, created_by=self.user, name=run.name, recipe=run.recipe,
            params=run.params, dataset_version=run.dataset_version, job=job,
        )  # fmt: skip
        if status == Status.SUCCEEDED:
            self._trained(model)
        return model

    def _trained(self, model) -> None:
        job = model.job
        job.result = {"tool_seconds": {"paddlex": 118.2, "paddle2onnx": 3.1, "onnxslim": 1.4}}
        job.save(update_fields=["result"])
        for name in ("best_model.pdparams", "inference.json", "inference.pdiparams", "model.onnx",
                     "model.slim.onnx", "labels.txt"):  # fmt: skip
            self.artifact(job, name, f"{job.pk}/{name}".encode() * 5000)
        model.facts = {
            "best_epoch": 11, "epochs": 12,
            "precise_bn": {"images": 256},
            "input_size": [64, 64], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
            "notices": ["Trained from scratch: this server has no pretrained weights for the recipe."],
            "versions": {"paddlex": "3.3.5", "paddle2onnx": "2.0.1", "onnxslim": "0.1.70"},
        }  # fmt: skip
        model.save(update_fields=["facts"])
        self.evaluate(job, Stage.PADDLE, model, figures(0.9903), changed=2)

    def evaluate(
        self, job, stage, model, metrics, compiled=None, device=None, changed=0, drop=0.0
    ) -> Evaluation:
        """An evaluation with its predictions; ``changed`` images are predicted otherwise than before."""
        name = f"predictions.{stage}.json"
        self.artifact(job, name, json.dumps(predictions(changed)).encode())
        images, parity = metrics["images"], {}
        if stage != Stage.PADDLE:
            compared = get(model.task).compare(predictions(0), predictions(changed))
            parity = compared | {
                "stage": "before", "images": images, "before": metrics["top1"] + drop, "drop": drop,
                "after": metrics["top1"], "agreement": 1 - changed / images, "changed": changed,
            }  # fmt: skip
        entry = {"stage": stage, "engine": ENGINE, "metrics": metrics, "parity": parity, "predictions": name}
        evaluations.record(job, [entry], model, compiled, device)
        return job.evaluations.get(stage=stage)

    def convert(self, run, chip="rv1106", status=Status.SUCCEEDED, **fields) -> CompiledModel:
        job = self.job("convert", "convert", status, 31, variant=run.recipe, **fields)
        step = self.planned_conversion(run, chip, job)
        compiled = CompiledModel.objects.create(
            model=run.steps.get(kind="train").job.model,
            job=job,
            chip=chip,
            channel_order="bgr",
            quantization=step.inputs["quantization"],
        )
        if status == Status.SUCCEEDED:
            self._compiled(compiled)
        return compiled

    def planned_conversion(self, run, chip="rv1106", job=None) -> Step:
        quantization = {"dtype": None, "algorithm": "normal", "calibration_images": 100, "seed": 0}
        inputs = {"chip": chip, "channel_order": "bgr", "quantization": quantization}
        return self.step(run, "convert", job, run.steps.get(kind="train"), inputs=inputs)

    def _compiled(self, compiled) -> None:
        job = compiled.job
        for name in ("model.rknn", "build.onnx", "calibration.zip", "labels.txt", "provenance.json"):
            self.artifact(job, name, f"{job.pk}/{name}".encode() * 9000)
        layers = [
            {"id": n, "type": "ConvRelu", "target": "NPU", "cycles": 90_000 - 4_000 * n,
             "name": f"Conv:Conv.{n}"}
            for n in range(20)
        ]  # fmt: skip
        compiled.facts = {
            "cost": {"cycles": 1_204_332, "weight_bytes": 512_000, "feature_bytes": 262_144,
                     "cpu_ops": [], "layers": layers},
            "rknn_bytes": 734_208, "quantized": True, "notices": [],
            "versions": {"rknn-toolkit2": "2.3.2", "onnx": "1.16.1"},
        }  # fmt: skip
        compiled.save(update_fields=["facts"])
        self.evaluate(job, Stage.ONNX, compiled.model, figures(0.9903), compiled)
        self.evaluate(job, Stage.SIMULATOR, compiled.model, figures(0.9870), compiled, None, 1, 0.0033)

    def deploy(self, run, compiled, device, status=Status.SUCCEEDED, planned=True, **fields) -> Deployment:
        job = self.job("deploy", "deploy", status, 22, resource=device.resource, **fields)
        if planned:
            self.step(run, "deploy", job, compiled.job.step, device=device, inputs={"board_images": 400})
        deployment = Deployment(compiled_model=compiled, device=device, job=job)
        if status == Status.SUCCEEDED:
            deployment.release = f"model{compiled.model_id}-job{job.pk}"
            deployment.engine = device.probe["engine"]
            deployment.activated_at = self.now
        deployment.save()
        if status == Status.SUCCEEDED:
            metrics = figures(0.9870) | {"ms_median": 6.31, "ms_p95": 7.92}
            self.evaluate(job, Stage.BOARD, compiled.model, metrics, compiled, device, changed=2)
        return deployment

    def inference(self, device, deployment=None, status=Status.SUCCEEDED, answered=3) -> Inference:
        job = self.job("infer", "deploy", status, 1.4, resource=device.resource)
        inference = Inference.objects.create(
            device=device, team=self.team, job=job, created_by=self.user,
            release=deployment.release if deployment else "",
            engine=device.probe["engine"] if status == Status.SUCCEEDED else "", task="classification",
        )  # fmt: skip
        for position in range(4):
            name = f"from the belt {position}.png"
            image = InferenceImage(inference=inference, position=position, name=name)
            image.file.save(f"inferences/{inference.pk}/{position:04d}.png", ContentFile(png()), save=False)
            if status == Status.SUCCEEDED and position < answered:
                score, image.milliseconds = 0.9981 - position / 10, 6.1 + position / 10
                image.prediction = {"label_id": position, "label": NAMES[position], "score": score}
            elif status == Status.SUCCEEDED:
                image.error = "The board could not read this picture."
            image.save()
        return inference


def _store_images(version) -> None:
    """Give a version a pack with six pictures a class, and an index in which each stands for many."""
    content, rows = b"", []
    name = f"{version.job_id}-{uuid.uuid4().hex}.pack"
    for class_id, counts in enumerate(version.counts):
        pictures = [png((30 * class_id % 256, 40 * number % 256, 120), (48, 40)) for number in range(6)]
        starts = [len(content) + sum(map(len, pictures[:number])) for number in range(6)]
        content += b"".join(pictures)
        for number in range(counts["total"]):
            picture, start = pictures[number % 6], starts[number % 6]
            sha256 = hashlib.sha256(picture).hexdigest()
            rows.append(ImageRow(
                original=f"{counts['name']}/{number}.png", sha256=sha256, pack=name,
                start=start, size=len(picture), suffix=".png", width=48, height=40, class_id=class_id,
                split="train" if number < counts["train"] else "val",
                brightness=90.0, contrast=20.0, sharpness=400.0, dhash=number,
            ))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        write_index(Path(folder) / "index.sqlite", version.class_names, version.task, rows)
        index = ContentFile((Path(folder) / "index.sqlite").read_bytes())
    version.index.save(f"datasets/{version.dataset_id}/{version.job_id}/index.sqlite", index)
    pack = Pack(dataset=version.dataset, name=name, images=len(rows), bytes=version.bytes)
    pack.file.save(f"datasets/{version.dataset_id}/{version.job_id}/packs/{name}", ContentFile(content))
    version.packs.add(pack)


def everything(team, user) -> dict:
    """One of everything, in every state that matters; returns what the tests need by name."""
    seed = Seeder(team, user)
    version = seed.version()
    seed.version("Parts", Status.FAILED, error_kind=ErrorKind.INPUT,
                 message="The zip has only one class folder (good): add at least one more.")  # fmt: skip
    checking = seed.version("Leaves", Status.RUNNING, phase=msg("checking"), done=120, total=400)
    board = seed.device()
    virtual = seed.device("Virtual board", "virtual", host="127.0.0.1", port=2222)
    lost = seed.device("Board in the hall", seen_at=None, probe={}, problem=(
        "The board at 10.1.1.144:22 did not answer within 10 seconds: check that it is powered, its cable or "
        "Wi-Fi, and its address."))  # fmt: skip
    done = seed.run(version)
    trained = seed.train(done)
    model = seed.convert(done)
    deployment = seed.deploy(done, model, virtual)
    inference = seed.inference(virtual, deployment)
    running = seed.run(version, "Digits, at work", Status.RUNNING)
    phase = msg("epoch {epoch}/{epochs}", epoch=6, epochs=12)
    seed.train(running, Status.RUNNING, epochs=5, phase=phase, done=5, total=12)
    seed.planned_conversion(running)
    failed = seed.run(version, "Digits for three chips and two boards", Status.FAILED, message="It broke.")
    seed.train(failed)
    first = seed.convert(failed)
    seed.convert(failed, "rk3566")
    seed.convert(failed, "rk3588", Status.FAILED, error_kind=ErrorKind.TOOLCHAIN, message=(
        "rknn-toolkit2 could not build the model for RK3588: operator HardSwish is not supported at this "
        "size. Choose another input size."))  # fmt: skip
    seed.deploy(failed, first, board)
    seed.deploy(failed, first, virtual)
    return {
        "version": version, "checking": checking, "board": board, "virtual": virtual, "lost": lost,
        "done": done, "running": running, "failed": failed, "model": model, "inference": inference,
        "job": trained.job,
    }  # fmt: skip
