"""The documentation of the API under the content security policy, and a call tried in it."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_it_shows_the_operations_and_tries_one(open_page):
    page = open_page()
    page.goto("/api/v1/docs/")
    page.click("#operations-tag-chips")
    page.click("#operations-chips-chips_retrieve .opblock-summary-control")
    page.click("#operations-chips-chips_retrieve .try-out__btn")
    page.click("#operations-chips-chips_retrieve .execute")
    answer = page.locator("#operations-chips-chips_retrieve .live-responses-table .response")
    expect(answer).to_contain_text("200")
    expect(answer).to_contain_text("Rockchip RV1106")


def test_a_change_is_tried_in_the_session_and_not_taken_for_a_forged_one(open_page):
    page = open_page()
    page.goto("/api/v1/docs/")
    block = "#operations-datasets-datasets_samples_digits_create"
    page.click("#operations-tag-datasets")
    page.click(f"{block} .opblock-summary-control")
    page.click(f"{block} .try-out__btn")
    page.click(f"{block} .execute")
    expect(page.locator(f"{block} .live-responses-table .response")).to_contain_text("201")
