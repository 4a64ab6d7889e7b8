"""Pictures without labels in a real browser: boxes, classes by keys, labels that a model proposed."""

import zipfile
from array import array

import pytest
from playwright.sync_api import expect

from portal.datasets import drafts, indexes, proposals
from portal.datasets.models import DatasetVersion
from tests.datasets.index_builders import boxed, ready_version
from tests.factories import png
from tests.prelabelling.models import trained_model

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PICTURE = {"name": "street.png", "mimeType": "image/png", "buffer": png(size=(64, 48))}


@pytest.fixture
def pictures(tmp_path):
    """A zip of eight plain pictures in one folder."""
    path = tmp_path / "street.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(8):
            archive.writestr(f"photos/{number}.png", png((30 * number, 90, 40), (64, 48)))
    return path


def upload(page, path, layout, names):
    page.goto("/datasets/new/")
    page.set_input_files("#id_file", path)
    page.click("summary:has-text('More: classes')")
    page.select_option("#id_layout", layout)
    page.fill("#id_class_names", "\n".join(names))
    page.click("text=Upload and check")
    page.wait_for_url("**/datasets/versions/*/")
    expect(page.locator("main")).to_contain_text("Check how the upload was read")
    page.click("text=Looks right")
    expect(page.locator(".head")).to_contain_text("Propose labels")


def ready(page) -> DatasetVersion:
    """The version that was just made of changes, once it can be used."""
    expect(page.get_by_text("What changed from v1")).to_be_visible()
    return DatasetVersion.objects.get(parent__isnull=False)


def test_from_a_folder_of_pictures_to_boxes_from_a_board(open_page, worker, pictures):
    page = open_page(viewport={"width": 1280, "height": 900})
    upload(page, pictures, "unlabelled", ["car"])

    page.click("text=Draw boxes")
    page.wait_for_url("**/images/1/")
    for number in range(1, 9):
        expect(page.locator("main")).to_contain_text(f"{number - 1} of 8 images labelled")
        page.keyboard.press("b")
        expect(page.locator("[data-saved]")).to_have_text("Saved")
        if number < 8:
            page.keyboard.press("n")
            page.wait_for_url(f"**/images/{number + 1}/")
    page.click("text=Review and create a version")
    page.click("text=Create the new version")
    made = ready(page)

    page.goto("/devices/new/")
    page.select_option("#id_profile", "virtual")
    page.fill("#id_name", "Board on the desk")
    page.fill("#id_password", "not the factory's")
    page.click("text=Connect and register")
    expect(page.locator("main")).to_contain_text("Fake OS 1.0")
    page.goto(f"/datasets/versions/{made.pk}/")
    page.click("text=Train with it")
    page.wait_for_url("**/runs/new/**")
    page.check("label:has-text('Board on the desk') input")
    page.click("text=Start the run")
    expect(page.locator("#step-board")).to_contain_text("Succeeded")

    page.fill("#threshold", "35")
    page.click("text=Use this score")
    page.wait_for_url("**/runs/*/#classes")
    expect(page.locator("#threshold")).to_have_value("35")
    page.click("#boards >> text=Board on the desk")
    page.set_input_files("#id_images", PICTURE)
    page.click("#try >> text=Run inference")
    expect(page.locator("[data-detected] .found")).to_contain_text("car")
    expect(page.locator("[data-detected] svg rect").first).to_be_visible()
    expect(page.locator("[data-thresholds] [name=score]")).to_have_value("0.35")


def test_classes_are_given_by_keys_and_boxes_are_cut_out(open_page, worker, pictures):
    page = open_page(viewport={"width": 1280, "height": 900})
    upload(page, pictures, "unsorted", ["good", "bad"])
    page.click("text=Label images")
    page.wait_for_url("**?state=unlabelled")
    expect(page.locator("main")).to_contain_text("0 of 8 images labelled")
    page.keyboard.press("j")
    for key in "1212":
        page.keyboard.press(key)
    expect(page.locator("#edit-state")).to_contain_text("4 changes")
    expect(page.locator("#labelled")).to_contain_text("4 of 8 images labelled")
    page.click("text=Label them one by one")
    page.wait_for_url("**/images/5/")
    for number, key in enumerate("1122", start=5):
        expect(page.locator("main")).to_contain_text(f"{number - 1} of 8 images labelled")
        page.keyboard.press(key)
        if number < 8:
            page.wait_for_url(f"**/images/{number + 1}/")
    page.click("text=8 changes: review and make a version")  # so the last one is written down
    page.click("text=Create the new version")
    made = ready(page)
    assert {row["name"]: row["total"] for row in made.counts} == {"good": 4, "bad": 4}
    assert made.train_images + made.val_images == 8 and made.val_images >= 2


@pytest.fixture
def street(people):
    def fill(pack):
        for number in range(6):
            pack.add((30, 40 * number, 90), (64, 48), boxes=array("d"), original=f"photos/{number}.png")

    team, alice = people["team"], people["alice"]
    trained_model(
        ready_version(team, alice, "Pets", fill=boxed, class_names=["car", "tram"], task="detection")
    )
    return ready_version(team, alice, "Street", fill=fill, class_names=["car"], task="detection")


def waiting(street, people):
    draft = drafts.open_draft(people["alice"], street.dataset)
    with indexes.opened(street) as index:
        return proposals.waiting(draft, index)


def test_a_model_proposes_boxes_that_are_accepted_corrected_and_rejected_by_keys(
    open_page, worker, street, people
):
    page = open_page(viewport={"width": 1280, "height": 900})
    page.goto(f"/datasets/versions/{street.pk}/")
    page.click("text=Propose labels")
    page.wait_for_url("**/prelabel/")
    page.click("text=Continue")
    page.wait_for_url("**/prelabel/?model=*")
    page.get_by_label("tram").select_option(label="leave it out")
    page.click("main >> button:has-text('Propose labels')")
    page.wait_for_url("**/jobs/*/")
    expect(page.locator("#job-live")).to_contain_text("Succeeded")
    page.click("text=labels for Street v1")
    page.wait_for_url("**?state=proposed")
    expect(page.locator("[data-image]")).to_have_count(4)
    page.click("[data-image='1'] [data-open]")
    page.wait_for_url("**/images/1/**")
    expect(page.locator("[data-proposal]")).to_contain_text("Digits v3 proposes car")
    expect(page.locator("[data-box-list] li")).to_have_count(1)
    page.keyboard.press("a")
    page.wait_for_url("**/images/2/")
    assert waiting(street, people) == [2, 4, 5]
    page.keyboard.press("Tab")
    page.locator("[data-box-list] select").focus()
    expect(page.locator("[data-box-list] li")).to_have_attribute("aria-current", "true")
    assert waiting(street, people) == [2, 4, 5], "to choose a box is no correction"
    page.locator("body").click(position={"x": 2, "y": 2})
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("[data-saved]")).to_have_text("Saved")
    assert waiting(street, people) == [4, 5]
    page.goto(f"/datasets/versions/{street.pk}/images/4/")
    page.keyboard.press("q")
    page.wait_for_url("**/images/5/")
    assert waiting(street, people) == [5]
    page.goto(f"/datasets/versions/{street.pk}/images/?state=proposed")
    page.locator("[name=scope]").select_option("all")
    page.click("text=Accept proposals")
    expect(page.locator("#edit-state")).to_contain_text("4 changes")
    assert waiting(street, people) == []
