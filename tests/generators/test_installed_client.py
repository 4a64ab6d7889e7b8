"""The package ``slipway`` in an empty environment: it needs nothing of the portal, and its types hold."""

import subprocess

import pytest
from django.conf import settings

from portal.teams import tokens
from portal.teams.models import Scope
from tests.generators.test_generated_clients import MINUTES, UV, said

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.generators]
PACKAGE = settings.BASE_DIR / "portal" / "client"
MYPY = [*UV, "tool", "run", "--from", "mypy==2.4.1"]
LIBRARIES = ("types-requests", "click", "cryptography", "rich")
WITH_ITS_LIBRARIES = [word for name in LIBRARIES for word in ("--with", name)]
SCRIPT = """
import sys
from slipway import Client, NotFound

with Client(sys.argv[1], sys.argv[2]) as client:
    name: str = client.me()["username"]
    try:
        client.version("Pets")
    except NotFound as error:
        print(name, error.status, [job["status"] for job in client.jobs()])
"""
WRONG = """
from slipway import Client

client = Client()
client.run("Pets", devices="Bench", epochs=3)
client.me()["user"]
"""


@pytest.fixture
def environment(tmp_path):
    """Call it to install the package, with ``[cli]`` or without; returns the folder of its programs."""
    said([*UV, "--quiet", "venv", "--python", "3.11", tmp_path / "venv"], tmp_path)

    def install(extra=""):
        python = tmp_path / "venv" / "bin" / "python"
        said([*UV, "--quiet", "pip", "install", "--python", python, f"{PACKAGE}{extra}"], tmp_path)
        return python.parent

    return install


def test_the_library_is_installed_by_itself_and_calls_the_portal(
    environment, live_server, team, alice, tmp_path
):
    programs = environment()
    _, secret = tokens.make(team, alice, "Library", Scope.values, 1)
    (tmp_path / "script.py").write_text(SCRIPT)
    assert said([programs / "python", "script.py", live_server.url, secret], tmp_path) == "alice 0 []\n"
    command = subprocess.run([programs / "slipway", "jobs"], capture_output=True, text=True, timeout=MINUTES)
    assert command.returncode == 1 and "install slipway[cli]" in command.stderr
    assert "whoami" in said([environment("[cli]") / "slipway", "--help"], tmp_path)


def test_a_type_checker_accepts_what_is_right_and_finds_what_is_wrong(environment, tmp_path):
    checker = [*MYPY, "mypy", "--strict", "--python-executable", environment() / "python"]
    (tmp_path / "script.py").write_text(SCRIPT)
    assert "Success" in said([*checker, "script.py"], tmp_path)
    (tmp_path / "wrong.py").write_text(WRONG)
    argv = [str(word) for word in [*checker, "wrong.py"]]
    found = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=MINUTES).stdout
    assert 'keyword argument "epochs"' in found and 'no key "user"' in found


def test_the_packages_own_types_hold():
    assert "Success" in said([*MYPY, *WITH_ITS_LIBRARIES, "mypy", "--cache-dir=/dev/null"], PACKAGE)
