"""The pictures of variants, costs and errors of layers are drawn, on the page as it is loaded."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from portal.compilation.models import LayerErrors, QuantizationSearch
from portal.jobs.models import Status
from portal.models.models import CompiledModel
from portal.tasks import Stage
from tests.graphs import compiled_of
from tests.seed import Seeder, everything, figures

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def add_variants(seed: Seeder, compiled: CompiledModel) -> list[CompiledModel]:
    """Three more variants, one of them in 16 bits and chosen, by a search that held its limit."""
    search = QuantizationSearch.objects.create(
        model=compiled.model, chip=compiled.chip, channel_order=compiled.channel_order, allowed_drop=0.01,
        job=seed.job("quantize"), decided=True, met=True, outcome="Compiled model 9 holds the limit.",
    )  # fmt: skip
    CompiledModel.objects.filter(pk=compiled.pk).update(chosen=False)
    made = []
    for number, changed in enumerate(
        ({"choice": "farthest"}, {"algorithm": "mmse"}, {"int16_layers": ["p2o.pd_op.relu.0.0"]})
    ):
        one = CompiledModel.objects.create(
            model=compiled.model, chip=compiled.chip, channel_order=compiled.channel_order,
            quantization=compiled.quantization | changed, chosen=number == 2,
            job=seed.job("convert", "convert", seconds=30), facts=dict(compiled.facts),
        )  # fmt: skip
        cost = compiled.cost | {"cycles": compiled.cost["cycles"] + number * 20_000}
        one.facts |= {"cost": cost, "rknn_bytes": compiled.facts["rknn_bytes"] + number * 9_000}
        one.save()
        value = 0.9870 + 0.001 * number
        seed.evaluate(one.job, Stage.SIMULATOR, one.model, figures(value), one, None, 1, 0.9903 - value)
        made.append(one)
    search.started.set(made)
    return made


def layers() -> list[dict]:
    """Forty layers, of which one is bad and has a weight that stands out."""
    return [
        {
            "type": "HardSwish", "name": f"p2o.pd_op.hardswish.{n}.0", "fused": [f"conv.{n}"],
            "cosine": 1 - 0.0004 * n, "euclidean": 0.1 * n, "single_euclidean": 0.05 * n,
            "single_cosine": 0.78 if n == 25 else 0.9998, "outlier": 113.2 if n == 24 else None,
        }
        for n in range(40)
    ]  # fmt: skip


@pytest.fixture
def seeded(live_server, people):
    rows = everything(people["team"], people["alice"])
    seed = Seeder(people["team"], people["alice"])
    compiled = compiled_of(rows["done"]).first()
    made = add_variants(seed, compiled)
    job = seed.job("layer-error", "convert", Status.SUCCEEDED, 9)
    LayerErrors.objects.create(compiled_model=compiled, job=job, images=4, layers=layers())
    return compiled, made


def test_variants_stand_in_the_table_and_in_three_pictures(open_page, seeded):
    compiled, _made = seeded
    page = open_page()
    page.goto(reverse("model-variants", args=[compiled.model_id]))
    expect(page.locator("[data-points] svg")).to_have_count(3)
    expect(page.locator("[data-points]").first.locator("circle")).to_have_count(5)  # four and a ring
    expect(page.locator("main")).to_contain_text("16 bits: not proven on boards")


def test_cost_and_error_of_each_layer_are_drawn_and_told(open_page, seeded):
    compiled, _made = seeded
    page = open_page()
    page.goto(reverse("model-compiled", args=[compiled.pk]))
    expect(page.locator("[data-layer-costs] rect")).to_have_count(20)
    expect(page.locator("[data-layer-errors] path")).to_have_count(2)
    expect(page.locator("[data-layer-errors] circle")).to_have_count(1)
    expect(page.locator("#layers")).to_contain_text("hardswish.24.0: the toolkit found a weight")
    expect(page.get_by_label("p2o.pd_op.hardswish.25.0")).to_be_checked()
