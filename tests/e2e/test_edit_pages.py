"""Reviewing and editing in a real browser: keys, undo, a new version with its diff, boxes, a phone."""

import re

import pytest
from playwright.sync_api import expect

from portal.datasets.draft_models import DraftChange
from portal.datasets.models import DatasetVersion
from tests.datasets.index_builders import boxed, ready_version

pytestmark = pytest.mark.browser


@pytest.fixture
def version(people):
    return ready_version(people["team"], people["alice"])


def grid(version):
    return f"/datasets/versions/{version.pk}/images/"


def test_keys_relabel_choose_remove_and_undo_without_loading_the_page_anew(open_page, version):
    page = open_page()
    page.goto(grid(version))
    loaded = page.evaluate("performance.timeOrigin")
    page.keyboard.press("j")
    expect(page.locator("#image-1")).to_be_focused()
    page.keyboard.press("2")
    expect(page.locator("#image-1 .shot-label")).to_contain_text("dog")
    expect(page.locator("#image-2")).to_be_focused()  # on to the next, so that one can go on looking
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-chosen-count]")).to_have_text("(2)")
    page.keyboard.press("Delete")
    expect(page.locator(".shot-removed")).to_have_count(2)
    expect(page.locator("#edit-state [role=status]")).to_have_text("2 changes")
    page.keyboard.press("u")
    expect(page.locator(".shot-removed")).to_have_count(0)
    page.keyboard.press("u")
    expect(page.locator(".was")).to_have_count(0)
    page.keyboard.press("r")
    expect(page.locator("#image-1 .was")).to_have_text("cat")
    assert page.evaluate("performance.timeOrigin") == loaded


def test_one_image_is_looked_at_and_left_by_keys(open_page, version):
    page = open_page()
    page.goto(grid(version) + "?class_id=1")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/images/9/\?class_id=1$"))  # waits for the load: only then are keys heard
    page.keyboard.press("j")
    page.wait_for_url(re.compile(r"/images/10/\?class_id=1$"))
    page.keyboard.press("Escape")
    expect(page.locator("#image-10")).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog#keys")).to_be_hidden()


def test_changes_become_a_version_with_its_diff(open_page, version, worker):
    page = open_page()
    page.goto(grid(version))
    page.keyboard.press("j")
    page.keyboard.press("3")
    expect(page.locator("#image-1 .was")).to_have_text("cat")
    page.get_by_role("link", name="Review and create a version").click()
    expect(page.locator("ol.changes")).to_contain_text("Relabelled as Bird: 1 image.")
    page.get_by_label("What is it for?").fill("one bird was a cat")
    page.get_by_role("button", name="Create the new version").click()
    expect(page.get_by_text("What changed from v1")).to_be_visible()
    page.get_by_role("link", name="View changed images").click()
    expect(page.locator(".shot")).to_have_count(1)
    expect(page.locator(".shot .was")).to_have_text("cat")
    assert DatasetVersion.objects.get(number=2).diff["relabelled"] == 1


def test_a_form_without_keys_does_the_same(open_page, version):
    page = open_page(java_script_enabled=False)
    page.goto(grid(version))
    page.locator("#image-3 input").check()
    page.select_option("#edit select[name=class_id]", label="Bird")
    page.get_by_role("button", name="Relabel").click()
    expect(page.locator("#image-3 .was")).to_have_text("cat")
    assert DraftChange.objects.get().payload == {"images": {"ids": [3]}, "class_id": 2}


def test_boxes_are_drawn_where_they_are_and_can_be_hidden(open_page, people):
    version = ready_version(people["team"], people["alice"], "Street", fill=boxed, task="detection")
    page = open_page()
    page.goto(grid(version))
    expect(page.locator("#image-1 rect")).to_have_count(2)
    people["alice"].memberships.update(role="viewer")  # who may edit draws them, see test_annotating
    page.goto(f"{grid(version)}1/")
    frame, box = page.locator(".zoom .frame img").bounding_box(), page.locator("rect").first.bounding_box()
    scale = min(frame["width"] / 64, frame["height"] / 48)
    assert abs(box["width"] - 20 * scale) < 4 and abs(box["height"] - 16 * scale) < 4
    page.locator("#show-boxes").uncheck()
    expect(page.locator("rect").first).to_be_hidden()


def test_nothing_is_wider_than_a_phone(open_page, version):
    page = open_page(viewport={"width": 390, "height": 844})
    for address in (grid(version), f"{grid(version)}5/", f"/datasets/versions/{version.pk}/changes/",
                    f"/datasets/versions/{version.pk}/", f"/datasets/{version.dataset_id}/"):  # fmt: skip
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
    page.goto(grid(version))
    first, second = (page.locator(f"#image-{number}").bounding_box() for number in (1, 2))
    assert first["y"] == second["y"] and page.locator("#image-3").bounding_box()["y"] > first["y"]
    tap = page.locator("#image-1 .shot-pick").bounding_box()
    assert min(tap["width"], tap["height"]) >= 44


def test_the_bar_of_changes_leaves_a_phone_its_images(open_page, version):
    phone = {"width": 390, "height": 844}
    page, bar = open_page(viewport=phone), "#edit"
    page.goto(grid(version))
    expect(page.locator("#edit details:not([open])")).to_have_count(1)
    assert page.locator(bar).bounding_box()["height"] < 844 / 5
    page.click("#edit summary")
    assert page.locator(bar).bounding_box()["height"] < 844 / 2
    page = open_page(viewport=phone, java_script_enabled=False)
    page.goto(grid(version))
    assert page.locator(bar).bounding_box()["y"] > 844, "under the images"
