"""Rows name tasks, recipes, presets, chips and boards. One that this release no longer has breaks no page."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from django.test import Client
from rest_framework.test import APIClient

from portal.core import configs
from portal.datasets.models import DatasetVersion
from portal.models.models import Model
from portal.runs.models import Run
from portal.teams.models import Membership, Role, User
from tests.authorization_table import API, PAGES
from tests.factories import class_zip
from tests.test_authorization_matrix import TUS, api_values, ask, make_rows, page_values, pages

# What the rows of ``seed`` name.
GONE = {"presets": ("fast",)}


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
        return request.param
    books = configs._books()
    left = {key: one for key, one in getattr(books, request.param).items() if key not in GONE[request.param]}
    fewer = replace(books, **{request.param: left})
    assert {field.name for field in fields(books)} >= set(GONE)
    monkeypatch.setattr(configs, "_books", lambda: fewer)
    return request.param


def broken(client, method, path, arguments) -> str:
    """What is wrong with an answer; nothing for any that was meant."""
    client.raise_request_exception = False
    answer = ask(client, method, path, **arguments)
    return f"{method} {path}: {answer.status_code}" if answer.status_code >= 500 else ""


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
        found.append(broken(client, method, "/api/v1/" + path.format(**parts) + rule.query, arguments))
    assert not [one for one in found if one]
