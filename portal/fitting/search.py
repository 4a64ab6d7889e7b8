"""The search for a model that fits a board: what to train next, and when to stop.

Its whole state is in the candidates' and trials' rows: ``advance`` may be called at any time and repeatedly,
also after a worker's death, and never trains the same round of a candidate twice.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils.timezone import now as moment

from portal.compilation import search as quantizations
from portal.core import configs
from portal.fitting import halving, outcomes, trials
from portal.fitting.goals import Goal, load_of
from portal.fitting.halving import Load
from portal.fitting.models import Candidate, FitSearch, Trial
from portal.fitting.standing import Entry, Standing
from portal.jobs import services as jobs
from portal.jobs.models import IllegalTransition, Job, Status
from portal.notify import services as notify
from portal.runs import services as runs
from portal.runs.estimates import Estimates
from portal.runs.models import Run
from portal.teams import audit, quota_usage
from portal.teams.quotas import QuotaReached
from workers.contract.messages import Message, msg

KIND = "fit"
ALLOWED_DROP = 0.01  # of the metric, if no accuracy is required
GRACE = 0.25  # of the budget; what still trains then is stopped


@transaction.atomic
def start(goal: Goal, team, user) -> FitSearch:
    """Queue a search, and start its first runs. Raises QuotaReached."""
    jobs.refuse_if_full(team)
    quota_usage.refuse_if_full(team)
    chip = configs.chips()[goal.chip].title
    search = FitSearch.objects.create(
        team=team,
        created_by=user,
        name=goal.name or f"{goal.version.dataset.name} → {chip}"[:120],
        dataset_version=goal.version,
        task=goal.version.task,
        chip=goal.chip,
        channel_order=goal.channel_order,
        limits=goal.limits,
        params=goal.params,
        budget_seconds=goal.budget_seconds,
        job=jobs.submit(KIND, team, user),
    )
    Candidate.objects.bulk_create(
        Candidate(
            search=search,
            recipe=one.recipe,
            width=one.size[0],
            height=one.size[1],
            cycles=one.cycles,
            memory=one.memory and round(one.memory),
            left_out=one.left_out,
        )
        for one in goal.proposals
    )
    audit.record("fit.create", search, actor=user)
    advance(search)
    return search


def advance(search: FitSearch) -> None:
    """Start what comes next, or decide. Does nothing while a round trains, and after the end."""
    with transaction.atomic():
        rows = FitSearch.objects.select_for_update(of=("self",))
        search = rows.select_related("job", "team", "dataset_version__dataset").get(pk=search.pk)
        if search.decided or search.job.status != Status.QUEUED:
            return
        now = Standing(search)
        if seconds_left(search) < -GRACE * search.budget_seconds:
            _stop(search, now, str(search.job))
            _leave_unmeasured_out(now)
        elif _go_on(now):
            return
        search.decided = True
        search.save(update_fields=["decided"])
        jobs.enqueue(search.job)


def seconds_left(search: FitSearch) -> float:
    """Of the budget; a retried search has what the attempts before it left."""
    end = search.job.queued_at + timedelta(seconds=search.budget_seconds - search.spent_seconds)
    return (end - moment()).total_seconds()


def _go_on(now: Standing) -> bool:
    """Whether something trains, or was started."""
    if now.number < 0:
        first = [one for one in now.entries if not one.candidate.left_out]
        return bool(_begin(now, first, 0))
    for one in now.of_round:
        if one.newest.run_id is None:
            _start(now, one)
    if now.is_unfinished:
        _go_ahead(now)
        return True
    if not _next_round(now):
        return _quantize(now)
    later = Standing(now.search)
    return later.is_unfinished or _go_on(later)


def _go_ahead(now: Standing) -> None:
    """Let the best so far begin the next round while a worker is free and others train the last of this one.

    ``_next_round`` stops those that turn out not to be the best: the search ends as it would without them.
    """
    members, measured = now.of_round, now.measured_now
    count = halving.staying(len(members))
    number = halving.next_number(now.number, count)
    if number is not None and not now.ahead and 2 * len(measured) >= len(members) and _has_free_worker(now):
        _begin(now, now.ranked_now[:count], number)


def _has_free_worker(now: Standing) -> bool:
    """Whether one of the workers that trained in this round has nothing left of it, and another one has."""
    of_round = [one.at(now.number).run_id for one in now.of_round]
    rows = list(Job.objects.filter(kind="train", step__run__in=of_round).values_list("status", "worker"))
    running = sum(status == Status.RUNNING for status, _ in rows)
    workers = {_process(worker) for _, worker in rows if worker}
    return 0 < running < len(workers) and all(status != Status.QUEUED for status, _ in rows)


def _process(worker: str) -> str:
    """The process of a worker, whose name ends with what differs for each job (``execution.worker_name``)."""
    return worker.rpartition(":")[0]


def _next_round(now: Standing) -> bool:
    """Go on with the best of the round that has ended; False if it was the last, or the budget is spent."""
    _leave_failed_out(now)
    ranked, ahead = now.ranked_now, now.ahead
    stay = ranked[: halving.staying(len(ranked))]
    begun = [one.newest.number for one in stay if one in ahead]
    number = begun[0] if begun else halving.next_number(now.number, len(stay))
    go_on = _begin(now, stay, number) if stay and number is not None else []
    for one in now.of_round:
        if go_on and one not in go_on:
            _leave_out(one.candidate, msg("Others were better after round {number}.", number=now.number + 1))
    for one in ahead:
        if one not in go_on and one.is_active:
            _stop_run(one.newest.run, now.search.created_by, str(now.search.job))
    return bool(go_on)


def _leave_failed_out(now: Standing) -> None:
    measured = now.measured_now
    for one in now.of_round:
        if one not in measured:
            _leave_out(one.candidate, _why_unmeasured(one.at(now.number).run))
        elif not one.keeps_cost:
            _leave_out(one.candidate, msg("Compiled, it costs more than the limits allow."))


def _leave_unmeasured_out(now: Standing) -> None:
    """Those that the end of the budget stopped in the current round."""
    for one in now.of_round:
        if one not in now.measured_now:
            _leave_out(one.candidate, msg("The budget was spent before it was measured."))


def _why_unmeasured(run: Run | None) -> Message:
    if run is None or run.deleted_at is not None:
        return msg("Its run was deleted.")
    if run.status == Status.SUCCEEDED:
        return msg("Its run measured no accuracy: no measured image has a label.")
    return msg("Its run failed or was cancelled.")


def _leave_out(candidate: Candidate, why) -> None:
    if not candidate.left_out:
        candidate.left_out = why
        candidate.save(update_fields=["left_out"])


def _begin(now: Standing, entries: list[Entry], number: int) -> list[Entry]:
    """Begin a round with the best for which there is time; return them. Some may have begun it ahead."""
    ahead = [one for one in entries if one.at(number)]
    given = ahead[0].at(number).epochs if ahead else None
    search, estimates = now.search, Estimates(now.search.chip)
    seconds = seconds_left(search) * halving.OF_BUDGET[number] / _pace(now, estimates)
    whole = max((configs.recipes()[one.candidate.recipe].defaults.epochs for one in entries), default=1)
    for count in range(len(entries), 0, -1):
        loads = [_load(one.candidate, search, estimates) for one in entries[:count]]
        possible = halving.epochs(loads, number, whole, seconds)
        if possible >= (given or 1):
            _begin_with(now, entries[:count], number, given or possible)
            return entries[:count]
    return ahead


def _begin_with(now: Standing, entries: list[Entry], number: int, epochs: int) -> None:
    for one in entries:
        if one.at(number) is None:
            one.trials.append(Trial.objects.create(candidate=one.candidate, number=number, epochs=epochs))
            _start(now, one)


def _load(candidate: Candidate, search: FitSearch, estimates: Estimates) -> Load:
    return load_of(candidate.recipe, candidate.size, search.dataset_version, estimates)


def _pace(now: Standing, estimates: Estimates) -> float:
    """How much longer than estimated the round before took, with all train workers; 1 before the first."""
    trained = [(one.candidate, one.at(now.number)) for one in now.of_round]
    ended = [(candidate, at) for candidate, at in trained if at.run and at.run.finished_at]
    if not ended:
        return 1.0
    runs_ended = [at.run for _, at in ended]
    took = max(run.finished_at for run in runs_ended) - min(run.created_at for run in runs_ended)
    told = sum(_load(candidate, now.search, estimates).seconds(at.epochs) for candidate, at in ended)
    return max(0.05, took.total_seconds() / told)


def _start(now: Standing, entry: Entry) -> None:
    """Start the newest trial of a candidate; without room in the queue it is tried again later."""
    try:
        trials.start(now.search, entry)
    except QuotaReached:
        return
    except trials.Refused as why:
        _leave_out(entry.candidate, why.sentence)


def _quantize(now: Standing) -> bool:
    """Search for a better quantization of the best weights, if int8 loses what they had."""
    search = now.search
    if search.quantization is not None:
        return search.quantization.job.is_active
    wanted = _worth_quantizing(now)
    if wanted is None or seconds_left(search) <= 0:
        return False
    least = search.limits.get("accuracy")
    allowed = ALLOWED_DROP if least is None else max(0.0, wanted.trained - least)
    target = {"chip": search.chip, "channel_order": search.channel_order}
    try:
        model = wanted.compiled.model
        search.quantization = quantizations.start(model, search.created_by, **target, allowed_drop=allowed)
    except (QuotaReached, IllegalTransition):
        return False
    search.save(update_fields=["quantization"])
    return True


def _worth_quantizing(now: Standing) -> Entry | None:
    """The candidate whose trained weights would do, while no compiled model does."""
    least = now.search.limits.get("accuracy")
    fitting = [one for one in now.measured if one.keeps_cost and one.trained is not None]
    if least is not None:
        found = [] if now.best else [one for one in fitting if one.trained >= least]
    else:
        found = [one for one in fitting if one is now.best and one.trained - one.value > ALLOWED_DROP]
    return max(found, key=lambda one: one.trained, default=None)


def perform(job: Job, context) -> dict:
    """Name the winner of a search that is decided."""
    now = Standing(job.fit_search)
    best = now.best
    return {
        "met": best is not None,
        "winner": best.candidate.pk if best else None,
        "outcome": outcomes.outcome(now),
    }


def complete(job: Job, result: dict) -> None:
    search = job.fit_search
    search.met, search.outcome, search.winner_id = result["met"], result["outcome"], result["winner"]
    search.save(update_fields=["met", "outcome", "winner"])
    notify.emit("fit.finished", search.team, search)


def after(job: Job) -> None:
    """A stopped search stops its runs."""
    if job.status in (Status.CANCELLED, Status.FAILED):
        search = job.fit_search
        _stop(search, Standing(search), str(job))


def _stop(search: FitSearch, now: Standing, by: str) -> None:
    for run in now.runs:
        if run.is_active:
            _stop_run(run, search.created_by, by)
    if search.quantization is not None and search.quantization.job.is_active:
        jobs.cancel(search.quantization.job, by=by)


def _stop_run(run: Run, user, by: str) -> None:
    """In the name of the search's person, if there still is one."""
    if user is not None:
        runs.cancel_run(run, user)
        return
    for job in runs.step_jobs(run):
        if job.is_active:
            jobs.cancel(job, by=by)


