"""What pages say in the states that people seldom see: offline, cancelled, with very long words."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from portal.jobs.models import Status
from portal.runs.models import Run
from tests.seed import Seeder, everything

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def rows(live_server, people):
    return everything(people["team"], people["alice"])


def test_a_page_without_its_server_says_so_until_the_server_is_back(open_page, rows):
    page = open_page()
    page.goto(reverse("run-list"))
    expect(page.locator("[data-offline]")).to_be_hidden()
    page.context.set_offline(True)
    expect(page.locator("[data-offline]")).to_contain_text("No connection to the server")
    page.context.set_offline(False)
    expect(page.locator("[data-offline]")).to_be_hidden()


def test_cancel_asks_before_it_cancels(open_page, rows):
    page = open_page()
    page.goto(reverse("run-detail", args=[rows["running"].pk]))
    page.click("text=Cancel…")
    expect(page.locator("#run-actions")).to_contain_text("What has finished is kept")
    assert Run.objects.get(pk=rows["running"].pk).status == Status.RUNNING
    page.keyboard.press("Escape")
    expect(page.locator("text=Cancel the run")).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    page.click("text=Cancel…")
    box = page.locator(".ask-box").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_a_cancelled_run_waits_for_nothing(open_page, people, rows):
    seed = Seeder(people["team"], people["alice"])
    run = seed.run(rows["version"], "Stopped", Status.CANCELLED)
    seed.train(run, Status.CANCELLED, epochs=2)
    seed.planned_conversion(run)
    page = open_page()
    page.goto(reverse("run-detail", args=[run.pk]))
    expect(page.locator("#step-rknn")).to_contain_text("Skipped")
    for word in ("Waiting", "Available when"):
        expect(page.locator("main")).not_to_contain_text(word)


def test_an_unbroken_address_in_an_alert_does_not_widen_a_phone(open_page, rows):
    page = open_page(viewport={"width": 390, "height": 844})
    page.goto(reverse("run-detail", args=[rows["failed"].pk]))
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    page.evaluate("document.querySelector('.alert').append('https://weights.example/' + 'long'.repeat(90))")
    assert page.evaluate(wide) <= 0
