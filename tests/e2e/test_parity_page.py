"""The parity report in a browser: every stage in a row, and nothing wider than a phone."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from portal.models.models import Evaluation
from portal.tasks import Stage
from tests.seed import everything

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def run(live_server, people):
    made = everything(people["team"], people["alice"])["done"]
    row = Evaluation.objects.get(stage=Stage.SIMULATOR, job__step__run=made)
    row.parity |= {"drop": 0.333, "lost": 103, "gained": 0}
    row.save()
    return made


def test_the_lossy_stage_is_marked_and_its_mistakes_are_one_click_away(open_page, run):
    page = open_page(java_script_enabled=False)
    page.goto(run.get_absolute_url())
    page.locator("#verdict").get_by_role("link", name="Parity report").click()
    page.wait_for_url(f"**{reverse('run-parity', args=[run.pk])}")
    expect(page.locator("tr.table-active")).to_contain_text("int8 for Rockchip RV1106")
    expect(page.locator("#quality")).to_contain_text("lost 33.3 points of Top-1")
    page.locator(".matrices > div").nth(1).get_by_role("link", name="2", exact=True).click()
    page.wait_for_url("**/mistakes/**")
    expect(page.locator("[aria-current=page]").last).to_have_text("Rockchip RV1106")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(open_page, run, scheme):
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.goto(reverse("run-parity", args=[run.pk]))
    expect(page.locator(".matrix").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
