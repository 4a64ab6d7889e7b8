"""The data of the run page and its live part, loaded once per request."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from portal import tasks
from portal.core.live import Live, digest
from portal.core.templatetags.slipway import chip_title
from portal.jobs import forecast
from portal.jobs.models import Status
from portal.runs import baseline_report, gates, improving, lineage, provenance, results, stepper
from portal.runs.graph import Graph
from portal.runs.matrix import matrix_of
from portal.runs.models import Run
from portal.runs.next_steps import next_steps
from portal.runs.notices import notices
from portal.runs.step_kinds import COMPILE, DEPLOY
from portal.runs.verdict import verdict
from portal.tasks import Stage
from portal.teams.models import Role
from workers.datakit.scoring.detection import SHOWN

RUNS_SHOWN = 20


def _percent(share: float | None) -> int | None:
    return None if share is None else round(100 * share)


class RunPage:
    """A run's rows, loaded with what the templates need. Read-only."""

    def __init__(self, run: Run, request):
        self.run, self.request = run, request
        self.graph = Graph(run)

    @property
    def stages(self) -> list[str]:
        """Changes whenever anything below the stepper may have changed."""
        jobs = [*self.graph.jobs, *(row.job for row in self.graph.deployments)]
        jobs += [row.job for row in self.graph.baselines]
        return [self.run.status, *(f"{job.pk}{job.status}" if job else "-" for job in jobs)]

    def live(self) -> Live:
        tiles = stepper.tiles(self.graph)
        context = {
            "run": self.run,
            "status": stepper.status_of(self.run, tiles),
            "tiles": tiles,
            "failures": stepper.failures(self.graph),
            "notices": notices(self.graph),
            "gates": gates.gates(self.graph),
            "verdict": verdict(self.graph),
            "has_parity": bool(self.graph.compiled),
            "next": next_steps(self.graph),
            "is_imported": self.graph.is_imported,
            "may_improve": improving.is_offered(self.run, self.request),
            "training": self.graph.training,
            "eta": self.eta(),
            "places": forecast.place_of(self.graph.jobs),
        }
        body = render_to_string("runs/_live.html", context, request=self.request)
        return Live(
            "run-live",
            reverse("run-live", args=[self.run.pk]),
            body,
            self.run.is_active or any(row.job and row.job.is_active for row in self.graph.baselines),
            state=digest(" ".join(self.stages)),
            others=[self.render_results],
        )

    def eta(self) -> float | None:
        """The training's own estimate of remaining seconds, rounded so that the page does not flicker."""
        job = self.graph.training
        if job is None or job.status != Status.RUNNING:
            return None
        last = job.metrics.filter(name="train/eta").order_by("-pk").first()
        return max(5, 5 * round(last.value / 5)) if last else None

    def render_results(self) -> str:
        """The parts that change between stages, marked to replace those on the page."""
        context = self.results() | {"oob": True}
        return render_to_string("runs/_results_oob.html", context, request=self.request)

    def results(self) -> dict:
        run, graph = self.run, self.graph
        chain = provenance.chain(graph)
        trained = graph.evaluated.uncompiled
        metrics = trained.metrics if trained else {}
        thresholds = results.thresholds(metrics)
        return {
            "run": run,
            "task": graph.task,
            "model": graph.model,
            "is_imported": graph.is_imported,
            "metrics": metrics,
            "measured_on": trained.measured_on if trained else "",
            "boards": self.boards(),
            "matrix": matrix_of(metrics, graph.class_names),
            "confusions": results.confusions(metrics),
            "per_class": results.per_class(graph),
            "thresholds": [one for one in thresholds if one.is_best or round(100 * one.score) % 10 == 0],
            "chosen_percent": _percent(graph.model.score_threshold) if graph.model else None,
            "usual_percent": _percent(SHOWN),
            "threshold_curve": [[100 * one.score, one.precision, one.recall, one.f1] for one in thresholds],
            "quantized_chips": list(results.quantized_of(graph)),
            "changed_predictions": results.changed_predictions(graph),
            "baselines": baseline_report.of(graph),
            "costs": [(one, results.heaviest_layers(one.cost)) for one in graph.compiled if one.cost],
            "files": results.files(graph),
            "log_jobs": self.log_jobs(),
            "chain": chain,
            "lineage_words": lineage.words(chain["lineage"]),
            "may_change": self.may_change,
        }

    def boards(self) -> list[dict]:
        """One row per device: the latest attempt with its evaluation, or the waiting step."""
        graph = self.graph
        found = [
            {
                "device": row.device,
                "job": row.job,
                "deployment": row,
                "measured": graph.evaluated.find(Stage.BOARD, job_id=row.job_id),
            }
            for row in graph.deployments
        ]
        return found + [
            {"device": step.device, "job": step.job, "deployment": None, "measured": None}
            for step in graph.waiting_deployments
        ]

    @property
    def may_change(self) -> bool:
        role = Role.OPERATOR if self.graph.of_kind(DEPLOY) else Role.MEMBER
        return self.request.membership.at_least(role)

    def log_jobs(self) -> list[tuple[str, object]]:
        """(label, job) of each started step, in order."""
        steps = [
            (_("Data"), self.run.dataset_version.job),
            (_("Import") if self.graph.is_imported else _("Train"), self.graph.training),
        ]
        compiling = [(chip_title(step.inputs["chip"]), step.job) for step in self.graph.of_kind(COMPILE)]
        steps += [(f"RKNN {chip}", job) for chip, job in compiling]
        steps += [(row.device.name, row.job) for row in self.graph.deployments]
        return [(words, job) for words, job in steps if job is not None]


def panel(request, version) -> str:
    """The runs on a dataset version, for its page."""
    runs = version.runs.live().for_lists()[:RUNS_SHOWN]
    metric = tasks.metric_title(run.task for run in runs)
    context = {"runs": runs, "metric": metric, "version": version}
    return render_to_string("runs/_of_version.html", context, request=request)
