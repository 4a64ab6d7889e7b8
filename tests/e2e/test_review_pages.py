"""The preview of an upload in a real browser: what is in doubt is seen, settled and confirmed there."""

import json
import zipfile

import pytest
from playwright.sync_api import expect

from portal.datasets.models import Dataset, DatasetVersion
from tests.factories import png

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BOX = "<object><name>cat</name><bndbox>{corners}</bndbox></object>"
CORNERS = "<xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax>"
SIZE = "<size><width>16</width><height>16</height><depth>3</depth></size>"


@pytest.fixture
def contradictory(tmp_path):
    """Images with boxes in two formats that contradict each other, in a folder with a long name."""
    path = tmp_path / "boxes.zip"
    folder = "line 3 of the second hall/camera above the belt, turned by ninety degrees"
    files = {}
    for number in range(6):
        files[f"{folder}/{number}.png"] = png((40 * number, 9, 7))
        name = f"<filename>{number}.png</filename>"
        files[f"{folder}/{number}.xml"] = (
            f"<annotation>{name}{SIZE}{BOX.format(corners=CORNERS)}</annotation>"
        )
    images = [{"id": n, "file_name": f"{n}.png", "width": 16, "height": 16} for n in range(6)]
    marks = [{"id": n, "image_id": n, "category_id": 1, "bbox": [8, 8, 4, 4], "area": 16} for n in range(6)]
    files["coco.json"] = json.dumps(
        {"images": images, "annotations": marks, "categories": [{"id": 1, "name": "dog"}]}
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def upload(page, path):
    page.goto("/datasets/new/")
    page.set_input_files("#id_file", path)
    page.click("text=Upload and check")
    page.wait_for_url("**/datasets/versions/*/")
    expect(page.locator("main")).to_contain_text("Check how the upload was read")


def test_another_way_to_read_it_is_one_click_and_then_confirmed(open_page, worker, contradictory):
    page = open_page(viewport={"width": 390, "height": 844})
    upload(page, contradictory)
    expect(page.locator(".verdict")).to_contain_text("COCO")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    other = page.locator("#alternatives article").filter(has_text="Pascal VOC")
    other.locator("text=Read it this way").click()
    expect(page.locator("#classes")).to_contain_text("cat")
    page.click("text=Looks right")
    expect(page.locator(".head")).to_contain_text("Ready")
    expect(page.locator("#reading")).to_contain_text("by alice")
    assert DatasetVersion.objects.get().class_names == ["cat"]
    assert Dataset.objects.get().reading["options"]["as"] == "voc"


def test_the_start_page_names_what_waits_and_it_can_be_discarded(open_page, worker, contradictory):
    page = open_page()
    upload(page, contradictory)
    page.goto("/")
    expect(page.locator("#reviews")).to_contain_text("boxes v1")
    page.click("#reviews >> a")
    page.click("summary:has-text('Discard')")
    page.click("text=Discard the upload")
    expect(page.locator("main")).to_contain_text("The upload of boxes.zip is discarded.")
    assert not DatasetVersion.objects.exists()


def test_without_javascript_the_form_reads_it_again(open_page, worker, contradictory):
    page = open_page(java_script_enabled=False)
    page.goto("/datasets/new/")
    page.fill("#id_name", "Boxes")
    page.set_input_files("#id_file", contradictory)
    page.click("text=Upload and check")
    until_seen(page, "Looks right")
    page.select_option("#id_format", "voc")
    page.fill("#id_ignore", "coco.json")
    page.click("text=Read again")
    until_seen(page, "Looks right")
    assert "cat" in page.locator("#classes").inner_text()
    with page.expect_navigation():
        page.click("text=Looks right")
    assert DatasetVersion.objects.get().options["reading"] == {"as": "voc", "ignore": ["coco.json"]}


def until_seen(page, text):
    for _ in range(120):
        if page.is_visible(f"text={text}"):
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"{text} never came")
