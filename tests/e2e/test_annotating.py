"""Boxes drawn in a real browser: by mouse, by keys alone, on a phone; two windows; a lost connection."""

import io
import zipfile
from array import array

import pytest
from PIL import Image
from playwright.sync_api import expect

from portal.datasets import drafts, indexes
from portal.datasets.models import DatasetVersion
from tests.datasets.index_builders import boxed, ready_version

pytestmark = pytest.mark.browser


@pytest.fixture
def street(people):
    return ready_version(people["team"], people["alice"], "Street", fill=boxed, task="detection")


def address(version, image=1):
    return f"/datasets/versions/{version.pk}/images/{image}/"


def boxes_of(people, version, image=1):
    draft = drafts.open_draft(people["alice"], version.dataset)
    with indexes.opened(version) as index:
        return drafts.plan_of(draft, index).now(index.image(image)).box_rows()


def drag(page, start, end):
    """From and to, in shares of the photograph."""
    box = page.locator("#photo").bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=5)
    page.mouse.up()


def saved(page):
    expect(page.locator("[data-saved]")).to_have_text("Saved")


def test_a_box_is_drawn_moved_relabelled_undone_and_reaches_the_next_version(
    open_page, street, people, worker
):
    page = open_page(viewport={"width": 1280, "height": 900})
    page.goto(address(street))
    expect(page.locator("[data-box-list] li")).to_have_count(2)
    page.get_by_label("Bird").first.check()
    drag(page, (0.875, 0.25), (0.975, 0.5))
    expect(page.locator("[data-box-list] li")).to_have_count(3)
    saved(page)
    drawn = boxes_of(people, street)[-1]
    assert drawn[0] == 2 and drawn[1:] == pytest.approx([56, 12, 6.4, 12], abs=0.5)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("2")
    saved(page)
    moved = boxes_of(people, street)[-1]
    assert moved[0] == 1 and moved[1:] == pytest.approx([56, 11, 7.4, 12], abs=0.5)
    page.keyboard.press("u")
    saved(page)
    assert boxes_of(people, street)[-1][0] == 2
    page.get_by_role("link", name="Review and create a version").click()
    page.get_by_role("button", name="Create the new version").click()
    expect(page.get_by_text("What changed from v1")).to_be_visible()
    made = DatasetVersion.objects.get(parent=street)
    with indexes.opened(made) as index:
        assert len(index.image(1).box_rows()) == 3


def test_a_box_is_dragged_without_being_chosen_first(open_page, street, people):
    page = open_page()
    page.goto(address(street))
    before = boxes_of(people, street)[0]
    drag(page, (0.2, 0.6), (0.3, 0.5))
    saved(page)
    moved = boxes_of(people, street)[0]
    assert moved[1:] == pytest.approx([before[1] + 6.4, before[2] - 4.8, *before[3:]], abs=1)
    expect(page.locator("[data-box-list] li").first).to_have_attribute("aria-current", "true")


def test_keys_alone_are_enough(open_page, street, people):
    page = open_page()
    page.goto(address(street))
    page.keyboard.press("2")
    page.keyboard.press("b")
    page.keyboard.press("Control+ArrowRight")
    saved(page)
    assert len(boxes_of(people, street)) == 3 and boxes_of(people, street)[-1][0] == 1
    page.keyboard.press("Delete")
    saved(page)
    assert len(boxes_of(people, street)) == 2
    page.locator("[data-box-list] select").first.focus()
    expect(page.locator("[data-box-list] li").first).to_have_attribute("aria-current", "true")


def test_a_second_window_is_told_and_nothing_is_lost(open_page, street, people):
    first, second = open_page(), open_page(expected=["status of 409"])
    first.goto(address(street))
    second.goto(address(street))
    first.keyboard.press("b")
    saved(first)
    second.keyboard.press("b")
    second.keyboard.press("b")
    expect(second.get_by_role("alert")).to_contain_text("in another window")
    assert len(boxes_of(people, street)) == 3
    second.get_by_role("button", name="Keep the boxes that you see").click()
    saved(second)
    assert len(boxes_of(people, street)) == 4


def test_what_a_lost_connection_kept_back_is_sent_later(open_page, street, people):
    page = open_page(expected=["ERR_FAILED"])
    page.route("**/boxes/", lambda route: route.abort())
    page.goto(address(street))
    page.keyboard.press("b")
    expect(page.locator("[data-saved]")).to_contain_text("Not saved")
    page.unroute("**/boxes/")
    saved(page)
    assert len(boxes_of(people, street)) == 3


def test_whoever_leaves_with_unsaved_boxes_is_asked_and_a_link_waits_for_them(open_page, street, people):
    page, asked = open_page(expected=["ERR_FAILED"]), []
    page.route("**/boxes/", lambda route: route.abort())
    page.goto(address(street))
    page.keyboard.press("b")
    expect(page.locator("[data-saved]")).to_contain_text("Not saved")
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    with page.expect_event("dialog"):
        page.close(run_before_unload=True)
    assert asked == ["beforeunload"]
    page.get_by_role("link", name="Next", exact=True).click()
    expect(page.locator("[data-saved]")).to_contain_text("Not saved")
    page.unroute("**/boxes/")
    page.wait_for_url("**/images/2/")
    assert len(boxes_of(people, street)) == 3


