"""Rows name tasks, recipes, presets, chips and boards. One that this release no longer has breaks no page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from portal.core import configs
from portal.core.configs import Shelf
from portal.datasets.models import DatasetVersion
from portal.datasets.services import create_version
from portal.devices.services import start_probe
from portal.jobs import execution
from portal.jobs.models import Status
from portal.models.models import Model
from portal.runs.models import Run
from portal.runs.plan import make_plan
from portal.runs.services import create_run
from portal.teams.models import Membership, Role, User
from tests.authorization_table import API, PAGES
from tests.factories import class_zip
from tests.test_authorization_matrix import TUS, api_values, ask, make_rows, page_values, pages

# What rows of ``seed`` name, with what goes with it: a server does not start with files that lead nowhere.
GONE = {
    "presets": {"presets": ("fast",)},
    "recipes": {"presets": ("fast",), "recipes": ("pp_lcnet_x0_25",)},
    "chips": {"chips": ("rv1106",), "boards": ("virtual", "lockzhiner-vision-module")},
    "boards": {"boards": ("virtual", "lockzhiner-vision-module")},
}
SENTENCES = {
    "presets": "This server no longer has the preset fast: choose another one.",
    "recipes": "This server no longer has the recipe pp_lcnet_x0_25: choose another one.",
    "chips": "This server no longer has the chip rv1106: choose another one.",
    "boards": "This server no longer has the board profile virtual: register the board with another one.",
    "tasks": "This release does not know the task telepathy:",
}
# What is made of them alone: without them there is nothing to show, and the answer is the sentence.
MADE_OF_THEM = {"GET device-apps/{pk}/package/"}


@pytest.fixture
def rows(team, alice):
    return make_rows(team, alice)


@pytest.fixture
def admin(team):
    user = User.objects.create_user("admin", is_superuser=True)
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    return user


@pytest.fixture(params=[*GONE, "tasks"])
def gone(request, rows, monkeypatch):
    """Take away what the rows name, as if another release ran now."""
    if request.param == "tasks":
        for model in (Run, Model, DatasetVersion):
            model.objects.update(task="telepathy")
    else:
        take_away(monkeypatch, GONE[request.param])
    return request.param


def take_away(monkeypatch, names):
    books = configs._books()
    left = {
        kind: Shelf(kind, {name: one for name, one in getattr(books, kind).items() if name not in gone})
        for kind, gone in names.items()
    }
    fewer = replace(books, **left)
    monkeypatch.setattr(configs, "_books", lambda: fewer)


def broken(client, method, path, arguments, may_refuse=False) -> str:
    """What is wrong with an answer; nothing for any that was meant."""
    client.raise_request_exception = False
    answer = ask(client, method, path, **arguments)
    text = b"" if answer.streaming else answer.content
    # What is asked for by GET is shown without what is gone; that is hardly ever why there is no answer.
    least = 400 if method == "GET" and b"no longer has" in text and not may_refuse else 500
    return f"{method} {path}: {answer.status_code} {text[:200]}" if answer.status_code >= least else ""


def test_no_page_breaks(gone, rows, admin):
    client, addresses = Client(), pages()
    client.force_login(admin)
    found = []
    for key in PAGES:
        method, name = key.split(" ")
        path = "/" + addresses[name].format(**page_values(rows, name))
        found.append(broken(client, method, path, {"data": {}} if method == "POST" else {}))
    assert not [one for one in found if one]


def test_no_endpoint_breaks(gone, rows, admin):
    client, values, found = APIClient(), api_values(rows), []
    client.force_authenticate(admin)
    for key, rule in API.items():
        method, path = key.split(" ")
        body = {"POST datasets/": {"name": "Pets", "file": class_zip()}}.get(key, rule.body)
        if key == "POST runs/":
            body = {"dataset_version": rows["version"].pk, "devices": [rows["virtual"].pk]}
        if key == "POST deployments/":
            body = {"run": rows["done"].pk, "device": rows["virtual"].pk}
        if key == "GET runs/compare/":
            path += f"?ids={rows['done'].pk},{rows['failed'].pk}"
        arguments = {} if method in ("GET", "HEAD") else {"data": body, "format": rule.format}
        if path.startswith("uploads/"):
            arguments = dict(TUS) | ({"data": body} if body else {})
        pk = values.get(key.split(" ")[1]) or values.get(path.split("/")[0])
        parts = {"pk": pk, "name": "model.onnx", "position": 0, "number": rows["delivery"].pk}
        found.append(
            broken(
                client, method, "/api/v1/" + path.format(**parts) + rule.query, arguments, key in MADE_OF_THEM
            )
        )
    assert not [one for one in found if one]


def test_the_page_of_a_run_says_what_is_missing(gone, rows, admin):
    client = Client()
    client.force_login(admin)
    page = client.get(rows["done"].get_absolute_url()).content.decode()
    assert SENTENCES[gone] in page
    if gone == "tasks":
        return
    assert SENTENCES[gone] in client.get(reverse("run-clone", args=[rows["done"].pk])).content.decode()
    if gone in ("chips", "boards"):
        page = client.get(reverse("device-detail", args=[rows["virtual"].pk])).content.decode()
        assert SENTENCES["boards"] in page


@pytest.mark.parametrize("kind", ["recipes", "chips"])
def test_a_run_that_was_planned_before_ends_with_that_sentence(kind, monkeypatch, run_jobs, team, alice):
    version = create_version(team, alice, "Pets", class_zip())
    run = create_run(make_plan(version, preset="fast", chips=["rv1106"]), team, alice)
    take_away(monkeypatch, GONE[kind])
    run_jobs()
    run.refresh_from_db()
    assert (run.status, run.message) == (Status.FAILED, SENTENCES[kind])


def test_a_job_for_a_board_without_its_profile_ends_with_that_sentence(monkeypatch, run_jobs, rows, alice):
    take_away(monkeypatch, GONE["boards"])
    job = start_probe(rows["virtual"], alice)
    execution.execute(job.pk)
    job.refresh_from_db()
    assert (job.status, job.message) == (Status.FAILED, SENTENCES["boards"])
