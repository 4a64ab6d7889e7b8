"""Every operation of the schema, called by every role with values made up from it and with values against it.

No answer may be a 5xx, have a status that its operation does not name, or look otherwise than the schema
says. What is against the schema is refused, and so is who sends no token. ``LEFT_OUT`` says which checks of
schemathesis do not fit.
"""

from collections import Counter

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import transaction
from hypothesis import HealthCheck, Phase, assume, settings
from schemathesis import GenerationMode, checks
from schemathesis.config import (
    ChecksConfig,
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
from portal.teams.models import Membership, Role, Scope, User
from portal.wsgi import application
from tests.conftest import make_people
from tests.graphs import deployments_of, job_of, model_of
from tests.seed import everything

EXAMPLES = 8
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
checks.load_all_checks()
LEFT_OUT = {
    "positive_data_acceptance": "what fits the schema may be refused by sense: no chip, a name in use",
    "use_after_free": "each call is undone, so that all start from the same rows",
    "ensure_resource_availability": "as above: what a call made is gone before the next one",
    "missing_required_header": "of the coverage phase, which is off: the tests of uploads leave each out",
    "unsupported_method": "of the coverage phase: test_authorization_matrix knows every method",
    "object_level_authorization": "test_authorization_matrix asks for every row as a stranger",
}
CHECKS = checks.CHECKS.get_by_names([name for name in checks.CHECKS.get_all_names() if name not in LEFT_OUT])
# Beside the usual ones: a state that has changed, and what the protocol of uploads answers.
REJECTIONS = [400, 401, 403, 404, 405, 406, 409, 410, 411, 412, 413, 415, 416, 429, 460]
# Every second call is an administrator's, who comes furthest; the others take turns.
ASKERS = ("admin", "viewer", "admin", "member", "admin", "operator")
CONFIG = SchemathesisConfig(
    seed=1,
    projects=ProjectsConfig(
        default=ProjectConfig(
            generation=GenerationConfig(
                max_examples=EXAMPLES, deterministic=True, with_security_parameters=False, modes=MODES
            ),
            checks=ChecksConfig.from_dict({"negative_data_rejection": {"expected-statuses": REJECTIONS}}),
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
    """One of everything: a token for each role, and the ids of what is there, by the path's start."""
    with django_db_blocker.unblock():
        people = make_people()
        alice, team = people["alice"], people["team"]
        alice.memberships.update(role="admin")
        found = everything(team, alice)
        secrets = {role: _token_of(team, role) for role in Role.values}
        run = found["failed"]
        ids = {
            "datasets": found["version"].dataset_id, "dataset-versions": found["version"].pk, "runs": run.pk,
            "jobs": job_of(found["done"]).pk, "models": model_of(run).pk,
            "evaluations": model_of(run).evaluations.first().pk,
            "compiled-models": found["model"].pk, "devices": found["virtual"].pk,
            "inferences": found["inference"].pk, "deployments": deployments_of(run).first().pk,
            "members": alice.memberships.get().pk,
        }  # fmt: skip
        yield secrets, ids
        call_command("flush", verbosity=0, interactive=False)


def _token_of(team, role: str) -> str:
    person = User.objects.create_user(f"the-{role}")
    Membership.objects.create(team=team, user=person, role=role)
    return tokens.make(team, person, "All", Scope.values, 30)[1]


@pytest.fixture(scope="module")
def turns():
    """How often each operation was called."""
    return Counter()


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
def test_no_operation_breaks_or_answers_what_it_does_not_name(case, rows, turns, nobody_answers):
    # Neither can be written in an address: what is left there is an empty filter, which is none.
    assume(not any(value in ({}, []) for value in (case.query or {}).values()))
    secrets, ids = rows
    asker = ASKERS[turns[case.operation.label] % len(ASKERS)]
    turns[case.operation.label] += 1
    # In-process calls are not decompressed.
    headers = {"Authorization": f"Bearer {secrets[asker]}", "Accept-Encoding": "identity"}
    start = case.path.removeprefix("/api/v1/").split("/")[0]
    # Made-up ids are hardly ever there: every second call is about a row that is.
    if "id" in case.path_parameters and start in ids and len(repr(case.body) + repr(case.query)) % 2 == 0:
        case.path_parameters["id"] = ids[start]
        if "name" in case.path_parameters:
            case.path_parameters["name"] = "model.onnx"
    with transaction.atomic():
        answer = case.call(headers=headers)
        transaction.set_rollback(True)
    case.validate_response(answer, checks=CHECKS, headers=headers)
