"""A person imports a model and compiles it, in a real browser; the programs are fakes."""

import json
import re

import pytest
from playwright.sync_api import expect

from portal.datasets.services import create_version
from portal.jobs.models import Status
from portal.models.models import Model, Origin
from portal.runs.models import Run
from tests.factories import class_zip, run_queued_jobs

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_model_is_uploaded_inspected_and_compiled(open_page, people, tmp_path):
    version = create_version(people["team"], people["alice"], "Pets", class_zip(("cat", "dog"), 10))
    run_queued_jobs()
    file = tmp_path / "own.onnx"
    file.write_text(json.dumps({"classes": 2}))
    page = open_page()
    page.goto("/models/files/")
    page.get_by_role("link", name="Import a model").last.click()
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Upload and inspect").click()
    page.wait_for_url(re.compile(r"/models/files/\d+/$"))
    run_queued_jobs()
    page.get_by_role("link", name="Compile and deploy").click()  # the page updates by itself
    page.get_by_label("Dataset").select_option(str(version.pk))
    page.get_by_label("Labels").fill("cat")
    page.get_by_label("Rockchip RV1106", exact=True).check()
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_text("2 classes and 1 label was given")).to_be_visible()
    page.get_by_label("Labels").fill("dog\ncat")
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile(r"/runs/\d+/$"))
    run_queued_jobs()
    run = Run.objects.get()
    assert run.status == Status.SUCCEEDED, run.message
    model = Model.objects.get()
    assert (model.origin, model.labels) == (Origin.IMPORTED, ["dog", "cat"])
    page.reload()
    expect(page.get_by_text("own.onnx").first).to_be_attached()
    expect(page.get_by_text("Trained", exact=True)).to_have_count(0)
