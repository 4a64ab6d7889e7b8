"""The database and the disk: large pictures, and a lock that somebody holds."""

from __future__ import annotations

import io
import sqlite3
import threading
import time

from PIL import Image

from tests.bench.attacks import attack, require
from tests.bench.attacks.scene import problem, wait_for

PICTURES, SIDE = 26, 7000
LOCK_SECONDS = 9
ANSWER_SECONDS = 5


def _large_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _virtual_board(scene):
    """A device of alpha at the virtual board of the portal, made by its API."""
    from portal.devices.models import Device

    known = Device.objects.filter(team__name="Alpha", name="Virtual").first()
    if known:
        return known
    password = (scene.var / "secrets" / "virtual-board-password").read_text().strip()
    body = {
        "name": "Virtual", "profile": "virtual", "host": "127.0.0.1", "port": scene.portal.board_port,
        "username": "root", "password": password,
    }  # fmt: skip
    made = scene.api("alpha-operator").post("/api/v1/devices/", json=body)
    require(made.status_code == 201, f"The virtual board cannot be registered: {problem(made)}")
    return Device.objects.get(pk=made.json()["id"])


@attack("4 pictures of 49 megapixels")
def large_pictures_for_a_device(scene) -> None:
    """Send 26 PNGs of 7000 × 7000 to a device, while a colleague reads and writes."""
    device, picture = _virtual_board(scene), _large_png()
    files = [("images", (f"{number}.png", picture, "image/png")) for number in range(PICTURES)]
    answers = []

    def send() -> None:
        caller = scene.api("alpha-operator")
        answers.append(caller.post(f"/api/v1/devices/{device.pk}/inferences/", files=files, timeout=180))

    thread = threading.Thread(target=send)
    thread.start()
    colleague, slowest = scene.api("beta-admin"), 0.0
    while thread.is_alive():
        began = time.monotonic()
        read = colleague.get("/api/v1/runs/")
        written = colleague.put("/api/v1/limits/", json={"running_train": 1})
        slowest = max(slowest, time.monotonic() - began)
        odd = [one.status_code for one in (read, written) if one.status_code not in (200, 429)]
        require(not odd, f"A colleague got {odd} meanwhile.")
        time.sleep(0.3)
    thread.join()
    require(slowest < 2 * ANSWER_SECONDS, f"A colleague waited {slowest:.1f} s for a read and a write.")
    require(answers and answers[0].status_code < 500, f"The pictures: {answers and answers[0].status_code}.")
    if answers[0].status_code == 202:
        _ends(scene, answers[0].json()["job"]["id"])


def _ends(scene, job: int) -> None:
    caller = scene.api("alpha-operator")
    state = lambda: caller.get(f"/api/v1/jobs/{job}/").json()["status"]  # noqa: E731
    ended = wait_for(lambda: state() in ("succeeded", "failed", "cancelled"), 90, pause=1)
    require(ended, f"Job {job} with the pictures is still {state()}.")


@attack("4 a locked database", alone=True)
def a_locked_database(scene) -> None:
    """Hold the database's write lock: reading goes on, a write is a 503 with Retry-After."""
    reader, writer, page = scene.api("beta-viewer"), scene.api("beta-admin"), scene.browser("beta-member")
    with sqlite3.connect(scene.var / "db.sqlite3", isolation_level=None, timeout=30) as holder:
        holder.execute("BEGIN IMMEDIATE")
        try:
            for call in (reader.get, page.get):
                for path in ("/api/v1/runs/", "/api/v1/datasets/"):
                    began = time.monotonic()
                    answer = call(path)
                    seconds = time.monotonic() - began
                    require(answer.status_code == 200, f"GET {path}: {answer.status_code} {problem(answer)}")
                    require(seconds < ANSWER_SECONDS, f"GET {path} took {seconds:.1f} s.")
            answer = page.get("/datasets/")
            require(answer.status_code == 200, f"GET /datasets/: {answer.status_code}")
            _write_is_refused(writer)
        finally:
            holder.rollback()


def _write_is_refused(writer) -> None:
    began = time.monotonic()
    answer = writer.put("/api/v1/limits/", json={"running_train": 2})
    require(answer.status_code == 503, f"A write: status {answer.status_code} {problem(answer)}")
    require(answer.headers.get("Retry-After", "").isdigit(), "The 503 has no Retry-After.")
    seconds = time.monotonic() - began
    require(seconds < 2 * LOCK_SECONDS, f"A write was refused after {seconds:.1f} s only.")
