"""What the schema says of bodies and answers is what generated clients rely on."""

import re
from functools import cache

import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from tests.factories import class_zip

JSON, FORM, BYTES = "application/json", "multipart/form-data", "application/offset+octet-stream"


@cache
def schema() -> dict:
    return SchemaGenerator().get_schema(request=None, public=True)


def operations():
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path.removeprefix('/api/v1/')}", operation


def bodies(operation: dict) -> dict:
    return {
        kind: body["schema"] for kind, body in operation.get("requestBody", {}).get("content", {}).items()
    }


def whole(part: dict) -> dict:
    """The part itself, or what it refers to."""
    return schema()["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part


def files_in(part: dict) -> list[str]:
    """The names of the fields that are files, or lists of files."""
    fields = whole(part).get("properties", {})
    return [name for name, field in fields.items() if field.get("items", field).get("format") == "binary"]


@pytest.fixture
def api(alice):
    client = APIClient()
    client.force_authenticate(alice)
    return client


def test_files_are_bytes_and_stand_in_forms_only_and_every_form_has_one():
    found = {}
    for call, operation in operations():
        for kind, body in bodies(operation).items():
            assert kind in (JSON, FORM, BYTES), (call, kind)
            assert bool(files_in(body)) == (kind == FORM), (call, kind)
            assert "'uri'" not in str(whole(body)) or "url" in whole(body)["properties"], call
            if kind == FORM:
                found[call] = files_in(body)
    assert found == {
        "POST capture-drafts/{id}/images/": ["image"],
        "POST datasets/": ["file"],
        "POST devices/{id}/inferences/": ["images"],
    }


def test_each_kind_of_content_has_a_schema_of_its_own():
    for call, operation in operations():
        refs = [str(body) for body in bodies(operation).values()]
        assert len(set(refs)) == len(refs), call


def test_a_dataset_comes_as_a_form_with_a_file_or_as_json_with_an_upload(api):
    answer = api.post("/api/v1/datasets/", {"name": "Pets", "file": class_zip()}, format="multipart")
    assert answer.status_code == 201, answer.json()
    answer = api.post("/api/v1/datasets/", {"name": "Pets"}, format="json")
    assert answer.status_code == 400
    assert "as multipart/form-data" in answer.json()["errors"]["upload"][0]
    answer = api.post("/api/v1/datasets/", {"name": "Pets"}, format="multipart")
    assert answer.json()["errors"] == {"file": ["Send a file."]}


@pytest.mark.parametrize("kind", [FORM, "application/x-www-form-urlencoded"])
def test_where_no_file_is_taken_json_is_the_only_kind(api, kind):
    for path in ("datasets/imports/", "runs/", "drafts/"):
        answer = api.post(f"/api/v1/{path}", "name=Pets", content_type=f"{kind}; boundary=x")
        assert answer.status_code == 415, path
        assert answer["Content-Type"] == "application/problem+json"
        assert "Send a file to /api/v1/uploads/ first" in answer.json()["detail"]


def test_a_refused_type_is_answered_with_the_types_that_are_taken(api):
    answer = api.post("/api/v1/datasets/", "a,b", content_type="text/csv")
    assert answer.status_code == 415
    assert answer.json()["detail"].startswith("Send application/json or multipart/form-data: ")


def test_roles_of_folders_come_as_lines_in_a_form(api):
    body = {"name": "Pets", "file": class_zip(), "roles": "cat=class\ndog=ignored"}
    assert api.post("/api/v1/datasets/", body, format="multipart").status_code == 201
    body = {"name": "Pets", "file": class_zip(), "roles": "cat"}
    assert "folder=role" in str(
        api.post("/api/v1/datasets/", body, format="multipart").json()["errors"]["roles"]
    )


def test_names_of_choices_and_ids_are_such_that_a_generated_client_can_speak_them():
    components = schema()["components"]["schemas"]
    assert "BlankEnum" not in components
    for name, component in components.items():
        values = component.get("enum", [])
        if any(not str(value)[:1].isalpha() for value in values if value is not None):
            assert len(component["x-enum-varnames"]) == len(values), name
    choices = [(tuple(part["enum"]), name) for name, part in components.items() if part.get("enum")]
    assert len({values for values, _name in choices}) == len(choices), "one name for one set of choices"
    for call, operation in operations():
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path" and parameter["name"] in ("id", "number", "position"):
                assert parameter["schema"].get("type") == "integer" or "uploads/" in call, call
            if parameter["in"] == "query":
                assert call.startswith("GET "), f"{call} takes {parameter['name']}"


def test_every_status_is_a_choice_and_no_bare_text():
    for name, component in schema()["components"]["schemas"].items():
        for field, shape in component.get("properties", {}).items():
            if field in ("status", "state") and shape.get("type") != "integer":
                assert "Enum" in str(shape), f"{name}.{field}"


def _unbounded(part: dict, place: str):
    """The places of the whole numbers in a part of the schema that may be as large as one likes."""
    part = whole(part)
    if part.get("type") == "integer" and "maximum" not in part and "enum" not in part:
        yield place
    for name, field in part.get("properties", {}).items():
        yield from _unbounded(field, f"{place}.{name}")
    inner = [part["items"]] if "items" in part else []
    for more in (*part.get("allOf", ()), *part.get("oneOf", ()), *inner):
        yield from _unbounded(more, place)


def test_every_number_that_is_sent_has_a_bound_that_a_database_takes():
    """But for ids of rows in bodies, which are looked for, and the bytes of an upload, whose bound is a
    setting."""
    found = []
    for name, operation in operations():
        for parameter in operation.get("parameters", ()):
            found += _unbounded(parameter["schema"], f"{name} {parameter['name']}")
        for body in bodies(operation).values():
            found += _unbounded(body, name)
    ids = re.compile(
        r"\.(run|device|devices|draft|groups|dataset|dataset_version|jump|model|teacher|unlabelled)$"
        r"|uploads/.* Upload-"
    )
    assert [place for place in found if not ids.search(place)] == []


def test_what_belongs_to_one_row_is_not_narrowed_by_the_filters_of_the_rows():
    names = {
        f"{name} {parameter['name']}"
        for name, operation in operations()
        for parameter in operation.get("parameters", ())
        if name.startswith("GET jobs/{id}/") and parameter["in"] == "query"
    }
    assert names == {
        "GET jobs/{id}/log/ offset",
        "GET jobs/{id}/metrics/ after",
        "GET jobs/{id}/metrics/ most",
    }
