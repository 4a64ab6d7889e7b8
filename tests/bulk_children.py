"""Gives rows of the seed many children of every kind: a page's queries must not grow with them either."""

from __future__ import annotations

from django.utils import timezone

from portal.datasets.draft_models import Draft, DraftChange, DraftState
from portal.datasets.models import Dataset, DatasetVersion, Pack
from portal.deployment.models import Deployment
from portal.devices.models import Device, Inference, InferenceImage, JumpHost
from portal.fitting.models import Candidate, Trial
from portal.jobs.models import Artifact, Job, JobEvent, LogChunk, Metric, Status
from portal.models.models import CompiledModel, Model
from portal.notify.models import Delivery, Notification
from portal.review.models import Item, Rule
from portal.rollouts.models import Target
from portal.runs.models import Run, Tag
from portal.teams.models import Membership, Role, User
from tests import bulk_features
from tests.graphs import deployments_of, job_of, model_of
from tests.seed import PARAMS, Seeder, figures


class Children:
    """Adds ``count`` children of each kind, with parents of other things than those that are there."""

    def __init__(self, rows: dict, team, reader, count: int):
        self.rows, self.team, self.reader, self.count = rows, team, reader, count
        self.word = f"child {Job.objects.count()}"

    def add(self) -> None:
        for n in range(self.count):
            name = f"{self.word}-{n}"
            person = User.objects.create_user(name)
            Membership.objects.create(team=self.team, user=person, role=Role.OPERATOR)
            self._of_runs(n, name, person)
            self._of_datasets(n, name, person)
            self._of_devices(n, name, person)
            self._of_jobs(n, name)
            self._of_searches(name, person)
            bulk_features.add(self.rows, name, person, self._job)
            Delivery.objects.create(webhook=self.rows["webhook"], event="test", body="{}")
            facts = {"name": name, "count": 1}
            Notification.objects.create(team=self.team, user=self.reader, event="run.finished", facts=facts)

    def _job(self, kind: str, person, status=Status.SUCCEEDED) -> Job:
        now = timezone.now()
        return Job.objects.create(
            kind=kind, queue="default", team=self.team, created_by=person, status=status,
            started_at=now, finished_at=now, message="It broke." if status == Status.FAILED else "",
        )  # fmt: skip

    def _of_runs(self, n: int, name: str, person) -> None:
        jump = JumpHost.objects.create(team=self.team, name=name, host=name, username="porter")
        device = Device.objects.create(
            team=self.team, created_by=person, name=name, profile="virtual", host=name, jump=jump
        )
        self.rows["group"].devices.add(device)
        Target.objects.create(rollout=self.rows["rollout"], device=device, wave=1, live=False)
        for run in (self.rows["done"], self.rows["failed"]):
            run.tags.add(Tag.objects.get_or_create(team=self.team, name=name)[0])
            job = self._job("convert", person, Status.FAILED if n % 2 else Status.SUCCEEDED)
            model, chip = model_of(run), name[-20:]
            compiled = CompiledModel.objects.create(model=model, chip=chip, job=job)
            seed = Seeder(self.team, person)
            step = seed.step(run, "convert", job, inputs={"chip": chip, "channel_order": "bgr"})
            seed.evaluate(job, "simulator", model, figures(0.8), compiled)
            self._files(job, "model.rknn")
            job = self._job("deploy", person, Status.FAILED if n % 2 else Status.SUCCEEDED)
            seed.step(run, "deploy", job, step, device=device)
            Deployment.objects.create(
                job=job, compiled_model=compiled, device=device, release=f"r{job.pk}",
                activated_at=timezone.now(),
                placed={"path": "/x", "model_sha256": "a" * 64, "manifest_sha256": "b" * 64},
            )  # fmt: skip
            seed.evaluate(job, "board", model, figures(0.9), compiled, device)

    def _of_datasets(self, n: int, name: str, person) -> None:
        version = self.rows["version"]
        pack = Pack.objects.create(
            dataset=version.dataset, name=name, file=f"packs/{name}", images=1, bytes=9
        )
        version.packs.add(pack)
        dataset = Dataset.objects.create(team=self.team, created_by=person, name=name, last_number=2)
        for owner, base in ((dataset, None), (version.dataset, version)):
            number = DatasetVersion.objects.filter(dataset=owner).count() + 1
            made = DatasetVersion.objects.create(
                dataset=owner, team=self.team, number=number, parent=base, upload_name="a.zip",
                job=self._job("ingest", person), class_names=["a", "b"], content_hash=f"{n:064x}",
            )  # fmt: skip
            run = Run.objects.create(
                task="classification",
                team=self.team, created_by=person, name=name, dataset_version=base or made, params=PARAMS,
                recipe="pp_lcnet_x0_25", status=Status.SUCCEEDED, cloned_from=self.rows["done"],
            )  # fmt: skip
            job = self._job("train", person)
            Seeder(self.team, person).step(run, "train", job)
            Model.objects.create(
                task="classification",
                team=self.team,
                name=name,
                recipe=run.recipe,
                dataset_version=run.dataset_version,
                job=job,
            )
        draft = Draft.objects.create(
            team=self.team, created_by=self.reader, dataset=version.dataset, base=version,
            state=DraftState.COMMITTED, version=made,
        )  # fmt: skip
        other = Draft.objects.create(team=self.team, created_by=self.reader, dataset=dataset, base=version)
        for owner in (draft, other):
            DraftChange.objects.create(draft=owner, number=1, kind="remove", payload={"images": {"ids": [1]}})

    def _of_searches(self, name: str, person) -> None:
        run = Seeder(self.team, person).run(self.rows["version"], name)
        size = {"width": 64, "height": 100 + Candidate.objects.count()}
        candidate = Candidate.objects.create(search=self.rows["fit"], recipe="pp_lcnet_x0_25", **size)
        Trial.objects.create(candidate=candidate, number=0, epochs=2, run=run)

    def _of_devices(self, n: int, name: str, person) -> None:
        asked = Inference.objects.create(
            team=self.team, created_by=person, device=self.rows["virtual"], job=self._job("infer", person),
            release=deployments_of(self.rows["done"]).first().release,
        )  # fmt: skip
        for owner in (asked, self.rows["inference"]):
            position = owner.images.count()
            InferenceImage.objects.create(inference=owner, position=position, name=name, file=f"a/{name}")

        Item.objects.create(
            team=self.team, device=self.rows["virtual"], device_name=name, release=asked.release,
            dataset=self.rows["version"].dataset, taken_at=timezone.now(), task="classification", name=name,
            sha256=f"{n:064x}", width=9, height=9, file=f"a/{name}", reasons=["unsure"],
            prediction={"label_id": 0, "label": "0", "score": 0.4},
        )  # fmt: skip
        Rule.objects.create(team=self.team, device=Device.objects.get(team=self.team, name=name), below=0.5)

    def _of_jobs(self, n: int, name: str) -> None:
        for job in (self.rows["job"], job_of(self.rows["failed"])):
            JobEvent.objects.create(job=job, old="queued", new="running", at=timezone.now())
            end = job.log_bytes
            LogChunk.objects.create(job=job, offset=end, size=2, text="x\n")
            job.log_bytes = end + 2
            job.save(update_fields=["log_bytes"])
            Metric.objects.create(job=job, name=f"val/{n}", step=1, value=0.5)
            self._files(job, name)

    def _files(self, job: Job, name: str) -> None:
        Artifact.objects.create(job=job, name=name, file=f"jobs/{job.pk}/{name}", size=1, sha256="c" * 64)
