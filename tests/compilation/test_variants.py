"""A model compiled again with other settings: what may be asked for, and which one is deployed."""

import pytest

from portal.compilation import variants
from portal.compilation.quantization import SettingsError, key, words
from portal.compilation.variants import target_of
from portal.jobs.models import IllegalTransition, Status
from portal.models.models import CompiledModel
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.runs.report import report
from portal.teams.models import AuditEntry


@pytest.fixture
def make(compiled, alice, run_jobs):
    def call(**settings):
        made = variants.make(**target_of(compiled.model, compiled.chip), user=alice, settings=settings)
        run_jobs()
        return CompiledModel.objects.get(pk=made.pk)

    return call


def test_a_variant_is_compiled_and_measured_and_the_first_one_stays_chosen(make, compiled):
    made = make(algorithm="mmse", calibration_images=5, choice="farthest")
    assert made.job.status == Status.SUCCEEDED and not made.chosen
    first, second = variants.variants_of(CompiledModel.objects.all())
    assert first.compiled == compiled and first.compiled.chosen
    assert second.drop < first.drop and second.memory == 1500
    assert second.settings["seed"] == 0


def test_the_same_settings_are_not_compiled_twice(make, compiled):
    with pytest.raises(IllegalTransition, match=f"Compiled model {compiled.pk} has these settings"):
        make(calibration_images=100)
    make(algorithm="mmse")
    with pytest.raises(IllegalTransition, match="has these settings already"):
        make(algorithm="mmse", seed=7)  # all images calibrate, whatever the seed


def test_settings_mean_the_same_where_every_image_calibrates():
    few = {"calibration_images": 100, "seed": 1}, {"calibration_images": 50, "choice": "random"}
    assert key(few[0], 40) == key(few[1], 40)
    assert key(few[0], 400) != key(few[1], 400)
    assert key({"dtype": "fp16", "seed": 1}, 400) == key({"dtype": "fp16", "algorithm": "mmse"}, 400)
    assert str(words({"int16_layers": ["a"]})).endswith("1 layer in 16 bits")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"algorithm": "gdq"}, "algorithm"),
        ({"method": "group32"}, "method"),
        ({"choice": "all"}, "choice"),
        ({"calibration_images": 0}, "calibration_images"),
        ({"dtype": "w4a16"}, "dtype"),
        ({"dtype": "fp16"}, "dtype"),
        ({"int16_layers": ["layer"] * 17}, "int16_layers"),
    ],
)
def test_settings_that_the_chip_cannot_have_are_refused(make, settings, field):
    with pytest.raises(SettingsError) as error:
        make(**settings)
    assert list(error.value.fields) == [field]


def test_layers_in_16_bits_are_for_chips_without_float(finished, alice):
    model = Graph(finished(chips=("rk3588",))).model
    with pytest.raises(SettingsError, match="chips that have no float"):
        variants.make(**target_of(model, "rk3588"), user=alice, settings={"int16_layers": ["layer"]})
    assert variants.make(**target_of(model, "rk3588"), user=alice, settings={"dtype": "fp16"})


def test_a_chip_that_the_model_was_not_compiled_for_is_refused(compiled):
    with pytest.raises(SettingsError, match="compiled for rv1106"):
        target_of(compiled.model, "rk3588")
    with pytest.raises(SettingsError, match="compiled for rv1106"):
        target_of(compiled.model, "rv1106", "rgb")


def test_what_is_chosen_stands_for_its_chip_on_the_run(make, compiled, alice):
    made = make(algorithm="mmse")
    before = report(Run.objects.get())["models"]
    variants.choose(made, alice)
    after = report(Run.objects.get())["models"]
    assert len(before) == len(after) == 1 and before != after
    assert [one.pk for one in Graph(Run.objects.get()).compiled] == [made.pk]
    assert CompiledModel.objects.get(chosen=True) == made == CompiledModel.objects.get(pk=compiled.pk).in_use
    variants.choose(made, alice)
    assert AuditEntry.objects.filter(verb="compiled-model.choose").count() == 1


def test_a_variant_that_is_not_ready_cannot_be_chosen(make, compiled, alice):
    made = make(algorithm="mmse")
    made.job.status = Status.FAILED
    with pytest.raises(IllegalTransition, match="not ready"):
        variants.choose(made, alice)


def test_nothing_is_compiled_of_a_deleted_or_an_untrained_model(compiled, alice):
    model = compiled.model
    model.job.status = Status.RUNNING
    with pytest.raises(IllegalTransition, match="not trained yet"):
        target_of(model, "rv1106")
    model.deleted_at = model.created_at
    with pytest.raises(IllegalTransition, match="was deleted"):
        target_of(model, "rv1106")
