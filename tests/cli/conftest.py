"""The client against a live portal: Alice's token in the environment, workers in threads, fake programs."""

import json
import subprocess
import sys
from dataclasses import dataclass

import pytest
from django.conf import settings
from slipway import calls, waiting
from slipway.cli.main import main

from portal.teams import tokens
from portal.teams.models import Scope
from tests.background import Worker
from tests.e2e import boards
from tests.factories import png

CLIENT = settings.BASE_DIR / "portal" / "client"


@dataclass
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("SLIPWAY_URL", "SLIPWAY_TOKEN", "SLIPWAY_DEVICE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(calls, "PATIENCE_SECONDS", 0.0)


@pytest.fixture
def slipway(capsys):
    """Call it with the words of a command line."""

    def call(*words) -> Answer:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return call


@pytest.fixture
def token_of(team):
    """Call it with a person and scopes for a token's secret."""

    def make(person, *scopes):
        return tokens.make(team, person, "CI", list(scopes or Scope.values), 1)[1]

    return make


@pytest.fixture
def signed_in(live_server, monkeypatch, token_of, alice):
    """Alice's token in the environment."""
    monkeypatch.setenv("SLIPWAY_URL", live_server.url)
    monkeypatch.setenv("SLIPWAY_TOKEN", token_of(alice))


@pytest.fixture
def portal(signed_in, monkeypatch):
    """A portal with workers, whose boards are stand-ins."""
    boards.install(monkeypatch)
    worker = Worker()
    worker.start()
    yield
    worker.stop()


@pytest.fixture
def pets(tmp_path):
    """A folder of class folders; every image differs from every other."""
    return make_images(tmp_path / "pets")


def make_images(folder, classes=("cat", "dog"), images=5):
    for row, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for column in range(images):
            content = png((40 * row % 256, 11 * column % 256, 7))
            (folder / name / f"{column}.png").write_bytes(content)
    return folder


@pytest.fixture
def start():
    """Call it with words to start ``slipway`` as a process of its own."""
    begun = []

    def popen(*words, **options) -> subprocess.Popen:
        argv = [sys.executable, "-m", "slipway", *(str(word) for word in words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        begun.append(subprocess.Popen(argv, cwd=CLIENT, **pipes | options))
        return begun[-1]

    yield popen
    for process in begun:
        process.kill()
        process.communicate()
