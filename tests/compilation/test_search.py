"""The search of a quantization within a budget: what it tries, when it stops, what it picks."""

import pytest

from portal.compilation import layer_errors, search, variants
from portal.compilation.models import LayerErrors, QuantizationSearch
from portal.compilation.variants import target_of
from portal.jobs import services as jobs
from portal.jobs.models import Job, Status
from portal.models.models import CompiledModel, Evaluation
from portal.notify.models import Notification
from portal.tasks import Stage
from tests.factories import run_queued_jobs


@pytest.fixture
def start(compiled, alice):
    """Return a function that starts a search; 16 of 40 images are measured, each is 6.25 points."""

    def call(allowed_drop):
        return search.start(**target_of(compiled.model, "rv1106"), user=alice, allowed_drop=allowed_drop)

    return call


def settings_of(rows):
    kept = ("algorithm", "method", "int16_layers")
    return [tuple(one.settings[name] for name in kept) for one in variants.variants_of(rows)]


def ended(found):
    run_queued_jobs()
    return QuantizationSearch.objects.get(pk=found.pk)


def drops():
    return [one.drop for one in variants.variants_of(CompiledModel.objects.all())]


def test_a_model_that_holds_the_limit_is_not_compiled_again(start, compiled):
    found = ended(start(1.0))
    assert (found.job.status, found.met) == (Status.SUCCEEDED, True)
    assert CompiledModel.objects.get() == compiled
    assert str(found.outcome).startswith(f"Compiled model {compiled.pk} holds the limit")


def test_a_variant_that_is_better_than_the_model_loses_nothing(start, compiled):
    for row in Evaluation.objects.filter(compiled_model=compiled, stage=Stage.SIMULATOR):
        row.parity |= {"drop": -0.05}
        row.save()
    outcome = str(ended(start(0.01)).outcome)
    assert f"Compiled model {compiled.pk} holds the limit: it loses nothing." in outcome


def test_it_tries_the_cheap_first_and_stops_at_what_holds(start):
    found = ended(start(drop_of(1)))
    assert found.met
    # All images calibrate, so other choices of them are the same settings.
    assert settings_of(found.started.all()) == [("kl_divergence", "channel", []), ("mmse", "channel", [])]
    assert CompiledModel.objects.get(chosen=True) == found.started.last() or (
        CompiledModel.objects.get(chosen=True).quantization["algorithm"] == "mmse"
    )


def drop_of(images):
    return images / 8 + 0.001


def test_the_worst_layers_get_16_bits_when_nothing_else_holds(start):
    found = ended(start(0.0))
    assert found.met and LayerErrors.objects.get().search == found
    assert settings_of(found.started.all())[-2:] == [
        ("mmse", "layer", []),
        ("mmse", "channel", ["relu.2"]),
    ]
    chosen = CompiledModel.objects.get(chosen=True)
    assert chosen.quantization["int16_layers"] == ["relu.2"]
    assert "not proven on boards" in str(found.outcome)


def test_limits_that_nothing_meets_name_what_comes_nearest(start, monkeypatch):
    monkeypatch.setattr(search, "WIDENED", ())
    found = ended(start(0.0))
    assert found.met is False and found.job.status == Status.SUCCEEDED
    assert "comes nearest" in str(found.outcome) and "Quantization-aware training" in str(found.outcome)
    assert "Nothing was changed" in str(found.outcome)
    assert found.found.quantization["algorithm"] == "mmse" and not found.found.chosen
    assert CompiledModel.objects.get(chosen=True).quantization["algorithm"] == "normal"


def test_its_end_is_told(start):
    found = ended(start(1.0))
    notice = Notification.objects.get(event="quantization.finished")
    assert found.met and "holds the limit" in str(notice.facts)


def test_what_was_measured_before_is_not_measured_again(start, compiled, alice):
    variants.make(**target_of(compiled.model, "rv1106"), user=alice, settings={"algorithm": "kl_divergence"})
    run_queued_jobs()
    found = ended(start(drop_of(1)))
    assert settings_of(found.started.all()) == [("mmse", "channel", [])]
    again = ended(start(drop_of(1)))
    assert again.met and not again.started.exists()


def test_its_job_waits_for_the_variants_and_holds_up_nobody(start):
    found = start(0.0)
    assert not search.claim(found.job) and search.held_up({found.job_id}) == {found.job_id}
    search.advance(found)
    search.sweep()
    assert found.started.count() == 1


def test_a_cancelled_search_stops_what_it_started_and_goes_on_when_retried(start, alice):
    found = start(0.0)
    child = found.started.get().job
    jobs.cancel(found.job, by="alice")
    child.refresh_from_db()
    assert child.status == Status.CANCELLED
    search.sweep()
    assert found.started.count() == 1

    jobs.retry_by(alice, found.job)
    found = ended(found)
    assert found.met and found.job.status == Status.SUCCEEDED
    first = found.started.order_by("pk").first()
    assert first.job.status == Status.SUCCEEDED and first.job.retry_of == child


def test_a_variant_that_fails_is_left_out(start):
    found = start(drop_of(1))
    child = found.started.get().job
    child.move_to(Status.RUNNING)
    child.move_to(Status.FAILED, message="The chip refuses it.")
    search.after_any(child)
    found = ended(found)
    assert found.met and found.started.count() == 2


def test_a_new_search_tries_what_an_earlier_one_could_not_measure(start, alice):
    first = start(0.0)
    jobs.cancel(first.job, by="alice")
    second = start(drop_of(1))
    failing = second.started.get().job
    failing.move_to(Status.RUNNING)
    failing.move_to(Status.FAILED, message="The disk was full.")
    assert settings_of(second.started.all()) == settings_of(first.started.all())
    jobs.cancel(second.job, by="alice")

    found = ended(start(drop_of(1)))
    assert found.met
    assert settings_of(found.started.all()) == [("kl_divergence", "channel", []), ("mmse", "channel", [])]


def test_layer_errors_that_were_not_measured_before_are_measured_again(start, compiled, alice):
    best = variants.make(**target_of(compiled.model, "rv1106"), user=alice, settings={"algorithm": "mmse"})
    run_queued_jobs()
    jobs.cancel(layer_errors.measure(CompiledModel.objects.get(pk=best.pk), alice).job, by="alice")
    found = ended(start(0.0))
    assert found.met and LayerErrors.objects.get(search=found).layers


def test_two_searches_of_a_model_share_what_they_measure(start):
    one, other = start(drop_of(1)), start(drop_of(1))
    assert not other.started.exists()
    assert ended(one).met and ended(other).met
    assert CompiledModel.objects.count() == 3


def test_a_variant_whose_worker_died_is_done_again_and_nothing_twice(start):
    found = start(drop_of(1))
    child = found.started.get().job
    child.move_to(Status.RUNNING)
    child.move_to(Status.FAILED, message="The worker disappeared.")
    jobs.retry(child, attempt=2)
    search.advance(found)
    assert found.started.count() == 1
    assert ended(found).met
    assert Job.objects.filter(kind="convert").count() == 4  # the run's own, the dead one, its retry, the next
    assert CompiledModel.objects.count() == 3


def test_a_chip_with_float_gets_that_instead_of_16_bits(finished, alice):
    run = finished(chips=("rk3588",))
    model = CompiledModel.objects.get().model
    found = ended(search.start(**target_of(model, "rk3588"), user=alice, allowed_drop=0.0))
    assert found.met and run.status == Status.SUCCEEDED
    assert CompiledModel.objects.get(chosen=True).quantization["dtype"] == "fp16"
    assert not LayerErrors.objects.exists()
