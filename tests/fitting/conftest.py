from datetime import timedelta

import pytest
from django.utils import timezone

from portal.fitting import goals, search
from portal.fitting.models import FitSearch
from portal.jobs import endings, kinds
from portal.jobs.models import Job, Status
from portal.models.models import Evaluation
from portal.tasks import Stage
from tests.seed import Seeder

PAIR = {"recipes": ["pp_lcnet_x0_25", "pp_lcnet_x1_0"], "sizes": [(224, 224)]}
SIX = PAIR | {"sizes": [(64, 64), (128, 128), (224, 224)]}


@pytest.fixture
def version(team, alice):
    return Seeder(team, alice).version()


@pytest.fixture
def goal(version):
    """Return a function that makes a goal for the RV1106."""

    def make(minutes=600, **more):
        limits = {name: more.pop(name) for name in goals.LIMITS if name in more}
        return goals.check(version, "rv1106", limits=limits, minutes=minutes, **{**PAIR, **more})

    return make


@pytest.fixture
def start(goal, team, alice):
    def call(**more) -> FitSearch:
        return search.start(goal(**more), team, alice)

    return call


def cycles_of(model) -> int:
    width, height = model.params["input_size"]
    return width * height * (10 if model.recipe == "pp_lcnet_x0_25" else 40)


def usual_value(model) -> float:
    """More cycles and more epochs are better."""
    return 0.8 + min(0.19, cycles_of(model) / 20e6 + model.params["epochs"] / 1000)


def end(job: Job, status=Status.SUCCEEDED, **fields) -> None:
    if job.status == Status.QUEUED:
        job.move_to(Status.RUNNING)
    job.move_to(status, **fields)
    endings.follow_up(job)


class Workers:
    """Ends queued trainings and conversions as workers would, with figures instead of programs."""

    value = staticmethod(usual_value)
    loses = 0.002  # from float to int8
    seconds = 10  # of a training

    def do(self, job: Job) -> None:
        if job.kind == "train":
            self._measure(job, Stage.PADDLE, job.model, None, self.value(job.model))
        elif job.kind == "convert":
            self._compile(job)
        else:
            kind = kinds.get(job.kind)
            kind.complete(job, kind.perform(job, None))
        end(job)

    def _compile(self, job):
        compiled, model = job.compiled_model, job.compiled_model.model
        cost = {"cycles": cycles_of(model), "weight_bytes": 1000, "feature_bytes": 500, "layers": []}
        compiled.facts = {"cost": cost, "rknn_bytes": 2000}
        compiled.save()
        better = compiled.quantization.get("algorithm") != "normal"
        value = self.value(model) - (0 if better else self.loses)
        self._measure(job, Stage.SIMULATOR, model, compiled, value, drop=self.value(model) - value)

    def _measure(self, job, stage, model, compiled, value, drop=None):
        Evaluation.objects.create(
            job=job, model=model, compiled_model=compiled, stage=stage, engine="figures", value=value,
            dataset_version=model.dataset_version, images=400, metrics={"top1": value, "images": 400},
            parity={} if drop is None else {"drop": drop}, predictions="none",
        )  # fmt: skip

    def work(self, rounds=200) -> None:
        for _ in range(rounds):
            waiting = Job.objects.filter(status=Status.QUEUED).exclude(pk__in=self._held_up())
            job = waiting.order_by("pk").first()
            if job is None:
                return
            self.do(job)
        raise AssertionError("There is always more to do.")

    def convert_all(self) -> None:
        for job in Job.objects.filter(kind="convert", status=Status.QUEUED):
            self.do(job)

    @staticmethod
    def _held_up():
        queued = set(Job.objects.filter(status=Status.QUEUED, kind="fit").values_list("pk", flat=True))
        quantizing = Job.objects.filter(status=Status.QUEUED, kind="quantize")
        undecided = [job.pk for job in quantizing if not job.quantization_search.decided]
        return search.held_up(queued) | set(undecided)


@pytest.fixture
def workers(monkeypatch):
    return Workers()


@pytest.fixture
def later(monkeypatch):
    """Return a function that lets so many minutes pass for searches."""

    def call(minutes: float) -> None:
        moment = timezone.now() + timedelta(minutes=minutes)
        monkeypatch.setattr(search, "moment", lambda: moment)

    return call


@pytest.fixture
def take():
    """Return a function that lets a worker take the oldest waiting training."""

    def call(worker: str) -> Job:
        job = Job.objects.filter(kind="train", status=Status.QUEUED).earliest("pk")
        job.move_to(Status.RUNNING, worker=f"{worker}:4711:{job.pk:08x}")  # as execution.worker_name
        return job

    return call
