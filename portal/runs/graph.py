"""A run's steps with their jobs and results, loaded in a fixed number of queries."""

from __future__ import annotations

from functools import cached_property

from portal import tasks
from portal.core import configs
from portal.deployment.models import Deployment
from portal.jobs.models import Job
from portal.models.evaluations import Evaluated
from portal.models.models import CompiledModel, Model, Origin
from portal.runs.models import Baseline, Run, Step
from portal.runs.step_kinds import COMPILE, DEPLOY, IMPORT, SOURCES, made_by
from portal.training.methods import METHODS

LOADED = ("device", "job__created_by", "job__model", "job__compiled_model", "job__deployment")


class Graph:
    """Read-only; every row is loaded once."""

    def __init__(self, run: Run):
        self.run = run

    @cached_property
    def steps(self) -> list[Step]:
        steps = list(self.run.steps.select_related(*LOADED).prefetch_related("needs"))
        for step in steps:
            step.run = self.run
        return steps

    def of_kind(self, *kinds: str) -> list[Step]:
        return [step for step in self.steps if step.kind in kinds]

    @property
    def jobs(self) -> list[Job | None]:
        """The check of the data, then each step's job, in order; None if not started."""
        return [self.run.dataset_version.job, *(step.job for step in self.steps)]

    @property
    def task(self) -> tasks.Task:
        return tasks.get(self.run.task)

    @property
    def training(self) -> Job | None:
        """The job that makes the run's model: the training, or the import."""
        return next((step.job for step in self.of_kind(*SOURCES)), None)

    @property
    def is_imported(self) -> bool:
        """Whether the model comes from a file, and not from a training."""
        return bool(self.of_kind(IMPORT))

    @property
    def method(self) -> dict:
        """How the run makes its model from others (``training/methods.py``); empty for plain training."""
        return next((step.inputs.get("method") or {} for step in self.of_kind(*SOURCES)), {})

    @property
    def method_title(self) -> str:
        return METHODS[self.method["name"]].title if self.method else Origin.TRAINED.label

    @cached_property
    def model(self) -> Model | None:
        """The run's trained or imported model; None until its job is queued."""
        found = next((made_by(step) for step in self.of_kind(*SOURCES)), None)
        if found is not None:
            found.dataset_version = self.run.dataset_version
        return found

    @cached_property
    def compiled(self) -> list[CompiledModel]:
        """The compiled models in use, in the order of the plan: the chosen variant for each target."""
        found = [self.compiled_by(step) for step in self.of_kind(COMPILE)]
        return [one for one in found if one is not None]

    @cached_property
    def variants(self) -> list[CompiledModel]:
        """Every compiled model of the run's model, oldest first, from steps and from people."""
        rows = self.model.compiled_models.select_related("job__created_by") if self.model else []
        found = sorted(rows, key=lambda one: one.pk)
        for one in found:
            one.model = self.model
        return found

    def compiled_by(self, step: Step) -> CompiledModel | None:
        """The result of a step: the variant chosen for its target; None until one is started."""
        made = made_by(step)
        if made is None:
            return None
        target = made.chip, made.channel_order
        chosen = (one for one in self.variants if one.chosen and (one.chip, one.channel_order) == target)
        return next(chosen, None)

    @cached_property
    def deployments(self) -> list[Deployment]:
        """The latest attempt to deploy one of the run's models to each device, planned or requested later."""
        if not self.compiled:
            return []
        rows = Deployment.objects.filter(compiled_model__in=self.variants).newest()
        rows = rows.select_related("job__created_by", "device", "compiled_model__model__job__step")
        return list(rows.prefetch_related("job__evaluations").order_by("id"))

    @cached_property
    def baselines(self) -> list[Baseline]:
        """The deployed models that the run's models are compared with."""
        return list(self.run.baselines.select_related("job", "compiled_model__model"))

    @property
    def waiting_deployments(self) -> list[Step]:
        """The planned deployments whose device has no attempt yet."""
        begun = {row.device_id for row in self.deployments}
        return [step for step in self.of_kind(DEPLOY) if step.device_id not in begun]

    @property
    def devices(self) -> list:
        """The planned devices."""
        return [step.device for step in self.of_kind(DEPLOY)]

    @property
    def chips(self) -> list[str]:
        """The planned chips, each once."""
        return list(dict.fromkeys(step.inputs["chip"] for step in self.of_kind(COMPILE)))

    @property
    def removed(self) -> list[str]:
        """One sentence for each recipe, chip or profile in the plan that this server no longer has."""
        return [
            *configs.presets().removed(self.run.preset),
            *configs.recipes().removed(self.run.recipe),
            *configs.chips().removed(*self.chips),
            *configs.boards().removed(*(device.profile for device in self.devices)),
        ]

    @cached_property
    def evaluated(self) -> Evaluated:
        return Evaluated.of(self.model)

    @property
    def class_names(self) -> list[str]:
        """The model's classes; the dataset's before there is a model."""
        return self.model.class_names if self.model else self.run.dataset_version.class_names

    @property
    def facts(self) -> dict:
        """The facts that the training recorded about its model."""
        return self.model.facts if self.model else {}
