"""A device's wrong answer is corrected with one key, and found in the next version of its dataset."""

import pytest
from playwright.sync_api import expect

from portal.datasets import services
from portal.datasets.models import Dataset, DatasetVersion
from portal.review.models import Item
from tests.factories import class_zip
from tests.review.belt import Belt, image

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_wrong_answer_is_corrected_and_found_in_the_next_version(open_page, worker, people):
    belt = Belt(people["team"], people["alice"])
    services.create_version(belt.team, belt.user, "Pets", class_zip())
    page = open_page(viewport={"width": 1280, "height": 900})
    page.goto("/datasets/")
    expect(page.locator("main")).to_contain_text("Pets")
    pets = Dataset.objects.get(name="Pets")
    page.goto(f"/devices/{belt.device.pk}/")
    page.click("text=Set a rule")
    page.fill("#id_below", "60")
    page.click("summary:has-text('More')")
    page.select_option("#id_dataset", label="Pets")
    page.click("text=Save the rule")
    expect(page.locator("aside")).to_contain_text("score below 60")
    expect(page.locator("aside")).to_contain_text(belt.device.name)
    page.goto(f"/datasets/{pets.pk}/")
    expect(page.locator("main")).to_contain_text("10")
    assert belt.offer(image(1, score=0.4), image(2, score=0.3), image(3, score=0.99)) == 2

    page.goto("/review/")
    page.click("text=Review 2 images")
    expect(page.locator("[data-decisions]")).to_contain_text("2 left")
    page.wait_for_load_state()  # its script listens to keys from now on
    page.keyboard.press("2")
    expect(page.locator("[data-decisions]")).to_contain_text("1 left")
    page.wait_for_load_state()
    page.keyboard.press("x")
    page.wait_for_url("**/review/")
    page.click("button:has-text('Create the next version')")
    page.wait_for_url("**/datasets/versions/*/")
    expect(page.get_by_text("What changed from v1")).to_be_visible()
    made = DatasetVersion.objects.get(dataset=pets, number=2)
    assert made.images == 11 and Item.objects.get(version=made).label == "dog"
    page.goto(f"/datasets/versions/{made.pk}/images/?mark=from-board")
    page.click(".shot a")
    for words in ("dog", belt.device.name, belt.deployment.release):
        expect(page.locator(".zoom")).to_contain_text(words)
