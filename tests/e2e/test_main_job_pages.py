"""The whole job through the pages, in a real browser, with the fake programs."""

import re

import pytest
from playwright.sync_api import expect

from portal.jobs.models import Job, Status
from portal.runs.models import Run
from tests.e2e.forms import choose_chip
from tests.factories import class_zip, png
from tests.graphs import job_of
from tests.seed import Seeder, everything

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def as_file(upload):
    upload.seek(0)
    return {"name": upload.name, "mimeType": "application/zip", "buffer": upload.read()}


def until_silent(page):
    """Wait until the page asks for nothing for longer than between two polls."""
    seen = []
    page.on("request", lambda request: seen.append(request.url))
    for _ in range(10):
        seen.clear()
        page.wait_for_timeout(3500)
        if not seen:
            return
    raise AssertionError(seen)


def test_from_a_zip_to_a_boards_answer_without_a_click_in_between(open_page, worker):
    page = open_page()
    page.click("text=Devices")
    page.click("text=Register the first board")
    page.select_option("#id_profile", "virtual")
    expect(page.locator("#id_port")).to_have_value("2222")
    page.fill("#id_name", "Board on the desk")
    page.fill("#id_password", "not the factory's")
    page.click("text=Connect and register")
    expect(page.locator("main")).to_contain_text("Its host key is pinned")
    expect(page.locator("main")).to_contain_text("Fake OS 1.0")

    page.click("text=New run")
    page.set_input_files("#id_upload", as_file(class_zip()))
    page.fill("#id_upload_name", "Pets")
    page.check("label:has-text('Fast') input")
    page.check("label:has-text('Board on the desk') input")
    page.click("text=Start the run")

    expect(page.locator("#step-board")).to_contain_text("Succeeded")
    expect(page.locator("h1")).to_contain_text("Pets")
    figures = {
        "data": "10 images",
        "train": "96.00 %",
        "onnx": "96.00 %",
        "rknn": "95.00 %",
        "board": "95.00 %",
    }
    for stage, figure in figures.items():
        expect(page.locator(f"#step-{stage}")).to_contain_text(figure)
    expect(page.locator("#files")).to_contain_text("model.rknn")
    expect(page.locator("#boards")).to_contain_text("virtual")
    expect(page.locator("#curves svg")).to_have_count(4)
    page.click("#log-tabs >> text=Train")
    expect(page.locator("pre.log")).to_contain_text("fake training on")
    with page.expect_download() as download:
        page.click("text=report.json")
    assert download.value.suggested_filename.endswith("report.json")

    page.click("#boards >> text=Board on the desk")
    page.set_input_files("#id_images", {"name": "rex.png", "mimeType": "image/png", "buffer": png()})
    page.click("#try >> text=Run inference")
    expect(page.locator(".answer .label")).to_have_text("dog")
    expect(page.locator(".answer")).to_contain_text("98.00 %")
    expect(page.locator("main")).to_contain_text("not a board's")


def test_a_running_page_follows_and_a_cancelled_one_falls_silent(open_page, worker):
    page = open_page()
    page.goto("/runs/new/")
    page.set_input_files("#id_upload", as_file(class_zip(("cat", "fake: hang"))))
    choose_chip(page)
    page.click("text=Start the run")
    expect(page.locator("#step-train")).to_contain_text("epoch 3/3")
    expect(page.locator("pre.log")).to_contain_text("[Eval][Epoch 3]")
    expect(page.locator("#curves svg")).to_have_count(4)

    page.locator("#files > summary").click()  # closes it
    page.click("text=Cancel…")
    page.click("text=Cancel the run")
    expect(page.locator("#run-live")).to_contain_text("Cancelled")
    expect(page.locator("#run-actions")).to_contain_text("Retry")
    until_silent(page)


def test_a_closed_section_stays_closed_and_the_scroll_stays_while_the_page_follows(open_page, worker):
    page = open_page()
    page.goto("/runs/new/")
    page.set_input_files("#id_upload", as_file(class_zip()))
    choose_chip(page)
    page.click("text=Start the run")
    page.wait_for_selector("#step-data")
    page.locator("#classes > summary").click()
    expect(page.locator("#step-rknn")).to_contain_text("Succeeded")
    assert page.locator("#classes").get_attribute("open") is None
    expect(page.locator("#files")).to_contain_text("model.rknn")


def test_a_refused_upload_keeps_what_was_typed_and_the_chosen_file(open_page, worker):
    page = open_page()
    page.goto("/runs/new/")
    page.set_input_files("#id_upload", as_file(class_zip()))
    page.fill("#id_upload_name", "Pets")
    page.click("text=Start the run")  # neither chip nor device
    expect(page.locator("main")).to_contain_text("Choose at least one chip or device.")
    expect(page.locator("#id_upload_name")).to_have_value("Pets")
    assert page.evaluate("document.getElementById('id_upload').files[0].name") == "pets.zip"
    assert Run.objects.count() == 0
    page.check("input[name=chips][value=rv1106]")
    page.click("text=Start the run")
    expect(page.locator("#step-rknn")).to_contain_text("Succeeded")


