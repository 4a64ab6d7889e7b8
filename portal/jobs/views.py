"""Pages of the queue, of a job, its log, curves and files."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST

from portal.core import conditional, live
from portal.core.live import Live
from portal.core.numbers import whole_number
from portal.jobs import curves, forecast, hooks, hosts, log, queue_page, scheduler, services, subjects
from portal.jobs.models import IllegalTransition, Job, Priority
from portal.teams import audit
from portal.teams.access import refuse_unless, refuse_unless_server_administrator
from portal.teams.models import Role
from portal.teams.quotas import QuotaReached
from portal.version import VERSION


def _job(request, pk: int) -> Job:
    return get_object_or_404(Job.objects.for_team(request.team).select_related("created_by"), pk=pk)


def job_list(request):
    """The queue: running and waiting jobs."""
    return render(request, "jobs/list.html", {"live": queue_page.live(request)})


def job_list_live(request):
    """The live part of the queue."""
    return live.respond(request, lambda: queue_page.live(request))


def host_list(request):
    """The hosts on which workers run, for administrators of the server."""
    refuse_unless_server_administrator(request)
    context = {"hosts": hosts.hosts(), "version": VERSION}
    return render(request, "jobs/hosts.html", context)


def job_detail(request, pk):
    """One job: status, result, files, events, log."""
    job = _job(request, pk)
    return render(request, "jobs/detail.html", {"job": job, "live": _live(request, job)})


def job_live(request, pk):
    """The live part of a job's page."""
    return live.respond(request, lambda: _live(request, _job(request, pk)))


def _live(request, job: Job) -> Live:
    context = {
        "job": job,
        "subject": subjects.of([job]).get(job.pk),
        "events": job.events.all(),
        "artifacts": job.artifacts.all(),
        "retried_by": Job.objects.filter(retry_of=job).first(),
        "may_change": _may_change(request, job),
        "place": forecast.place_of([job]).get(job.pk),
        "priorities": Priority.choices,
    }
    body = render_to_string("jobs/_detail_live.html", context, request=request)
    return Live("job-live", reverse("job-live", args=[job.pk]), body, job.is_active)


def job_log(request, pk):
    """The log from byte ``?offset=`` as text. X-Offset is where to continue, X-Finished whether more can
    come.
    """
    job = _job(request, pk)
    if "download" not in request.GET:
        return log.serve_log(request, job, _number_in(request, "offset"))
    text = "".join(job.log_chunks.values_list("text", flat=True))
    headers = {"Content-Disposition": f'attachment; filename="job-{job.pk}.log"'}
    return HttpResponse(text, content_type="text/plain; charset=utf-8", headers=headers)


def job_metrics(request, pk):
    """Points of the curves with an id above ``?after=``: [id, name, step, value], by id.

    Long curves are thinned if read from the start.
    """
    job, after = _job(request, pk), _number_in(request, "after")
    finished = job.is_final
    tag = conditional.tag_of(job.pk, after, finished, log.last_metric(job))
    if conditional.is_known(request, tag):
        return conditional.not_modified(tag)
    points = curves.since(job, after)
    answer = JsonResponse({"points": points, "finished": finished and len(points) < curves.AT_ONCE})
    return conditional.mark(answer, tag)


def _number_in(request, name: str) -> int:
    text = request.GET.get(name, "0")
    return whole_number(text) or 0


def artifact_download(request, pk, name):
    """A file that the job made."""
    return log.serve_artifact(request, _job(request, pk), name)


def _may_change(request, job: Job) -> bool:
    return request.membership.at_least(subjects.role_for(job))


@require_POST
def job_cancel(request, pk):
    """Cancel a job."""
    job = _job(request, pk)
    refuse_unless(request, subjects.role_for(job))
    audit.record("job.cancel", job)
    services.cancel(job, by=request.user.get_username())
    return redirect("job-detail", pk=job.pk)


@require_POST
def job_retry(request, pk):
    """Retry a failed or cancelled job. For a step of a run, the rest of the run continues too."""
    job = _job(request, pk)
    refuse_unless(request, subjects.role_for(job))
    try:
        new = services.retry_by(request.user, job)
    except (IllegalTransition, QuotaReached) as error:
        messages.error(request, str(error))
        return redirect("job-detail", pk=job.pk)
    owner = hooks.owner_of(new)
    return redirect(owner.get_absolute_url()) if owner else redirect("job-detail", pk=new.pk)


@require_POST
def job_move(request, pk):
    """Move a queued job within its team's part of the queue."""
    job = _job(request, pk)
    refuse_unless(request, Role.ADMIN)
    if request.POST.get("to") in scheduler.QUEUE_MOVES:
        try:
            scheduler.move(job, request.POST["to"])
        except IllegalTransition as error:
            messages.error(request, str(error))
    return redirect(f"{reverse('job-list')}#queue-{job.queue}")


@require_POST
def job_priority(request, pk):
    """Change a queued job's priority within its team."""
    job = _job(request, pk)
    refuse_unless(request, Role.ADMIN)
    if request.POST.get("priority") in [str(value) for value in Priority.values]:
        try:
            scheduler.set_priority(job, int(request.POST["priority"]))
        except IllegalTransition as error:
            messages.error(request, str(error))
    return redirect("job-detail", pk=job.pk)
