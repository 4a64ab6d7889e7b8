"""The charts: what they say under the pointer, in which colours, and how they fit."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from portal.jobs.models import Metric
from tests.seed import everything

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def rows(live_server, people):
    return everything(people["team"], people["alice"])


def test_curves_say_the_values_of_a_step_and_change_colours_with_the_theme(open_page, rows):
    page = open_page(color_scheme="light")
    page.goto(reverse("run-detail", args=[rows["done"].pk]))
    loss = page.locator("[data-curve=loss]")
    loss.locator("svg").hover()
    expect(loss.locator(".drawing-tip")).to_contain_text("step 72")
    expect(loss.locator(".drawing-tip")).to_contain_text("validation: 0.28824")
    colour = "getComputedStyle(document.querySelector('[data-curve=loss] path')).stroke"
    light = page.evaluate(colour)
    page.click("[data-theme-switch]")
    assert page.evaluate(colour) != light


def test_a_curve_of_equal_values_is_drawn(open_page, rows):
    """Such as an mAP of 0 in every epoch, or a constant learning rate."""
    Metric.objects.filter(job=rows["job"]).update(value=0)
    page = open_page()
    page.goto(reverse("run-detail", args=[rows["done"].pk]))
    expect(page.locator("[data-curve=loss] path").first).to_be_attached()
    assert "NaN" not in page.locator("[data-curve=loss] svg").evaluate("svg => svg.outerHTML")


def test_a_chart_in_a_closed_section_is_drawn_when_it_opens(open_page, rows):
    page = open_page()
    page.goto(reverse("run-detail", args=[rows["done"].pk]))
    expect(page.locator("#curves path").first).to_be_visible()
    assert page.locator("#cost rect").count() == 0
    page.locator("#cost > summary").click()
    expect(page.locator("#cost rect").first).to_be_visible()


def test_bars_of_the_images_per_class_name_the_class_and_both_parts(open_page, rows):
    page = open_page()
    page.goto(reverse("dataset-version", args=[rows["version"].pk]))
    chart = page.locator("[data-chart=counts]")
    chart.locator("rect").first.hover()
    expect(chart.locator(".drawing-tip")).to_have_text("0\ntraining: 140\nvalidation: 35")
