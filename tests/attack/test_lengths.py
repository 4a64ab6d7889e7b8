"""Every text and list that is taken has a bound, and no answer repeats a long value whole."""

import json
from functools import cache

import pytest
from django import forms
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from portal.core import echoes
from portal.teams.models import Membership, Role
from tests.seed import everything

BOUNDED = {"uuid", "date-time", "time", "date", "binary"}


@cache
def schema() -> dict:
    return SchemaGenerator().get_schema(request=None, public=True)


def bodies():
    """The schema of each body that the API takes, with its place."""
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            for kind, body in operation.get("requestBody", {}).get("content", {}).items():
                yield f"{method} {path} ({kind})", body.get("schema", {})


def unbounded(part: dict, place: str):
    """Where a text, a list or a free object could be of any size."""
    if "$ref" in part:
        part = schema()["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]]
    for inner in (*part.get("allOf", ()), *part.get("oneOf", ()), *part.get("anyOf", ())):
        yield from unbounded(inner, place)
    if part.get("readOnly"):
        return
    kind = part.get("type")
    if kind == "string" and not (part.keys() & {"maxLength", "enum"} or part.get("format") in BOUNDED):
        yield f"{place}: a text of any length"
    if kind == "array":
        if "maxItems" not in part:
            yield f"{place}: a list of any length"
        yield from unbounded(part["items"], f"{place}[]")
    if kind == "object":
        if "properties" not in part and "maxProperties" not in part:
            yield f"{place}: an object with any number of members"
        for name, inner in part.get("properties", {}).items():
            yield from unbounded(inner, f"{place} {name}")


# Choices, of which the schema does not say how many there are.
EXCUSED = ("put /api/v1/notification-choices/",)


def test_every_text_and_list_that_the_api_takes_has_a_bound():
    found = [fault for place, body in bodies() for fault in unbounded(body, place)]
    found = [fault for fault in found if not any(excuse in fault for excuse in EXCUSED)]
    assert not found, "\n".join(found)


def all_forms(kind=forms.BaseForm):
    for form in kind.__subclasses__():
        yield form
        yield from all_forms(form)


def test_every_form_bounds_its_texts():
    """A form of ours bounds what does not say its bound, so each must be of ours."""
    from portal.core.forms import Styled
    from portal.urls import urlpatterns

    assert urlpatterns  # every view, and with it every form, is imported
    ours = {form for form in all_forms() if form.__module__.startswith("portal.")}
    assert len(ours) > 15
    loose = [
        f"{form.__module__}.{form.__name__}.{name}"
        for form in ours
        if not issubclass(form, Styled)
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field, forms.CharField) and field.max_length is None
    ]
    assert not loose, loose


# --- what an answer repeats ---------------------------------------------------------------------

LONG = "Zq" * 4000


@pytest.fixture
def asker(team, alice):
    Membership.objects.filter(user=alice).update(role=Role.ADMIN)
    client = Client(raise_request_exception=True)
    client.force_login(alice)
    client.rows = everything(team, alice)
    return client


def calls(rows):
    version, run = rows["version"], rows["done"]
    new = {"dataset_version": version.pk, "preset": "fast", "chips": ["rv1106"]}
    yield "post", "tokens/", {"name": "CI", "scopes": [LONG]}
    yield "post", "tokens/", {"name": "CI", "scopes": ["read"] * 9000}
    yield "post", "tokens/", {"name": LONG, "scopes": ["read"]}
    yield "post", "runs/", {**new, "preset": LONG}
    yield "post", "runs/", {**new, "recipe": LONG}
    yield "post", "runs/", {**new, "chips": [LONG]}
    yield "post", "runs/", {**new, "chips": ["rv1106"] * 9000}
    yield "post", "runs/", {**new, "devices": list(range(9000))}
    yield "post", "runs/", {**new, "devices": [LONG]}
    yield "post", "runs/", {**new, "params": {LONG: 1}}
    yield "post", "runs/", {**new, "params": {"epochs": LONG}}
    yield "post", "runs/", {**new, "params": {"epochs": [LONG] * 20}}
    yield "post", "runs/", {**new, "params": {f"p{n}": 1 for n in range(9000)}}
    yield "post", "runs/", {**new, "dataset_version": LONG}
    yield "patch", f"runs/{run.pk}/", {"tags": ["night"] * 9000}
    yield "patch", f"runs/{run.pk}/", {"tags": [LONG]}
    yield "patch", f"runs/{run.pk}/", {"notes": LONG * 2}
    yield "put", "notification-choices/", [{"event": LONG, "portal": "all", "mail": "all"}]
    yield "put", "notification-choices/", [{"event": "run.finished", "portal": LONG, "mail": LONG}] * 900
    yield "post", "webhooks/", {"name": "x", "url": "https://" + LONG, "events": [LONG] * 900}
    yield "post", "devices/", {"name": "x", "profile": LONG, "host": LONG, "host_key": LONG}
    yield "post", "imports/", {"dataset": "x", "source": LONG[:200], "path": LONG}
    yield "post", "drafts/", {"dataset_version": LONG}
    yield "post", "invitations/", {"role": LONG}


def test_no_refusal_of_the_api_repeats_a_long_value(asker):
    for method, path, body in calls(asker.rows):
        answer = getattr(asker, method)(
            f"/api/v1/{path}", data=json.dumps(body), content_type="application/json"
        )
        told = answer.content.decode()
        assert 400 <= answer.status_code < 500, (path, answer.status_code)
        assert len(told) < 10_000 and LONG[:200] not in told, (path, told[:300])


QUERIES = [
    "runs/?status=", "jobs/?kind=", "jobs/?person=", "runs/?created_after=", "history/?kind=", "history/?q=",
    "runs/compare/?ids=", "files/?sha256=", "jobs/?recipe=", "audit/?verb=",
]  # fmt: skip


@pytest.mark.parametrize("address", QUERIES)
def test_no_refused_query_repeats_a_long_value(asker, address):
    told = asker.get(f"/api/v1/{address}{LONG}")
    assert told.status_code < 500
    assert LONG[:200] not in told.content.decode(), told.content[:300]


def test_a_page_tells_a_wrong_choice_without_repeating_it(asker):
    answer = asker.post(
        "/runs/new/", {"dataset_version": asker.rows["version"].pk, "preset": LONG, "chips": [LONG]}
    )
    assert answer.status_code == 422
    told = [line for line in answer.content.decode().splitlines() if "invalid-feedback" in line]
    assert told and not any(LONG[:200] in line for line in told)


@pytest.mark.parametrize(
    "address", ["/datasets/new/?dataset=", "/runs/new/?version=", "/datasets/?before=", "/runs/?before="]
)
@pytest.mark.parametrize("number", ["²", "9" * 30, "9" * 5000, "-1", "٣"])
def test_an_odd_number_in_an_address_is_no_error(asker, address, number):
    assert asker.get(f"/{address}{number}").status_code in (200, 302, 404)


def test_a_short_value_is_repeated_as_it_is():
    assert echoes.shortened("fast") == "fast"
    assert echoes.shortened(12) == 12
    assert len(echoes.shortened("x" * 500)) == echoes.SHOWN
    assert echoes.of_errors({"a": ["“short” is no choice."]}, []) == {"a": ["“short” is no choice."]}
