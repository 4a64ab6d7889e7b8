"""``manage.py demo --against``: another portal, no process of our own."""

import os
import signal

import pytest
from django.core.management import CommandError, call_command
from slipway.errors import Interrupted

from portal.ops.management.commands import demo as command
from portal.teams.services import create_first_administrator

REPORT = {"page": "http://portal:8000/runs/7/"}


@pytest.fixture
def asked(monkeypatch):
    """What the command asks of the client, instead of the main job."""
    seen = {}

    class Client:
        def __init__(self, base):
            seen["base"] = base

        def wait_until_up(self, seconds):
            pass

        def sign_in(self, username, password, name, scopes, days):
            seen["person"] = username

    def run_demo(client, sample, board, folder, console):
        seen.update(board=board, sample=sample.name)
        return REPORT

    def start(*arguments, **options):
        raise AssertionError("a process was started")

    monkeypatch.setattr(command, "Client", Client)
    monkeypatch.setattr(command.demo, "run_demo", run_demo)
    monkeypatch.setattr(command.demo, "print_table", lambda report, console: None)
    monkeypatch.setattr(command.subprocess, "Popen", start)
    monkeypatch.setenv("VIRTUAL_BOARD_PASSWORD", "secret of the board")
    return seen


@pytest.mark.parametrize("arguments", [("--against", "http://portal:8000"), ("--board", "board:2222")])
def test_it_wants_both_the_portal_and_the_board(arguments):
    with pytest.raises(CommandError, match="go together"):
        call_command("demo", *arguments)


@pytest.mark.parametrize("address", ["board", "board:ssh", ":2222"])
def test_it_says_what_a_board_address_looks_like(address):
    with pytest.raises(CommandError, match="is not HOST:PORT"):
        call_command("demo", "--against", "http://portal:8000", "--board", address)


@pytest.mark.django_db
def test_it_works_with_the_portal_and_the_board_it_is_told(asked, capsys):
    create_first_administrator()
    call_command("demo", "--against", "http://portal:8000", "--board", "virtual-board:2222")
    assert asked["base"] == "http://portal:8000"
    assert asked["person"] == "demo"
    assert asked["board"] == {
        "host": "virtual-board",
        "port": 2222,
        "username": "root",
        "password": "secret of the board",
    }


@pytest.mark.django_db
def test_it_prints_the_address_under_which_people_reach_the_portal(asked, capsys):
    create_first_administrator()
    board = ("--board", "virtual-board:2222", "--address", "http://127.0.0.1:8000")
    call_command("demo", "--against", "http://portal:8000", *board)
    assert "http://127.0.0.1:8000/runs/7/" in capsys.readouterr().out


@pytest.mark.django_db
def test_ctrl_c_in_the_middle_of_the_job_is_no_failure(asked, monkeypatch):
    def interrupted(*arguments):
        raise Interrupted("It goes on without us.")

    create_first_administrator()
    monkeypatch.setattr(command.demo, "run_demo", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call_command("demo", "--against", "http://portal:8000", "--board", "virtual-board:2222")


@pytest.mark.django_db
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_what_the_demo_has_started(asked, monkeypatch, capsys, number):
    class Process:
        stopped = False

        def terminate(self):
            self.stopped = True

        def wait(self):
            pass

    started = Process()
    create_first_administrator()
    monkeypatch.setattr(command, "call_command", lambda name: None)
    monkeypatch.setattr(command.supervision, "write_config", lambda *arguments: "config")
    monkeypatch.setattr(command.subprocess, "Popen", lambda argv, env: started)
    monkeypatch.setattr(command.demo, "run_demo", lambda *arguments: os.kill(os.getpid(), number))
    before = signal.getsignal(signal.SIGTERM)
    try:
        call_command("demo")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert started.stopped
    assert "Stopping." in capsys.readouterr().out
