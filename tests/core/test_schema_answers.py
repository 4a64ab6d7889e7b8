"""Each answer that can be read is what the schema says of it."""

import re

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from portal.teams.models import Membership, Role
from tests.addresses import readable
from tests.test_authorization_matrix import make_rows


def as_json_schema(part):
    """OpenAPI 3.0 as JSON Schema: ``nullable`` is a type there."""
    if isinstance(part, list):
        return [as_json_schema(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {key: as_json_schema(value) for key, value in part.items() if key != "nullable"}
    return {"anyOf": [made, {"type": "null"}]} if part.get("nullable") is True else made


@pytest.fixture
def answers(team, alice):
    """Every readable address that answers JSON, with what it answers to an administrator."""
    found = make_rows(team, alice)
    Membership.objects.filter(user=alice).update(role=Role.ADMIN)
    client = APIClient()
    client.force_authenticate(alice)
    run = found["failed"].pk, found["done"].pk
    queries = {"GET runs/compare/": f"?ids={run[0]},{run[1]}", "GET provenance/": f"?sha256={'0123abcd' * 8}"}
    answers = {}
    for key, address in readable(found).items():
        if not address.startswith("/api/v1/") or "schema" in address:
            continue
        answer = client.get(address.partition("?")[0] + queries.get(key, ""))
        if answer.status_code == 200 and answer["Content-Type"] == "application/json":
            answers[key] = answer.json()
    return answers


def test_every_answer_is_what_the_schema_says(answers):
    schema = as_json_schema(SchemaGenerator().get_schema(request=None, public=True))
    assert len(answers) > 45
    wrong = []
    for key, answer in answers.items():
        path = re.sub(r"{pk}", "{id}", key.split(" ")[1])
        told = schema["paths"]["/api/v1/" + path]["get"]["responses"]["200"]["content"]["application/json"]
        validator = Draft202012Validator({**told["schema"], "components": schema["components"]})
        errors = validator.iter_errors(answer)
        wrong += [f"{key} {error.json_path}: {error.message[:200]}" for error in errors]
    assert not wrong, "\n".join(wrong)
