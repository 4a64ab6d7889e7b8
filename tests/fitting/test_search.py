"""The search for a model that fits a board: what it trains, what it goes on with, when it stops."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.fitting import goals, search
from portal.fitting.halving import Load
from portal.fitting.models import FitSearch, Trial
from portal.jobs import services as jobs
from portal.jobs.models import ErrorKind, Job, Status
from portal.models.models import Model, Origin
from portal.notify.models import Notification
from portal.runs.models import Run
from portal.runs.plan import PlanError
from tests.fitting.conftest import SIX, Workers, cycles_of, end


def numbers():
    """How many candidates each round trained."""
    found = list(Trial.objects.values_list("number", flat=True))
    return [found.count(number) for number in sorted(set(found))]


def fresh_candidate(trial):
    return Trial.objects.get(pk=trial.pk).candidate


def fresh(found):
    return FitSearch.objects.get(pk=found.pk)


def test_every_candidate_is_trained_briefly_and_the_best_go_on_from_their_weights(start, workers):
    found = start(**SIX)
    assert numbers() == [6]
    workers.work()
    found = fresh(found)
    assert numbers() == [6, 2, 1]
    assert (found.job.status, found.met) == (Status.SUCCEEDED, True)
    assert str(found.winner) == "PP-LCNet x1.0 224×224"
    last = Trial.objects.latest("number")
    models = [Model.objects.get(job__step__run=trial.run) for trial in last.candidate.trials.all()]
    assert [model.origin for model in models] == [Origin.TRAINED, Origin.CONTINUED, Origin.CONTINUED]
    assert [model.parent for model in models] == [None, *models[:2]]
    assert [model.params["epochs"] for model in models] == [4, 10, 30]
    assert "PP-LCNet x1.0 224×224 fits: Top-1" in str(found.outcome)
    assert "6 candidates were measured." in str(found.outcome)


def test_only_the_end_of_the_search_is_told(start, workers):
    start()
    workers.work()
    assert set(Notification.objects.values_list("event", flat=True)) == {"fit.finished"}


def test_candidates_that_cannot_keep_to_the_limits_are_not_trained(start, workers):
    found = start(cycles=300_000, **SIX)
    reasons = {str(one): str(one.left_out) for one in found.candidates.all()}
    assert "more than the limit" in reasons["PP-LCNet x1.0 224×224"]
    assert reasons["PP-LCNet x0.25 64×64"] == ""
    assert numbers() == [sum(not reason for reason in reasons.values())]
    workers.work()
    assert fresh(found).met


def test_what_costs_too_much_once_compiled_does_not_go_on(start, workers):
    found = start(cycles=1_400_000, recipes=["pp_lcnet_x1_0"])  # estimated 1.395 million, compiled 2 million
    assert numbers() == [1]
    workers.work()
    found = fresh(found)
    assert found.met is False and numbers() == [1]
    assert "Nothing keeps to the limits." in str(found.outcome) and "comes nearest" in str(found.outcome)


def test_limits_below_every_estimate_are_refused_with_what_comes_nearest(start):
    with pytest.raises(PlanError) as refused:
        start(cycles=2000, **SIX)
    assert "PP-LCNet x0.25 64×64 comes nearest, with about" in str(refused.value.fields["limits"])
    assert not FitSearch.objects.exists()


def test_of_equally_accurate_ones_the_cheapest_wins(start, workers):
    workers.value = lambda model: 0.95
    found = start()
    workers.work()
    assert str(fresh(found).winner) == "PP-LCNet x0.25 224×224"


def test_int8_that_misses_the_accuracy_is_quantized_otherwise(start, workers):
    workers.loses = 0.1
    found = start(accuracy=0.9)
    workers.work()
    found = fresh(found)
    assert found.met and found.quantization.met
    assert found.quantization.model.compiled_models.count() > 1


def test_an_accuracy_that_nothing_reaches_names_the_nearest(start, workers):
    found = start(accuracy=1.0)
    workers.work()
    found = fresh(found)
    assert found.met is False and found.quantization is None and found.winner is None
    assert "PP-LCNet x1.0 224×224 comes nearest" in str(found.outcome)


def test_it_says_why_nothing_was_measured(start, workers, monkeypatch):
    found = start(**SIX)
    monkeypatch.setattr(Workers, "_measure", lambda *args, **kwargs: None)
    first = Trial.objects.first().run
    for job in list(Job.objects.filter(kind="train", status=Status.QUEUED)):
        workers.do(job)
    workers.convert_all()
    assert "the table says why" in str(search.outcomes.outcome(search.Standing(fresh(found))))
    reasons = [str(one.left_out) for one in found.candidates.all()]
    assert reasons == ["Its run measured no accuracy: no measured image has a label."] * len(reasons)
    first.deleted_at = timezone.now()
    assert str(search._why_unmeasured(first)) == "Its run was deleted."


def test_a_failed_run_is_left_out_and_the_others_go_on(start, workers):
    found = start()
    end(Job.objects.filter(kind="train").earliest("pk"), Status.FAILED, message="The loss became NaN.")
    workers.work()
    assert fresh(found).met and numbers() == [2, 1]
    assert "failed" in str(Trial.objects.first().candidate.left_out)


def test_a_training_whose_worker_died_is_done_again_and_nothing_twice(start, workers):
    found = start()
    dead = Job.objects.filter(kind="train").earliest("pk")
    dead.move_to(Status.RUNNING)
    dead.move_to(Status.FAILED, error_kind=ErrorKind.LOST, message="The worker disappeared.")
    jobs.retry(dead, attempt=2)
    search.advance(found)
    search.sweep()
    workers.work()
    assert fresh(found).met and numbers() == [2, 1] and Run.objects.count() == 3


def test_a_free_worker_begins_the_next_round_while_another_trains_the_last_of_this_one(start, workers, take):
    found = start(**SIX)
    slow = take("first")
    for _ in range(5):
        workers.do(take("second"))
    assert numbers() == [6]
    workers.convert_all()
    assert numbers() == [6, 2]
    ahead = {str(trial.candidate) for trial in Trial.objects.filter(number=1)}
    assert str(slow.model.name) not in ahead and not any(one.left_out for one in found.candidates.all())
    workers.work()
    workers.do(slow)
    workers.work()
    assert fresh(found).met and str(fresh(found).winner) == "PP-LCNet x1.0 224×224"


def test_one_that_began_ahead_is_stopped_if_others_turn_out_to_be_better(start, workers, take):
    workers.value = lambda model: 0.99 - cycles_of(model) / 20e6  # the smaller, the better
    found = start()
    small = take("first")
    workers.do(take("second"))
    workers.convert_all()
    assert numbers() == [2, 1]
    hasty = Trial.objects.get(number=2)
    assert str(hasty.candidate) == "PP-LCNet x1.0 224×224"
    workers.do(small)
    workers.convert_all()
    assert Run.objects.get(trial=hasty).status == Status.CANCELLED
    assert "Others were better after round 1." in str(fresh_candidate(hasty).left_out)
    workers.work()
    assert fresh(found).met and str(fresh(found).winner) == "PP-LCNet x0.25 224×224" and numbers() == [2, 2]


def test_a_single_worker_begins_nothing_ahead(start, workers, take):
    start()
    workers.do(take("only"))
    take("only")
    workers.convert_all()
    assert numbers() == [2]


def test_a_cancelled_search_stops_its_runs_and_goes_on_when_retried(start, workers, alice):
    found = start()
    workers.do(Job.objects.filter(kind="train").earliest("pk"))
    jobs.cancel(found.job, by="alice")
    assert set(Run.objects.values_list("status", flat=True)) == {Status.CANCELLED}
    search.sweep()
    assert numbers() == [2]
    trained = Job.objects.filter(kind="train", status=Status.SUCCEEDED).count()
    jobs.retry_by(alice, found.job)
    search.sweep()
    workers.work()
    assert trained == 1 and fresh(found).met and numbers() == [2, 1]
    assert Model.objects.count() == 3


def test_a_retried_search_has_what_is_left_of_its_budget(start, workers, alice):
    found = start()
    jobs.cancel(found.job, by="alice")
    spent = {"queued_at": found.job.queued_at - timedelta(days=2)}
    spent["finished_at"] = spent["queued_at"] + timedelta(minutes=400)
    Job.objects.filter(pk=found.job.pk).update(**spent)
    jobs.retry_by(alice, fresh(found).job)
    left = search.seconds_left(fresh(found)) / 60
    assert 195 < left <= 200, "of 600 minutes, 400 were spent, and none while it was cancelled"
    workers.work()
    assert fresh(found).met


def test_a_search_whose_person_has_left_is_stopped_as_well(start, alice):
    found = start()
    FitSearch.objects.update(created_by=None)
    jobs.cancel(found.job, by="bob")
    assert set(Run.objects.values_list("status", flat=True)) == {Status.CANCELLED}


def test_when_the_budget_is_spent_the_best_so_far_wins(start, workers, later):
    found = start()
    later(601)
    workers.work()
    found = fresh(found)
    assert found.met and numbers() == [2]
    assert "It was trained for 4 epochs; train it further" in str(found.outcome)


def test_what_trains_long_after_the_budget_is_stopped(start, later):
    found = start()
    later(2 * 600)
    search.advance(found)
    assert fresh(found).decided
    assert set(Run.objects.values_list("status", flat=True)) == {Status.CANCELLED}
    reasons = {str(one.left_out) for one in found.candidates.all()}
    assert reasons == {"The budget was spent before it was measured."}


def test_a_small_budget_tries_fewer_or_says_how_much_it_takes(start, goal):
    start(minutes=8, **SIX)
    assert 1 < numbers()[0] < 6
    with pytest.raises(PlanError) as refused:
        goal(minutes=5, recipes=["mobilenet_v3_large_x1_0"], sizes=[(224, 224)])
    assert "allow at least" in str(refused.value.fields["minutes"])


def test_the_minutes_that_a_refusal_names_are_enough(goal, monkeypatch):
    cheap, quick = ("pp_lcnet_x0_25", 60.0), ("pp_lcnet_x1_0", 5.0)
    rates = dict([cheap, quick])
    monkeypatch.setattr(
        goals, "load_of", lambda recipe, size, *_: Load(rates[recipe] / 100, images=1000, steps=60)
    )
    assert [one.recipe for one in goal(minutes=5).proposals if not one.left_out] == [quick[0]]
    rates[quick[0]] = 20.0
    with pytest.raises(PlanError) as refused:
        goal(minutes=5)
    named = int(re.search(r"at least (\d+) minutes", str(refused.value.fields["minutes"])).group(1))
    assert any(not one.left_out for one in goal(minutes=named).proposals)
    with pytest.raises(PlanError):
        goal(minutes=named - 1)


def test_a_size_that_no_recipe_has_is_named(goal):
    with pytest.raises(PlanError) as refused:
        goal(recipes=["pp_lcnet_x0_25"], sizes=[(64, 64), (65, 65)])
    sentence = str(refused.value.fields["sizes"])
    assert "trained at 65x65 pixels: choose from 64x64, 96x96" in sentence


def test_a_full_queue_makes_it_wait(start, workers, team, monkeypatch):
    from portal.teams.quotas import QuotaReached

    refused = []

    def refuse(plan, *args):
        if not refused:
            refused.append(plan)
            raise QuotaReached("The queue is full.")
        return create(plan, *args)

    create = search.trials.services.create_run
    monkeypatch.setattr(search.trials.services, "create_run", refuse)
    found = start()
    assert Trial.objects.filter(run=None).count() == 1
    search.sweep()
    assert not Trial.objects.filter(run=None).exists()
    workers.work()
    assert fresh(found).met and numbers() == [2, 1]
