"""The whole job through the pages with nothing stood in for: PaddleX, rknn-toolkit2, SSH, the simulator."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import expect

import portal.datasets
from portal.runs.models import Run
from portal.runs.report import report
from tests.e2e.conftest import Worker
from tests.ports import free_port

pytestmark = [
    pytest.mark.browser,
    pytest.mark.toolchain,
    pytest.mark.ssh,
    pytest.mark.django_db(transaction=True),
]
DIGITS = Path(portal.datasets.__file__).parent / "samples" / "digits.zip"
PASSWORD = "only for this test"
# Training on a machine that does other things as well.
PATIENCE_MS = 15 * 60 * 1000


@pytest.fixture
def board_port(tmp_path):
    """A virtual board on a port of its own."""
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    port = free_port()
    argv = [
        str(django_settings.CONVERT_PYTHON), "-m", "workers.virtual_board", "--root", str(tmp_path / "board"),
        "--port", str(port), "--user", "root", "--password-file", str(secret),
        "--host-key-file", str(tmp_path / "host-key"),
    ]  # fmt: skip
    env = os.environ | {"PYTHONPATH": str(django_settings.BASE_DIR)}
    process = subprocess.Popen(argv, cwd=django_settings.BASE_DIR, env=env)
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert process.poll() is None
    yield port
    process.terminate()
    process.wait()


@pytest.fixture
def real_worker(live_server, settings):
    settings.TRAIN_PROGRAM = [str(django_settings.TRAIN_PYTHON), "-m", "workers.train"]
    settings.CONVERT_PROGRAM = [str(django_settings.CONVERT_PYTHON), "-m", "workers.convert"]
    settings.JOB_KILL_GRACE_SECONDS = 10
    thread = Worker()
    thread.start()
    yield thread
    thread.stop()


def test_real_digits_go_from_a_zip_to_a_boards_answers(open_page, real_worker, board_port):
    page = open_page()
    page.goto("/devices/new/")
    page.select_option("#id_profile", "virtual")
    page.fill("#id_name", "Board on the desk")
    page.fill("#id_host", "127.0.0.1")
    page.fill("#id_port", str(board_port))
    page.fill("#id_password", PASSWORD)
    page.click("text=Connect and register")
    expect(page.locator("main")).to_contain_text("lockzhiner_vision_module")

    page.goto("/runs/new/")
    page.set_input_files("#id_upload", DIGITS)
    page.fill("#id_upload_name", "Digits")
    page.check("label:has-text('Fast') input")
    page.check("label:has-text('Board on the desk') input")
    page.click("text=Start the run")
    expect(page.locator("#step-board")).to_contain_text("Succeeded", timeout=PATIENCE_MS)
    expect(page.locator("#boards")).to_contain_text("virtual")

    figures = report(Run.objects.get())
    (model,), (board,) = figures["models"], figures["boards"]
    assert model["int8_top1"] >= 0.975
    assert model["onnx_top1"] - model["int8_top1"] <= 0.01
    assert board["images"] >= 300
    assert board["agreement"] >= 0.99

    page.click("#boards >> text=Board on the desk")
    cache = Path(django_settings.CACHE_DIR, "datasets", figures["dataset"]["sha256"])
    picture = cache / "images" / "000001.png"
    page.set_input_files("#id_images", picture)
    page.click("#try >> text=Run inference")
    expect(page.locator(".answer .label")).to_have_text("0")
    expect(page.locator("main")).to_contain_text("not a board's")
