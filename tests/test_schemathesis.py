"""Every operation of the schema, called with values made up from it and with values against it.

No answer may be a 5xx, have a status that its operation does not name, or look otherwise than the schema
says.
"""

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks
from schemathesis.config import (
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)

from portal.devices import services as devices
from portal.devices.errors import Unreachable
from portal.teams import tokens
from portal.teams.models import Scope
from portal.wsgi import application
from tests.conftest import make_people
from tests.graphs import deployments_of, job_of, model_of
from tests.seed import everything

EXAMPLES = 8
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
CONFIG = SchemathesisConfig(
    seed=1,
    projects=ProjectsConfig(
        default=ProjectConfig(
            generation=GenerationConfig(
                max_examples=EXAMPLES, deterministic=True, with_security_parameters=False
            ),
            phases=PhasesConfig(coverage=CoveragePhaseConfig(enabled=False)),
        )
    ),
)


@schemathesis.serializer("application/offset+octet-stream")
def bytes_of_an_upload(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application, config=CONFIG)


@pytest.fixture(scope="module")
def rows(django_db_setup, django_db_blocker):
    """One of everything, the token of an administrator, and the ids of what is there, by the path's start."""
    with django_db_blocker.unblock():
        people = make_people()
        alice, team = people["alice"], people["team"]
        alice.memberships.update(role="admin")
        found = everything(team, alice)
        _, secret = tokens.make(team, alice, "All", Scope.values, 30)
        run = found["failed"]
        ids = {
            "datasets": found["version"].dataset_id, "dataset-versions": found["version"].pk, "runs": run.pk,
            "jobs": job_of(found["done"]).pk, "models": model_of(run).pk,
            "evaluations": model_of(run).evaluations.first().pk,
            "compiled-models": found["model"].pk, "devices": found["virtual"].pk,
            "inferences": found["inference"].pk, "deployments": deployments_of(run).first().pk,
            "members": alice.memberships.get().pk,
        }  # fmt: skip
        # In-process calls are not decompressed.
        yield {"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}, ids
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def nobody_answers(monkeypatch):
    """No board is asked, and the connection of the test is the server's: it closes it after no call."""
    for signal in (request_started, request_finished):
        monkeypatch.setattr(signal, "send", lambda **arguments: [])

    def unreachable(*args):
        raise Unreachable("Nobody is there.")

    monkeypatch.setattr(devices, "fetch_host_key", unreachable)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@pytest.mark.fuzz
@pytest.mark.django_db
def test_no_operation_breaks_or_answers_what_it_does_not_name(case, rows, nobody_answers):
    headers, ids = rows
    start = case.path.removeprefix("/api/v1/").split("/")[0]
    # Made-up ids are hardly ever there: every second call is about a row that is.
    if "id" in case.path_parameters and start in ids and len(repr(case.body) + repr(case.query)) % 2 == 0:
        case.path_parameters["id"] = ids[start]
        if "name" in case.path_parameters:
            case.path_parameters["name"] = "model.onnx"
    with transaction.atomic():
        answer = case.call(headers=headers)
        transaction.set_rollback(True)
    case.validate_response(answer, checks=CHECKS)
