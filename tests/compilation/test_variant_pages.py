"""The pages of variants, of searches and of one compiled model; their forms and who may use them."""

import pytest
from django.urls import reverse

from portal.compilation import layer_errors, search
from portal.compilation.models import LayerErrors, QuantizationSearch
from portal.compilation.pages import targets
from portal.compilation.variants import target_of
from portal.jobs.models import Job, Status
from portal.models.models import CompiledModel
from tests.factories import run_queued_jobs

SETTINGS = {
    "target": "rv1106 bgr", "algorithm": "mmse", "method": "channel", "calibration_images": 50,
    "choice": "balanced", "seed": 0,
}  # fmt: skip


def variants_url(compiled, more=""):
    return reverse(f"model-variant{more or 's'}", args=[compiled.model_id])


def test_a_variant_is_compiled_from_the_page_and_compared_there(alices, compiled):
    assert b"that no other beats" not in alices.get(variants_url(compiled)).content
    assert alices.post(variants_url(compiled, "-new"), SETTINGS).status_code == 302
    assert b'data-live="on"' in alices.get(variants_url(compiled)).content
    run_queued_jobs()
    page = alices.get(variants_url(compiled)).content.decode()
    assert 'data-live="off"' in page and "that no other beats" in page
    assert "MMSE, per channel, 50 calibration images" in page
    (target,) = targets(compiled.model)
    assert [(point["chosen"], point["best"]) for point in target.points] == [
        (True, ["cycles", "memory", "size"]),
        (False, ["cycles", "memory", "size"]),
    ]


@pytest.mark.parametrize(("images", "is_said"), [(1, True), (100, False)])
def test_few_calibration_images_are_said_at_the_variant(alices, compiled, images, is_said):
    CompiledModel.objects.update(facts={"calibration": {"images": images}})
    page = alices.get(variants_url(compiled)).content.decode()
    assert ("few calibration images" in page) == is_said


def test_what_cannot_be_compiled_is_said_at_its_field(alices, compiled):
    page = alices.post(variants_url(compiled, "-new"), SETTINGS | {"dtype": "fp16"})
    assert page.status_code == 422 and "runs int8 models only" in page.content.decode()
    page = alices.post(variants_url(compiled, "-new"), SETTINGS | {"algorithm": "normal"})
    assert page.status_code == 422 and "has these settings already" in page.content.decode()
    page = alices.post(variants_url(compiled, "-new"), SETTINGS | {"target": "rk3588 rgb"})
    assert page.status_code == 422
    assert CompiledModel.objects.count() == 1


def test_a_search_is_started_and_its_outcome_is_read_on_the_page(alices, compiled):
    address = reverse("model-search-new", args=[compiled.model_id])
    assert alices.post(address, {"target": "rv1106 bgr", "points": "-1"}).status_code == 422
    assert alices.post(address, {"target": "rv1106 bgr", "points": "100"}).status_code == 302
    assert b"It waits for the variant" in alices.get(variants_url(compiled)).content
    run_queued_jobs()
    page = alices.get(variants_url(compiled)).content.decode()
    assert "holds the limit: it loses" in page
    assert QuantizationSearch.objects.get().allowed_drop == 1


def test_another_variant_is_chosen_on_the_page(alices, compiled):
    alices.post(variants_url(compiled, "-new"), SETTINGS)
    run_queued_jobs()
    made = CompiledModel.objects.first()
    alices.post(reverse("model-compiled-choose", args=[made.pk]))
    assert CompiledModel.objects.get(chosen=True) == made
    run = alices.get(compiled.model.job.step.run.get_absolute_url()).content.decode()
    assert reverse("model-variants", args=[compiled.model_id]) in run


def test_layers_are_measured_and_the_worst_compiled_in_16_bits(alices, compiled):
    address = reverse("model-compiled", args=[compiled.pk])
    measure = reverse("model-layers-measure", args=[compiled.pk])
    page = alices.get(address).content.decode()
    assert "Not measured yet" in page and "1,200" in page and "976.6" not in page
    alices.post(measure)
    alices.post(measure)  # asked for twice
    assert LayerErrors.objects.count() == 1
    run_queued_jobs()
    page = alices.get(address).content.decode()
    assert "relu.2" in page and "a weight that stands out, 9.5" in page and "not proven on boards" in page
    assert alices.post(measure, {"layers": ["nothing"]}).url == address
    assert alices.post(measure, {"layers": ["relu.2"]}).url == variants_url(compiled)
    assert CompiledModel.objects.first().quantization["int16_layers"] == ["relu.2"]


def test_a_viewer_looks_and_changes_nothing_and_a_stranger_finds_nothing(client, bob, charlie, compiled):
    addresses = [variants_url(compiled), reverse("model-compiled", args=[compiled.pk])]
    changes = [
        (variants_url(compiled, "-new"), SETTINGS),
        (reverse("model-search-new", args=[compiled.model_id]), {"points": 1}),
        (reverse("model-compiled-choose", args=[compiled.pk]), {}),
        (reverse("model-layers-measure", args=[compiled.pk]), {}),
    ]
    for person, seen, done in ((bob, 200, 403), (charlie, 404, 404)):
        client.force_login(person)
        assert {client.get(address).status_code for address in addresses} == {seen}
        assert {client.post(address, data).status_code for address, data in changes} == {done}
        for address in addresses if seen == 200 else ():
            assert b"csrfmiddlewaretoken" not in client.get(address).content.split(b"<main")[1]
    assert not Job.objects.exclude(kind__in=("ingest", "train", "convert")).exists()


def test_measuring_layers_fails_with_a_sentence_and_is_retried(alices, compiled, alice):
    row = layer_errors.measure(compiled, alice)
    row.job.move_to(Status.RUNNING)
    row.job.move_to(Status.FAILED, message="rknn-toolkit2 wrote no table of errors.")
    page = alices.get(reverse("model-compiled", args=[compiled.pk])).content.decode()
    assert "wrote no table of errors" in page
    alices.post(reverse("job-retry", args=[row.job_id]))
    run_queued_jobs()
    row.refresh_from_db()
    assert row.layers and row.job.status == Status.SUCCEEDED


def test_jobs_of_variants_lead_to_their_pages(alices, compiled, alice):
    search.start(**target_of(compiled.model, "rv1106"), user=alice, allowed_drop=0.0)
    run_queued_jobs()
    for job in Job.objects.filter(kind__in=("quantize", "layer-error")):
        content = alices.get(reverse("job-detail", args=[job.pk])).content.decode()
        assert "/models/" in content


def test_of_a_failed_conversion_the_page_promises_nothing(alices, compiled):
    Job.objects.filter(pk=compiled.job_id).update(status=Status.FAILED)
    CompiledModel.objects.filter(pk=compiled.pk).update(facts={})
    page = alices.get(reverse("model-compiled", args=[compiled.pk])).content.decode()
    assert "the conversion did not finish" in page and "Available when" not in page
