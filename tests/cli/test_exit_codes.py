"""The contract with scripts: every exit code, what stands on standard output, and one sentence beside it."""

import contextlib
import http.server
import json
import os
import pty
import signal
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from slipway import Client, calls, waiting
from slipway.cli import follow
from slipway.cli.screen import Screen
from slipway.errors import NotAllowed, NotFound, Refused, Unreachable

from portal.jobs.models import Status
from portal.runs.models import Run
from portal.teams import tokens
from tests.jobs.helpers import PATIENCE_SECONDS
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def answering(*answers):
    """A server that gives these (status, headers, body) in turn, the last one for ever; yields it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append((self.command, dict(self.headers)))
            status, headers, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_HEAD = do_PATCH = do_GET

        def log_message(self, *arguments):
            pass

    left, seen = list(answers), []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.url = seen, f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def problem(status, sentence, **headers):
    return status, headers, json.dumps({"status": status, "detail": sentence}).encode()


@pytest.fixture
def elsewhere(monkeypatch):
    """Call it with an address to be signed in there."""

    def go(url):
        monkeypatch.setenv("SLIPWAY_URL", url)
        monkeypatch.setenv("SLIPWAY_TOKEN", "slw_x")

    return go


def test_0_with_json_is_one_document_and_nothing_else(signed_in, slipway):
    for words in (["jobs"], ["runs"], ["dataset", "list"], ["device", "list"], ["whoami"]):
        answer = slipway(*words, "--json")
        assert (answer.code, answer.err) == (0, ""), words
        assert answer.json is not None


def test_1_when_the_run_failed(signed_in, slipway, team, alice):
    seeder = Seeder(team, alice)
    run = seeder.run(seeder.version(), status=Status.FAILED, message="The loss became NaN.")
    seeder.train(run, Status.FAILED)
    answer = slipway("watch", run.pk)
    assert answer.code == 1
    assert answer.err.splitlines()[-1] == "slipway: The loss became NaN."


@pytest.mark.parametrize(
    "words",
    [
        ["fly"],
        ["run"],
        ["log", "run/12"],
        ["cancel", "job/x"],
        ["jobs", "--limit", "many"],
        ["dataset", "push", "no such folder"],
        ["run", "--dataset", "Pets", "--set", "epochs"],
    ],
)
def test_2_when_the_command_line_cannot_be_meant(signed_in, slipway, words):
    answer = slipway(*words)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err


def test_3_without_a_login_with_a_wrong_token_and_without_the_scope(
    live_server, slipway, monkeypatch, token_of, alice, bob
):
    assert slipway("jobs").code == 3
    monkeypatch.setenv("SLIPWAY_URL", live_server.url)
    for token in ("slw_wrong", token_of(alice, "datasets"), "slw_ümlaut"):
        monkeypatch.setenv("SLIPWAY_TOKEN", token)
        answer = slipway("jobs")
        assert answer.code == 3, token
        assert answer.err.startswith("slipway: ")
    answer = _with(monkeypatch, token_of(alice, "runs"), slipway, "runs")
    assert "This token lacks the scope read" in answer.err
    add = ("device", "add", "X", "--profile", "virtual", "--host", "board", "--key", __file__)
    assert _with(monkeypatch, token_of(bob), slipway, *add).code == 3


def _with(monkeypatch, token, slipway, *words):
    monkeypatch.setenv("SLIPWAY_TOKEN", token)
    return slipway(*words)


@pytest.mark.parametrize(
    "words",
    [
        ["watch", "999999"],
        ["log", "999999"],
        ["cancel", "job/999999"],
        ["download", "run/999999"],
        ["dataset", "show", "Pets"],
        ["run", "--dataset", "Pets", "--chip", "rv1106"],
        ["device", "probe", "Bench"],
    ],
)
def test_4_when_there_is_no_such_thing(signed_in, slipway, words):
    answer = slipway(*words)
    assert answer.code == 4
    assert answer.out == ""
    assert len(answer.err.splitlines()) == 1


def test_4_for_what_is_another_teams(live_server, monkeypatch, slipway, token_of, team, alice, charlie):
    seeder = Seeder(team, alice)
    run = seeder.run(seeder.version())
    seeder.train(run)
    token = token_of(alice)
    other = charlie.memberships.get().team
    monkeypatch.setenv("SLIPWAY_URL", live_server.url)
    assert _with(monkeypatch, token, slipway, "show", run.pk).code == 0
    secret = tokens.make(other, charlie, "CI", ["read"], 1)[1]
    assert _with(monkeypatch, secret, slipway, "show", run.pk).code == 4


def test_5_when_nothing_answers(elsewhere, slipway):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        elsewhere(f"http://127.0.0.1:{free.getsockname()[1]}")
        answer = slipway("jobs")
    assert answer.code == 5
    assert answer.err.startswith("slipway: There is no answer from http://127.0.0.1:")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (problem(500, "Unexpected error."), "Unexpected error."),
        ((502, {}, b"<html>Bad gateway</html>"), "answered with status 502"),
        (problem(503, "Down for a while."), "Down for a while."),
    ],
)
def test_5_when_the_portal_is_out_of_order(elsewhere, slipway, given, words):
    with answering(given) as server:
        elsewhere(server.url)
        answer = slipway("jobs")
    assert answer.code == 5
    assert words in answer.err


def test_5_when_something_else_answers_in_the_portals_place(elsewhere, slipway):
    with answering((200, {}, b"<html>Sign in to the guest network</html>")) as server:
        elsewhere(server.url)
        answer = slipway("jobs")
    assert answer.code == 5
    assert "cannot be understood" in answer.err


def test_6_when_a_value_is_refused(signed_in, slipway, team, alice):
    Seeder(team, alice).version("Pets")
    answer = slipway("run", "--dataset", "Pets", "--chip", "rv9999")
    assert answer.code == 6
    assert "There is no chip 'rv9999'" in answer.err


def test_130_leaves_the_run_going_and_says_how_to_go_on(signed_in, start, team, alice):
    seeder = Seeder(team, alice)
    run = seeder.run(seeder.version(), status=Status.RUNNING)
    seeder.train(run, Status.RUNNING, phase="epoch 1/12")
    process = start("watch", run.pk)
    assert "Data: succeeded" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == (
        f"slipway: Run {run.pk} goes on. "
        f"Look again: slipway watch {run.pk}  Stop it: slipway cancel run/{run.pk}"
    )
    assert Run.objects.get().status == Status.RUNNING


def test_a_reader_that_goes_away_is_no_traceback(signed_in, start, team, alice):
    seeder = Seeder(team, alice)
    job = seeder.job("train")
    seeder.log(job, "x" * 200_000)
    process = start("log", job.pk)
    process.stdout.close()
    assert process.wait(PATIENCE_SECONDS) == 141
    assert process.stderr.read() == ""


# --- trying again -----------------------------------------------------------------------------

ROWS = (200, {}, json.dumps({"results": [], "next": None}).encode())


@pytest.fixture
def patient(monkeypatch):
    """A client that waits for nothing but goes on trying; returns the seconds it would have waited."""
    waited = []
    monkeypatch.setattr(calls.time, "sleep", waited.append)
    return waited


def test_a_call_is_tried_again_while_the_portal_restarts(patient):
    with answering(problem(503, "Starting."), (502, {}, b""), ROWS) as server:
        assert list(Client(server.url, patience=60).rows("jobs/")) == []
    assert len(server.seen) == 3
    assert patient == sorted(patient)


def test_it_waits_as_long_as_it_is_asked_to(patient):
    with answering(problem(429, "Slowly.", **{"Retry-After": "7"}), ROWS) as server:
        Client(server.url, patience=60).get("jobs/")
    assert patient == [7.0]


def test_it_does_not_wait_longer_than_it_has_patience(patient):
    with answering(problem(429, "Slowly.", **{"Retry-After": "700"})) as server:
        with pytest.raises(Unreachable, match="Slowly."):
            Client(server.url, patience=60).get("jobs/")
    assert patient == []


def a_job(status):
    row = {"id": 7, "status": status, "phase": "", "percent": None, "seconds": 1, "message": ""}
    return 200, {}, json.dumps(row).encode()


@pytest.fixture
def screen():
    """A screen that writes on no terminal; ``notes`` is what it would have written."""
    made = Screen()
    made.notes = []
    made.note = made.notes.append
    return made


@pytest.mark.parametrize("status", [500, 502, 503, 504, 521])
def test_watching_goes_on_after_an_error_of_the_server_and_says_so_once(patient, screen, status):
    errors = [problem(status, "Unexpected error.")] * 3
    with answering(a_job("running"), *errors, a_job("succeeded")) as server:
        client = Client(server.url, patience=60)
        client.on_wait = screen.note
        assert follow.job(client, screen, 7, "Check")["status"] == "succeeded"
    assert len([note for note in screen.notes if "Trying again" in note]) == 1
    pauses = [seconds for seconds in patient if seconds != waiting.POLL_SECONDS]
    assert pauses == sorted(pauses) and len(pauses) == 3


def test_watching_ends_when_patience_does(monkeypatch, screen):
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.2)
    with answering(problem(500, "Unexpected error.")) as server:
        with pytest.raises(Unreachable, match="Unexpected error."):
            follow.job(Client(server.url, patience=0), screen, 7, "Check")


@pytest.mark.parametrize(
    ("status", "error"), [(400, Refused), (403, NotAllowed), (404, NotFound), (507, Refused)]
)
def test_watching_ends_at_once_when_the_portal_refuses(patient, screen, status, error):
    with answering(problem(status, "No.")) as server:
        with pytest.raises(error):
            follow.job(Client(server.url, patience=60), screen, 7, "Check")
    assert len(server.seen) == 1


def test_what_changes_something_is_not_sent_again_after_an_unexpected_error(patient):
    with answering(problem(500, "Unexpected error.")) as server:
        client = Client(server.url, patience=60)
        with client.patient(60), pytest.raises(Unreachable):
            client.post("runs/", json={})
    assert len(server.seen) == 1


@pytest.mark.parametrize(("given", "seconds"), [("7", 7), ("soon", 0.5), ("-3", 0.5), ("", 0.5)])
def test_it_reads_how_long_to_wait(patient, given, seconds):
    with answering(problem(503, "Busy.", **{"Retry-After": given}), ROWS) as server:
        Client(server.url, patience=60).get("jobs/")
    assert patient == [seconds]


def test_it_reads_how_long_to_wait_as_a_date(patient):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=3000), usegmt=True)
    with answering(problem(503, "Busy.", **{"Retry-After": date}), ROWS) as server:
        Client(server.url, patience=5000).get("jobs/")
    assert 1000 < patient[0] <= 3000


def test_a_post_sent_again_has_the_same_key(patient):
    with answering(problem(503, "Starting."), problem(409, "It is in progress."), (201, {}, b"{}")) as server:
        Client(server.url, patience=60).post("runs/", json={})
    keys = {headers["Idempotency-Key"] for _, headers in server.seen}
    assert len(server.seen) == 3
    assert len(keys) == 1


def test_names_cannot_steer_the_terminal(elsewhere, slipway):
    row = {"id": 1, "name": "\x1b[2Jevil\u202e", "created_by": "a\tb", "created_at": "2026-11-24T00:00:00Z"}
    with answering((200, {}, json.dumps({"results": [row], "next": None}).encode())) as server:
        elsewhere(server.url)
        answer = slipway("dataset", "list")
    assert "\x1b" not in answer.out and "\u202e" not in answer.out
    assert "\ufffd[2Jevil\ufffd\ta b\t2026-11-24" in answer.out


def test_on_a_terminal_tables_are_drawn_and_steps_are_bars(signed_in, start, team, alice):
    seeder = Seeder(team, alice)
    run = seeder.run(seeder.version())
    seeder.train(run)
    ours, theirs = pty.openpty()
    process = start("watch", run.pk, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while block := os.read(ours, 65536):
            shown += block
    os.close(ours)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert "━━━━".encode() in shown
    assert "┃".encode() in shown


def test_the_token_goes_to_no_other_address(elsewhere, slipway):
    with answering(ROWS) as stranger:
        first = {"results": [], "next": f"{stranger.url}/api/v1/jobs/?cursor=2"}
        with answering((200, {}, json.dumps(first).encode()), ROWS) as server:
            elsewhere(server.url)
            assert slipway("jobs").code == 0
    assert len(server.seen) == 2
    assert stranger.seen == []
