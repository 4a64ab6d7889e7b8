"""Generators make clients of the schema without a warning, and one of them does the whole job.

The generators are fetched into environments of their own, and only for these tests.
"""

import json
import subprocess

import pytest
from django.conf import settings
from django.core.management import call_command

from portal.teams import tokens
from portal.teams.models import Scope
from tests.background import Worker
from tests.e2e import boards
from tests.factories import class_zip, png

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.generators]
HERE = settings.BASE_DIR / "tests" / "generators"
UV = [str(settings.BASE_DIR / ".tools" / "bin" / "uv")]
PYTHON_CLIENT = [*UV, "tool", "run", "--from", "openapi-python-client==0.29.1", "openapi-python-client"]
# npm's own warnings, such as that it is older than wished, are none of the generator.
NPM = ["npm", "exec", "--yes", "--loglevel=error"]
TYPESCRIPT = [*NPM, "--package=openapi-typescript@7", "--", "openapi-typescript"]
WITH_CLIENT = [
    "run",
    "--no-project",
    "--with",
    "httpx",
    "--with",
    "attrs",
    "--with",
    "python-dateutil",
    "python",
]
MINUTES = 5 * 60


def said(argv, folder) -> str:
    """What a program says, on both of its outputs, when it ends well."""
    done = subprocess.run(
        [str(word) for word in argv], cwd=folder, capture_output=True, text=True, timeout=MINUTES
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def schema(tmp_path):
    call_command("spectacular", "--format", "openapi-json", "--file", str(tmp_path / "schema.json"))
    return tmp_path / "schema.json"


@pytest.fixture
def python_client(schema, tmp_path):
    """The folder that holds the package ``slipway_client``, and what its generator said."""
    options = ["--path", schema, "--config", HERE / "python_client.yaml", "--meta", "none"]
    words = said([*PYTHON_CLIENT, "generate", *options, "--output-path", "slipway_client"], tmp_path)
    return tmp_path, words


@pytest.fixture
def portal(live_server, monkeypatch):
    """A portal with workers, fake programs and stand-ins of boards."""
    boards.install(monkeypatch)
    worker = Worker()
    worker.start()
    yield live_server.url
    worker.stop()


def test_the_python_client_is_generated_without_a_warning(python_client):
    assert "warning" not in python_client[1].lower(), python_client[1]


def test_the_typescript_types_are_generated_without_a_warning(schema, tmp_path):
    words = said([*TYPESCRIPT, schema, "-o", "schema.ts"], tmp_path)
    assert "warn" not in words.lower(), words
    assert "export interface paths" in (tmp_path / "schema.ts").read_text()


def test_the_generated_python_client_does_the_whole_job(python_client, portal, team, alice, tmp_path):
    (tmp_path / "pets.zip").write_bytes(class_zip().read())
    (tmp_path / "dog.png").write_bytes(png((40, 11, 7)))
    _, secret = tokens.make(team, alice, "Generated", Scope.values, 1)
    script = (tmp_path / "whole_job.py").write_text((HERE / "whole_job.py").read_text()) and "whole_job.py"
    out = said([*UV, "--quiet", *WITH_CLIENT, script, portal, secret, "pets.zip", "dog.png"], tmp_path)
    found = json.loads(out.strip().splitlines()[-1])
    assert found["status"] == "succeeded"
    assert {"paddle", "simulator", "board"} <= set(found["stages"])
    assert found["is_whole"] and found["is_zip"] and found["is_deployed"]
    assert found["labels"] and all(found["labels"])
