"""Uploads in a real browser: paused, gone on with after a reload, several, a folder, refused before sent."""

import io
import os
import zipfile

import pytest
from PIL import Image
from playwright.sync_api import expect

from portal.datasets import indexes
from portal.datasets.models import Dataset, DatasetVersion, Upload
from portal.runs.models import Run
from tests.factories import png

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PIECE = 100_000
PATCHES = "**/api/v1/uploads/*/"


def noise() -> bytes:
    buffer = io.BytesIO()
    Image.frombytes("RGB", (120, 120), os.urandom(120 * 120 * 3)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def big_zip(tmp_path, settings):
    """A zip of about half a megabyte, in pieces of 100 kB."""
    settings.UPLOAD_PIECE_BYTES = PIECE
    path = tmp_path / "parts.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(12):
            archive.writestr(f"{('good', '划痕')[number % 2]}/{number}.png", noise())
    return path


class Gate:
    """Lets some chunks through and holds the next one until it is opened.

    Made before the page is opened: what a page that is there sends can pass before Chromium holds it.
    """

    def __init__(self, page, chunks: int):
        self.page, self.chunks, self.offsets = page, chunks, []
        page.route(PATCHES, self.handle)

    def handle(self, route):
        if route.request.method != "PATCH":
            route.continue_()
            return
        if len(self.offsets) < self.chunks:
            self.offsets.append(int(route.request.headers["upload-offset"]))
            route.continue_()

    def open(self):
        self.chunks = 1_000

    def forget(self):
        self.offsets.clear()
        self.open()


def state(page):
    return page.locator("[data-sendings] [data-state]")


def confirm_reading(page):
    """Say that the upload was understood as it is meant."""
    expect(page.locator("main")).to_contain_text("Check how the upload was read")
    page.click("text=Looks right")
    expect(page.locator(".head")).to_contain_text("Ready")


def test_an_upload_is_paused_and_gone_on_with(open_page, worker, big_zip):
    page = open_page()
    gate = Gate(page, 2)
    page.goto("/datasets/new/")
    page.set_input_files("#id_file", big_zip)
    expect(page.locator("#id_name")).to_have_value("parts")
    expect(state(page)).to_have_text("Waiting")
    page.click("text=Upload and check")
    expect(state(page)).to_have_text("Receiving")
    expect(page.locator("[data-figures]")).to_contain_text("195.3 KB of ")
    page.click("[data-pause]")
    expect(state(page)).to_have_text("Paused")
    gate.open()
    page.click("text=Go on")
    page.wait_for_url("**/datasets/versions/*/")
    confirm_reading(page)
    assert gate.offsets == list(range(0, big_zip.stat().st_size, PIECE))
    version = DatasetVersion.objects.get()
    assert (version.images, sorted(version.class_names)) == (12, ["good", "划痕"])


def test_after_a_reload_the_same_file_goes_on_where_it_stood(open_page, worker, big_zip):
    page = open_page()
    gate = Gate(page, 3)
    page.goto("/datasets/new/")
    page.set_input_files("#id_file", big_zip)
    page.click("text=Upload and check")
    expect(page.locator("[data-figures]")).to_contain_text("293.0 KB of ")
    page.reload()
    gate.forget()
    expect(page.locator("#waiting")).to_contain_text("parts.zip")
    expect(page.locator("#waiting")).to_contain_text("Receiving: 293.0 KB of")
    page.set_input_files("#id_file", big_zip)
    page.click("text=Upload and check")
    page.wait_for_url("**/datasets/versions/*/")
    assert gate.offsets[0] == 300_000
    assert Upload.objects.count() == 1
    confirm_reading(page)
    page.goto("/datasets/new/")
    expect(page.locator("#waiting")).to_have_count(0)


def test_several_files_become_a_dataset_each_and_their_states_are_followed(
    open_page, worker, big_zip, tmp_path
):
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"no zip at all")
    page = open_page()
    page.goto("/datasets/new/")
    page.set_input_files("#id_file", [big_zip, broken])
    expect(page.locator("[data-sending-note]")).to_contain_text("a dataset of its own")
    page.click("text=Upload and check")
    expect(state(page)).to_have_text(["Needs review", "Refused"])
    expect(page.locator("[data-sendings] [data-problem]").last).to_contain_text("not a")
    assert set(Dataset.objects.values_list("name", flat=True)) == {"parts", "broken"}
    page.locator("[data-result]:visible").first.click()
    expect(page.locator("h1")).to_contain_text("parts v1")


