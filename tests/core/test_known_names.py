"""Fields and parameters that a call does not know are refused by name, with the nearest one that it does."""

import pytest
from rest_framework.test import APIClient

from portal.camera.models import CaptureDraft
from portal.teams.models import Membership, Role
from tests.authorization_table import API
from tests.test_authorization_matrix import api_values, ask, make_rows

FILES = ("POST devices/{pk}/inferences/", "POST capture-drafts/{pk}/images/")


@pytest.fixture
def rows(team, alice):
    found = make_rows(team, alice)
    CaptureDraft.objects.update(created_by=alice)  # nobody else can use it
    return found


@pytest.fixture
def admin(alice):
    Membership.objects.filter(user=alice).update(role=Role.ADMIN)
    alice.is_superuser = True
    alice.save()
    client = APIClient()
    client.force_authenticate(alice)
    return client


def addresses(rows, *methods):
    """Each call of the table with one of these methods: its name, method and address."""
    values = api_values(rows)
    for key in API:
        method, path = key.split(" ")
        # The protocol of uploads has metadata and bytes; the schema is the framework's.
        if method in methods and not path.startswith("uploads/") and path != "schema/":
            pk = values.get(path) or values.get(path.split("/")[0])
            parts = {"pk": pk, "name": "model.onnx", "position": 0, "number": rows["delivery"].pk}
            yield key, method.lower(), "/api/v1/" + path.format(**parts)


def test_every_call_that_changes_something_refuses_a_field_that_it_does_not_know(rows, admin):
    wrong = []
    for key, method, address in addresses(rows, "POST", "PATCH", "PUT"):
        kind = "multipart" if key in FILES else "json"
        body = {"no_such_field": 1}
        rejected = [body] if key == "PUT notification-choices/" else body
        answer = ask(admin, method, address, data=rejected, format=kind)
        if key.split(" ")[1].startswith("drafts/{pk}/") and answer.status_code == 404:
            continue  # there is none, and what is sent is looked at after it
        if answer.status_code != 400 or "no_such_field" not in answer.content.decode():
            wrong.append(f"{key}: {answer.status_code} {answer.content[:120]}")
    assert not wrong, "\n".join(wrong)


def test_every_call_refuses_a_parameter_that_it_does_not_know(rows, admin):
    wrong = []
    for key, method, address in addresses(rows, "GET", "POST", "PATCH", "PUT", "DELETE"):
        answer = ask(admin, method, f"{address}?no_such_parameter=1")
        if answer.status_code != 400 or "no_such_parameter" not in answer.json().get("errors", {}):
            wrong.append(f"{key}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def errors(answer) -> dict:
    assert answer.status_code == 400, answer.status_code
    return answer.json()["errors"]


@pytest.mark.parametrize(
    ("path", "body", "field", "words"),
    [
        ("runs/", {"parms": {"epochs": 2}}, "parms", "did you mean “params”?"),
        ("runs/", {"epochs": 2}, "epochs", "belongs in “params”"),
        ("runs/", {"zzz": 2}, "zzz", "The fields are chips, dataset_version, devices"),
        ("datasets/samples/digits/", {"name": "x"}, "name", "takes no fields"),
        ("datasets/samples/digits/", ["x"], "body", "takes no fields"),
    ],
)
def test_the_refusal_says_which_field_may_be_meant(admin, path, body, field, words):
    assert words in errors(admin.post(f"/api/v1/{path}", body, format="json"))[field][0]


def test_a_field_of_an_object_in_a_list_is_named_as_well(admin):
    body = [{"event": "run.finished", "portal": "all", "mail": "all", "phone": "all"}]
    assert "phone" in str(admin.put("/api/v1/notification-choices/", body, format="json").json()["errors"])


def test_a_field_that_is_only_told_cannot_be_set(rows, admin):
    answer = admin.patch(f"/api/v1/webhooks/{rows['webhook'].pk}/", {"failures": 0}, format="json")
    assert "no field “failures”" in errors(answer)["failures"][0]


@pytest.mark.parametrize(
    ("query", "name", "words"),
    [
        ("runs/?stauts=failed", "stauts", "did you mean “status”?"),
        ("runs/?limit=abc", "limit", "from 1 to 200"),
        ("runs/?limit=0", "limit", "from 1 to 200"),
        ("runs/?limit=201", "limit", "from 1 to 200"),
        ("runs/?ordering=chips", "ordering", "Order by one of -id, id, -name, name"),
        ("runs/?cursor=abc", "cursor", "no such page"),
        ("runs/?cursor=cD1hYmM=", "cursor", "no such page"),  # p=abc, where a number stands
        ("notifications/?unread=no", "unread", "not a valid choice"),
        ("audit/?via=page&since=soon", "since", "wrong format"),
        ("chips/?name=rv1106", "name", "takes no parameters"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_at_its_name(admin, query, name, words):
    assert words in errors(admin.get(f"/api/v1/{query}"))[name][0]


def test_a_list_comes_in_the_order_that_is_asked_for_across_its_pages(rows, admin):
    for name in ("A", "C", "B"):
        admin.post("/api/v1/teams/", {"name": name}, format="json")
        admin.post("/api/v1/tokens/", {"name": name, "scopes": ["read"]}, format="json")
    for ordering, wanted in (("name", sorted), ("-name", lambda names: sorted(names, reverse=True))):
        found, page = [], f"/api/v1/tokens/?ordering={ordering}&limit=2"
        while page:
            answer = admin.get(page).json()
            found += [row["name"] for row in answer["results"]]
            page = answer["next"]
        assert found == wanted(found) and len(found) == 4