def replace(old: Job, new: Job) -> None:
    """A retried search goes on where it stopped: runs that were stopped with it are repeated."""
    spent = ((old.finished_at or moment()) - old.queued_at).total_seconds()
    FitSearch.objects.filter(job=old).update(
        job=new,
        decided=False,
        met=None,
        outcome="",
        winner=None,
        spent_seconds=F("spent_seconds") + round(spent),
    )
    search = FitSearch.objects.get(job=new)
    for one in Standing(search).of_round:
        if one.newest.run and one.newest.run.status == Status.CANCELLED:
            runs.retry_run(one.newest.run, new.created_by)
    if search.quantization and search.quantization.job.status == Status.CANCELLED:
        jobs.retry(search.quantization.job, created_by=new.created_by)
    transaction.on_commit(lambda: advance(search))


def claim(job: Job) -> bool:
    return job.fit_search.decided


def held_up(ids: set[int]) -> set[int]:
    waiting = FitSearch.objects.filter(job__in=ids, decided=False)
    return set(waiting.values_list("job_id", flat=True))


def after_any(job: Job) -> None:
    """After a job of a trial's run or of the quantization search, advance the search."""
    of_runs = FitSearch.objects.filter(candidates__trials__run__steps__job=job, decided=False)
    of_quantization = FitSearch.objects.filter(quantization__job=job, decided=False)
    for search in [*of_runs.distinct(), *of_quantization]:
        advance(search)


def sweep() -> None:
    """Advance every waiting search, in case a process died before it could."""
    for search in FitSearch.objects.filter(decided=False, job__status=Status.QUEUED):
        advance(search)