def test_a_finger_draws_on_a_phone_without_sideways_scrolling(open_page, street, people):
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(address(street))
    drag(page, (0.875, 0.25), (0.975, 0.5))
    saved(page)
    assert len(boxes_of(people, street)) == 3
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_class_is_added_and_the_next_image_without_boxes_found(open_page, street, people):
    page = open_page()
    page.goto(address(street))
    page.get_by_label("Name of the new class").fill("tram")
    page.get_by_role("button", name="Add class").click()
    expect(page.get_by_label("tram").first).to_be_visible()
    expect(page.locator("main")).to_contain_text("6 of 6 images labelled")


def test_without_scripts_a_box_is_added_by_its_numbers(open_page, street, people):
    page = open_page(expected=["ERR_FAILED"])
    page.route("**/*.js", lambda route: route.abort())
    page.goto(address(street))
    for name, value in (("left", 1), ("top", 2), ("width", 9), ("height", 8)):
        page.locator(f"input[name={name}]").fill(str(value))
    with page.expect_navigation():
        page.get_by_role("button", name="Add a box").click()
    assert boxes_of(people, street)[-1] == [0, 1, 2, 9, 8]


def test_photographs_without_labels_become_a_dataset_with_boxes(open_page, people, worker, tmp_path):
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(6):
            picture = io.BytesIO()
            Image.new("RGB", (320, 240), (40 * number, 90, 120)).save(picture, "PNG")
            packed.writestr(f"photos/{number}.png", picture.getvalue())
    page = open_page(viewport={"width": 390, "height": 844})
    page.goto("/datasets/new/")
    page.fill("#id_name", "Screws")
    page.set_input_files("#id_file", archive)
    page.locator("details:has(#id_layout) > summary").click()
    page.select_option("#id_layout", "unlabelled")
    page.fill("#id_class_names", "screw\nnut")
    page.locator("main form button.btn-primary").first.click()
    page.click("text=Looks right")
    page.get_by_role("link", name="Draw boxes").first.click()
    expect(page.locator("main")).to_contain_text("0 of 6 images labelled")
    expect(page.locator("[data-annotate]")).to_be_visible()
    page.keyboard.press("b")
    saved(page)
    page.keyboard.press("n")
    expect(page.locator("main")).to_contain_text("1 of 6 images labelled")
    expect(page.locator("[data-annotate]")).to_be_visible()
    page.keyboard.press("2")
    page.keyboard.press("b")
    saved(page)
    version = DatasetVersion.objects.get()
    assert [boxes_of(people, version, image)[0][0] for image in (1, 2)] == [0, 1]


def test_a_crowd_of_boxes_is_listed_page_by_page(open_page, street, people):
    crowd = [[n % 3, 2 + 3 * (n % 20), 2 + 6 * (n // 20), 2, 4] for n in range(120)]
    drafts.add(people["alice"], street, "boxes", {"image": 1, "boxes": crowd})
    page = open_page()
    page.goto(address(street))
    expect(page.locator("[data-box-list] li")).to_have_count(50)
    pages = page.get_by_role("navigation", name="Pages of boxes")
    expect(pages).to_contain_text("1 to 50 of 120")
    pages.get_by_role("button", name="Next").click()
    expect(page.get_by_label("Class of box 51")).to_be_visible()
    box = page.locator("#photo").bounding_box()
    page.mouse.click(box["x"] + 60 / 64 * box["width"], box["y"] + 34 / 48 * box["height"])  # the last box
    expect(pages).to_contain_text("101 to 120 of 120")
    expect(page.locator("[data-number='119']")).to_have_attribute("aria-current", "true")
    page.keyboard.press("Delete")
    saved(page)
    assert len(boxes_of(people, street)) == 119


def test_an_image_on_which_nothing_is_to_be_found_counts_as_labelled(open_page, people, live_server):
    def fill(pack):
        for number in range(3):
            pack.add((30, 40 * number, 90), (64, 48), boxes=array("d"), original=f"photos/{number}.png")

    version = ready_version(people["team"], people["alice"], "Street", fill=fill, task="detection")
    page = open_page()
    page.goto(address(version))
    page.get_by_role("button", name="Nothing to find here").click()
    page.wait_for_url("**/images/2/")
    expect(page.locator("main")).to_contain_text("1 of 3 images labelled")
    page.goto(address(version))
    expect(page.locator("[data-no-boxes]")).to_be_visible()
    expect(page.get_by_role("button", name="Nothing to find here")).to_have_count(0)
    page.get_by_role("link", name="Review and create a version").click()
    expect(page.get_by_text("2 images have no boxes yet")).to_be_visible()
