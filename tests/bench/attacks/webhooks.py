"""Webhooks: tests that hang and starve everybody's upkeep, and addresses that wrap private ones."""

from __future__ import annotations

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.bench.attacks import attack, require
from tests.bench.attacks.scene import problem, wait_for
from tests.bench.net import BlackHole

TESTS = 24
REAP_SECONDS = 90  # lost after 60 s without a heartbeat, looked for every 15 s
DELIVERY_SECONDS = 30
WRAPPED = [
    "[::ffff:127.0.0.1]", "[::ffff:0:10.0.0.1]", "[::ffff:0:7f00:1]", "[64:ff9b::10.0.0.1]",
    "[64:ff9b:1::10.0.0.1]", "[2002:0a00:0001::1]", "[2001:0:0a00:1::]", "[::10.0.0.1]", "[::1]", "[fe80::1]",
    "[fec0::1]", "[fc00::1]", "[ff02::1]", "[2001:db8::1]", "0.0.0.0", "100.64.0.1", "169.254.169.254",
    "10.0.0.1", "127.1.1.1", "2130706434", "0x7f000002", "0177.0.0.2", "198.18.0.1", "224.0.0.1",
    "240.0.0.1", "192.0.2.1", "[::ffff:0:0]",
]  # fmt: skip
EVENTS = ["run.finished"]


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.set()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def _hook(scene, person: str, port: int) -> int:
    body = {"name": f"to {port}", "url": f"http://127.0.0.1:{port}/", "events": EVENTS}
    made = scene.api(person).post("/api/v1/webhooks/", json=body)
    require(made.status_code == 201, f"A webhook cannot be made: {problem(made)}")
    return made.json()["id"]


@attack("11 webhook tests that hang")
def webhook_tests_starve_the_upkeep(scene) -> None:
    """Order 24 tests at a receiver that never answers; a lost job and another team's test must not wait."""
    with BlackHole() as hole, ThreadingHTTPServer(("127.0.0.1", 0), _Receiver) as receiver:
        receiver.received = threading.Event()
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        hook, admin = _hook(scene, "alpha-admin", hole.port), scene.api("alpha-admin")
        statuses = [admin.post(f"/api/v1/webhooks/{hook}/test/").status_code for _ in range(TESTS)]
        require(set(statuses) <= {202, 409, 429}, f"The tests were answered with {set(statuses)}.")
        lost = _lost_job()
        other = _hook(scene, "beta-admin", receiver.server_address[1])
        scene.api("beta-admin").post(f"/api/v1/webhooks/{other}/test/")
        delivered = receiver.received.wait(DELIVERY_SECONDS)
        reaped = wait_for(lambda: _status(lost) != "running", REAP_SECONDS, pause=1)
        receiver.shutdown()
        admin.delete(f"/api/v1/webhooks/{hook}/")
        scene.api("beta-admin").delete(f"/api/v1/webhooks/{other}/")
    require(delivered, f"Another team's test was not delivered within {DELIVERY_SECONDS} s.")
    require(reaped, f"A lost job was not noticed within {REAP_SECONDS} s.")


def _lost_job() -> int:
    """A row as a worker leaves it that was killed two minutes ago."""
    from django.utils import timezone

    from portal.jobs.models import Job
    from portal.teams.models import Team

    then = timezone.now() - timedelta(minutes=2)
    job = Job.objects.create(
        team=Team.objects.get(name="Beta"), kind="train", queue="train", status="running", worker="gone",
        started_at=then, heartbeat_at=then, attempt=9,
    )  # fmt: skip
    return job.pk


def _status(pk: int) -> str:
    from portal.jobs.models import Job

    return Job.objects.get(pk=pk).status


@attack("16 the webhook guard")
def webhooks_to_wrapped_private_addresses(scene) -> None:
    """Make webhooks to every form in which a private address can be written."""
    admin = scene.api("alpha-second-admin")
    for host in WRAPPED:
        body = {"name": host, "url": f"http://{host}:8080/", "events": EVENTS}
        answer = admin.post("/api/v1/webhooks/", json=body)
        # 127.0.0.1 itself is allowed here, for the receivers of these attacks; so is its mapped form.
        if host != "[::ffff:127.0.0.1]":
            refused = answer.status_code == 400 and "url" in answer.json().get("errors", {})
            require(refused, f"{host}: status {answer.status_code} {answer.text[:200]}")
