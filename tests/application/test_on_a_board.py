"""The application on a virtual board, a real process: it gives the golden predictions; jobs manage it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zipfile

import pytest
from django.urls import reverse

from portal.application import pages, services
from portal.application.models import Act
from portal.jobs.models import Status
from tests.devices.boards import COLOURS, needs_convert_environment, until
from tests.devices.live import BEFORE, execute

pytestmark = [pytest.mark.ssh, needs_convert_environment, pytest.mark.django_db(transaction=True)]
FOLDER = {"source": "folder", "folder": "pictures", "every_ms": "50", "width": "640", "height": "480"}


@pytest.fixture
def app_board(renewed_board):
    """A board with the golden images of its release in a folder, on which nothing runs afterwards."""
    root = renewed_board.home / "slipway"
    shutil.copytree(root / "releases" / BEFORE / "golden", root / "pictures")
    yield renewed_board
    keeper = root / "app" / "keeper.py"
    if keeper.exists():
        subprocess.run(["python3", keeper, "stop"], check=False)


def test_it_gives_the_golden_predictions_and_is_stopped_and_removed(alices, rows, app_board):
    rows.deployed()
    page = reverse("app-detail", args=[rows.device.pk])
    broker = {
        "output": "mqtt",
        "host": "127.0.0.1",
        "port": "1",
        "topic": "belt",
        "qos": "1",
        "password": "secret",
    }
    assert alices.post(page, FOLDER | broker).status_code == 302
    application = pages.of(rows.device)
    assert "secret" not in json.dumps(application.config) + application.secret
    job = execute(application.job)
    assert job.status == Status.SUCCEEDED, job.message
    home = app_board.home / "slipway" / "app"
    assert json.loads((home / "config.json").read_text())["outputs"][0]["password"] == "secret"
    assert (home / "config.json").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700  # also before the settings are there

    def seen() -> dict:
        try:
            lines = json.loads((home / "run" / "state.json").read_text())["recent"]
        except (OSError, ValueError):
            return {}
        found = [json.loads(line) for line in lines]
        return {one["image"]: one["label"] for one in found} if len(found) >= len(COLOURS) else {}

    golden = json.loads((app_board.home / "slipway/current/manifest.json").read_text())
    expected = {
        one["image"].partition("/")[2]: golden["class_names"][one["label_id"]] for one in golden["golden"]
    }
    assert until(seen, "predictions") == expected

    job = execute(services.act(application, rows.user, Act.STATUS).job)
    assert job.status == Status.SUCCEEDED, job.message
    body = alices.get(page).content.decode()
    assert "Running" in body and "init.d/S99slipway-app" in body and BEFORE in body
    assert "127.0.0.1:1 belt" in body and "refused" in body and "waiting" in body
    application.refresh_from_db()
    assert pages.sent(application)[0]["words"] in COLOURS

    execute(services.act(application, rows.user, Act.STOP).job)
    application.refresh_from_db()
    assert not application.state["running"] and application.state["boot"].endswith("init.d/S99slipway-app")
    execute(services.act(application, rows.user, Act.REMOVE).job)
    application.refresh_from_db()
    assert not application.is_installed and not home.exists()


def test_a_package_holds_the_application_and_a_cpp_main_with_the_labels(alices, rows):
    rows.deployed()
    answer = alices.get(reverse("app-package", args=[rows.device.pk]))
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = set(archive.namelist())
        main = (archive.read("cpp/main.cpp") + archive.read("cpp/slipway_app.h")).decode()
    assert {"app/app.py", "app/camera.py", "app/README.txt", "app/config.json", "cpp/CMakeLists.txt"} <= names
    assert '{"red", "green", "blue"}' in main or '"red"' in main and "PaddleClas" in main