def test_without_javascript_the_same_job_is_done_by_reloading(open_page, worker):
    page = open_page(java_script_enabled=False)
    page.goto("/datasets/new/")
    page.fill("#id_name", "Pets")
    page.set_input_files("#id_file", as_file(class_zip()))
    page.click("text=Upload and check")
    for _ in range(120):
        if page.is_visible("text=Looks right"):
            break
        page.wait_for_timeout(500)
        page.reload()
    page.click("text=Looks right")
    page.click("text=Train with it")
    page.check("label:has-text('Fast') input")
    choose_chip(page)
    page.click("text=Start the run")
    expect(page.get_by_role("link", name="Reload").first).to_be_visible()
    for _ in range(120):
        if "Succeeded" in page.locator("#step-rknn").inner_text():
            break
        page.wait_for_timeout(500)
        page.reload()
    assert "95.00 %" in page.locator("#step-rknn").inner_text()
    assert Job.objects.filter(kind="convert", status=Status.SUCCEEDED).exists()


def test_idle_pages_ask_for_nothing(open_page, people):
    rows = everything(people["team"], people["alice"])
    page = open_page()
    Job.objects.filter(status=Status.RUNNING).update(status=Status.CANCELLED)
    Run.objects.filter(status=Status.RUNNING).update(status=Status.CANCELLED)
    for address in ("/", "/jobs/", f"/runs/{rows['failed'].pk}/", f"/devices/{rows['virtual'].pk}/"):
        page.goto(address)
        until_silent(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone(open_page, people, scheme):
    rows = everything(people["team"], people["alice"])
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    addresses = [
        "/", "/datasets/", f"/datasets/versions/{rows['version'].pk}/", "/datasets/new/", "/runs/",
        "/runs/new/",
        f"/runs/{rows['running'].pk}/", "/models/", "/devices/", f"/devices/{rows['virtual'].pk}/",
        "/devices/new/", "/jobs/", f"/jobs/{rows['job'].pk}/",
    ]  # fmt: skip
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state("load")
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, address
    assert page.evaluate("document.documentElement.dataset.bsTheme") == scheme


def test_the_theme_switch_is_remembered(open_page):
    page = open_page(color_scheme="light")
    page.click("[data-theme-switch]")
    page.goto("/runs/")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_the_log_is_searched_and_stays_where_the_reader_scrolled(open_page, people):
    rows = everything(people["team"], people["alice"])
    page = open_page()
    page.goto(f"/jobs/{job_of(rows['running']).pk}/")
    log = page.locator("pre.log")
    expect(log).to_contain_text("line 79")
    assert page.evaluate("(() => { const l = document.querySelector('pre.log');"
                         "return l.scrollHeight - l.scrollTop - l.clientHeight })()") < 40  # fmt: skip
    page.evaluate("document.querySelector('pre.log').scrollTop = 0")
    Seeder(people["team"], people["alice"]).log(job_of(rows["running"]), "the newest line\n")
    expect(log).to_contain_text("the newest line")
    assert page.evaluate("document.querySelector('pre.log').scrollTop") == 0
    page.fill("[data-log-search]", "LINE 7")
    expect(page.locator("[data-log-found]")).to_have_text(re.compile("11 lines"))
    expect(log.locator("mark").first).to_have_text("line 7")


SHOWN_POINTS = """() => {
  const path = document.querySelector("[data-curve=loss] path");
  return path?.getAttribute("d").match(/[ML]/g).length ?? 0;
}"""


SLOW_NETWORK = """
const ask = window.fetch;
window.asked = [];
window.fetch = async (...call) => {
  window.asked.push(String(call[0]));
  await new Promise((go) => setTimeout(go, 1000));
  return ask(...call);
};"""


def test_a_slow_answer_to_the_curves_draws_no_point_twice(open_page, people):
    rows = everything(people["team"], people["alice"])
    page = open_page()
    page.add_init_script(SLOW_NETWORK)
    page.goto(f"/runs/{rows['running'].pk}/")
    for _ in range(4):  # folded and unfolded before the answer is here
        page.click("#curves > summary")
    for _ in range(100):
        if page.evaluate("window.asked.some((url) => /after=[1-9]/.test(url))"):
            break  # the next question, so the first is answered
        page.wait_for_timeout(300)
    points = job_of(rows["running"]).metrics.filter(name="train/loss").count()
    assert page.evaluate(SHOWN_POINTS) == points
    assert page.evaluate("window.asked.filter((url) => url.endsWith('after=0')).length") == 1