def test_a_folder_is_packed_in_the_browser(open_page, worker, tmp_path):
    for name in ("good", "划痕"):
        (tmp_path / "line 3" / name).mkdir(parents=True)
        for number in range(5):
            (tmp_path / "line 3" / name / f"{number}.png").write_bytes(png((number * 9, len(name) * 50, 7)))
    (tmp_path / "line 3" / ".hidden").write_bytes(b"x")
    page = open_page()
    page.goto("/datasets/new/")
    page.set_input_files("[data-folder]", tmp_path / "line 3")
    expect(page.locator("#id_name")).to_have_value("line 3")
    page.click("text=Upload and check")
    page.wait_for_url("**/datasets/versions/*/")
    confirm_reading(page)
    version = DatasetVersion.objects.get()
    assert (version.images, sorted(version.class_names)) == (10, ["good", "划痕"])
    with indexes.opened(version) as index:
        originals = sorted(image.original for image in index.all())
    # Named as in the folder; the hidden file stayed where it was.
    assert originals == sorted(f"line 3/{name}/{n}.png" for name in ("good", "划痕") for n in range(5))


DROP = """([name, text]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([text], name));
  const drop = document.querySelector('[data-drop]');
  drop.dispatchEvent(new DragEvent('dragover', { dataTransfer: transfer, bubbles: true, cancelable: true }));
  drop.dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


def test_a_dropped_file_is_uploaded_and_can_be_left_out(open_page, worker):
    page = open_page()
    page.goto("/datasets/new/")
    page.evaluate(DROP, ["dropped.zip", "not a zip"])
    expect(page.locator("[data-sendings] [data-name]")).to_have_text("dropped.zip")
    page.click("text=Leave out")
    expect(page.locator("[data-sendings] li")).to_have_count(0)
    page.evaluate(DROP, ["dropped.zip", "not a zip"])
    page.click("text=Upload and check")
    page.wait_for_url("**/datasets/versions/*/")
    expect(page.locator("main")).to_contain_text("This upload cannot be used.")


def test_what_is_too_large_is_said_before_a_byte_is_sent(open_page, settings, big_zip):
    settings.UPLOAD_MAX_BYTES = 1000
    page = open_page()
    page.goto("/datasets/new/")
    expect(page.locator("aside")).to_contain_text("up to 1000 bytes")
    page.set_input_files("#id_file", big_zip)
    expect(page.locator("[data-sending-note]")).to_contain_text("at most 1.0 KB can be uploaded now")
    expect(page.locator("[data-sendings] li")).to_have_count(0)
    assert not Upload.objects.exists()


def test_a_form_that_was_refused_does_not_send_its_file_twice(open_page, worker, big_zip):
    page = open_page()
    page.goto("/runs/new/")
    page.set_input_files("#id_upload", big_zip)
    page.click("text=Start the run")  # neither chip nor device
    expect(page.locator("main")).to_contain_text("Choose at least one chip or device.")
    expect(page.locator("[data-sending-note]")).to_have_text("parts.zip is received.")
    page.check("input[name=chips][value=rv1106]")
    page.click("text=Start the run")
    expect(page.locator("#step-rknn")).to_contain_text("Succeeded")
    assert Upload.objects.get().version == Run.objects.get().dataset_version


def test_a_received_upload_that_nobody_named_is_used_or_discarded(open_page, worker, big_zip):
    page = open_page()
    for ending in ("use", "discard"):
        page.goto("/runs/new/")
        page.set_input_files("#id_upload", big_zip)
        page.click("text=Start the run")
        expect(page.locator("[data-sending-note]")).to_have_text("parts.zip is received.")
        page.goto("/datasets/new/")
        if ending == "use":
            page.click("text=Use it")
            expect(page.locator("#id_name")).to_have_value("parts")
            page.click("text=Upload and check")
            confirm_reading(page)
        else:
            page.click("#waiting >> text=Discard")
            expect(page.locator("main")).to_contain_text("The upload of parts.zip is discarded.")
    assert Upload.objects.get().version == DatasetVersion.objects.get()


def test_a_typed_name_outlives_a_reload_and_is_forgotten_once_it_is_sent(open_page, big_zip, worker):
    page = open_page()
    page.goto("/datasets/new/")
    page.fill("#id_name", "Parts of the left line")
    page.set_input_files("#id_file", big_zip)
    page.reload()
    expect(page.locator("#id_name")).to_have_value("Parts of the left line")
    page.set_input_files("#id_file", big_zip)
    page.click("text=Upload and check")
    expect(page.locator("h1")).to_contain_text("Parts of the left line v1")
    page.goto("/datasets/new/")
    expect(page.locator("#id_name")).to_have_value("")
