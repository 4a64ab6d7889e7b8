"""Everything that the run page and its live part show, gathered once a request."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.core.live import Live, digest
from portal.jobs import forecast
from portal.jobs.models import Status
from portal.runs import provenance, results, stepper
from portal.runs.models import Run
from portal.teams.models import Role

HEATMAP_CLASSES = 60


class RunPage:
    """Rows of a run, loaded with what the templates need. Reads only."""

    def __init__(self, run: Run, request):
        self.run, self.request = run, request
        self.trained = run.trained_model
        self.models = list(run.compiled_models.select_related("job"))
        self.deployments = list(
            run.deployments.newest().select_related("job", "device", "compiled_model").order_by("id")
        )

    @property
    def jobs(self) -> list:
        """Each step's job; None for a step that has none yet."""
        jobs = [self.run.dataset_version.job, self.trained.job]
        return jobs + [row.job for row in (*self.models, *self.deployments)]

    @property
    def stages(self) -> list[str]:
        """What must have changed before anything below the stepper can be new."""
        return [self.run.status, *(f"{job.pk}{job.status}" if job else "-" for job in self.jobs)]

    def live(self) -> Live:
        context = {
            "run": self.run,
            "tiles": stepper.tiles(self.run, self.models, self.deployments),
            "failures": stepper.failures(self.run, self.models, self.deployments),
            "notices": self.notices(),
            "trained": self.trained,
            "eta": self.eta(),
            "places": forecast.place_of(self.jobs),
        }
        body = render_to_string("runs/_live.html", context, request=self.request)
        return Live(
            "run-live",
            reverse("run-live", args=[self.run.pk]),
            body,
            self.run.is_active,
            state=digest(" ".join(self.stages)),
            others=[self.render_results],
        )

    def eta(self) -> float | None:
        """Seconds that the training says it still needs, rounded so that the page need not flicker."""
        job = self.trained.job
        if job is None or job.status != Status.RUNNING:
            return None
        last = job.metrics.filter(name="train/eta").order_by("-pk").first()
        return max(5, 5 * round(last.value / 5)) if last else None

    def notices(self) -> list[str]:
        found = list(self.trained.facts.get("notices", []))
        for model in self.models:
            found += model.facts.get("notices", [])
        return list(dict.fromkeys(found))

    def render_results(self) -> str:
        """The parts that change from stage to stage, marked to replace those on the page."""
        context = self.results() | {"oob": True}
        return render_to_string("runs/_results_oob.html", context, request=self.request)

    def results(self) -> dict:
        run, metrics = self.run, self.trained.metrics
        names = run.dataset_version.class_names
        made = results.artifacts_of([self.trained.job, *(model.job for model in self.models)])
        matrix = metrics.get("confusion") or []
        return {
            "run": run,
            "trained": self.trained,
            "metrics": metrics,
            "models": self.models,
            "deployments": self.deployments,
            "heatmap": {"names": names, "matrix": matrix} if 0 < len(matrix) <= HEATMAP_CLASSES else None,
            "confusions": results.confusions(metrics),
            "per_class": results.per_class(metrics, self.models),
            "flipped": results.flipped(self.models, self.deployments, names, made),
            "costs": [(model, results.heaviest_layers(model.cost)) for model in self.models if model.cost],
            "files": results.files(self.trained.job, self.models, made),
            "log_jobs": self.log_jobs(),
            "chain": provenance.chain(run),
            "may_change": self.may_change,
        }

    @property
    def may_change(self) -> bool:
        role = Role.OPERATOR if self.deployments else Role.MEMBER
        return self.request.membership.at_least(role)

    def log_jobs(self) -> list[tuple[str, object]]:
        """(words, job) of each step that has one, in the order of the path."""
        steps = [(_("Data"), self.run.dataset_version.job), (_("Train"), self.trained.job)]
        steps += [(f"RKNN {model.chip}", model.job) for model in self.models]
        steps += [(row.device.name, row.job) for row in self.deployments]
        return [(words, job) for words, job in steps if job is not None]
