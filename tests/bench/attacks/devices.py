"""Rows of devices: stealing a stored password, blocking another team's board, tarpits at registration."""

from __future__ import annotations

import threading
import time
from itertools import count

from tests.bench.attacks import attack, require
from tests.bench.attacks.scene import problem, wait_for
from tests.bench.net import BlackHole, Proxy, Trap, many

TARPITS = 24
REGISTRATION_SECONDS = 45
FINAL = ("succeeded", "failed", "cancelled")
_numbers = count(1)


def board_password(scene) -> str:
    return (scene.var / "secrets" / "virtual-board-password").read_text().strip()


def register(scene, person: str, port: int, password: str, name: str = "", profile: str = "virtual"):
    """Register a board by the API; return the answer."""
    body = {
        "name": name or f"Board {next(_numbers)}", "profile": profile, "host": "127.0.0.1", "port": port,
        "username": "root", "password": password,
    }  # fmt: skip
    return scene.api(person).post("/api/v1/devices/", json=body)


def job_of(scene, person: str, pk: int) -> dict:
    return scene.api(person).get(f"/api/v1/jobs/{pk}/").json()


def ended(scene, person: str, pk: int, seconds: float) -> str:
    """Wait for a job's end; return its status."""
    wait_for(lambda: job_of(scene, person, pk)["status"] in FINAL, seconds)
    return job_of(scene, person, pk)["status"]


@attack("5 a board's stored password")
def an_operator_steals_a_stored_password(scene) -> None:
    """Point a colleague's device to a server of one's own, in every way there is, and let it be probed."""
    password = board_password(scene)
    with Trap() as trap:
        made = register(scene, "alpha-second-admin", scene.portal.board_port, password)
        require(made.status_code == 201, f"The board cannot be registered: {problem(made)}")
        pk = made.json()["id"]
        ended(scene, "alpha-second-admin", made.json()["probe_job"]["id"], 60)
        for move in ({"port": trap.port}, {"host": "localhost", "port": trap.port}):
            _try_to_move(scene, pk, move)
        _accept_the_key(scene, pk)
        _move_by_the_row(pk, trap.port)
        probe = scene.api("alpha-operator").post(f"/api/v1/devices/{pk}/probe/")
        if probe.status_code == 202:
            ended(scene, "alpha-operator", probe.json()["id"], 60)
        require(password not in trap.heard, "The stored password was sent to another server.")


def _try_to_move(scene, pk: int, move: dict) -> None:
    from portal.devices.models import Device

    api, page = scene.api("alpha-operator"), scene.browser("alpha-operator")
    for extra in ({}, {"passphrase": "x"}, {"password": "", "private_key": ""}, {"username": "other"}):
        answer = api.patch(f"/api/v1/devices/{pk}/", json=move | extra)
        require(answer.status_code == 400, f"PATCH {move | extra}: status {answer.status_code}.")
    form = {"name": f"Moved {pk}", "host": "127.0.0.1", "username": "root", "password": "", **move}
    page.post(f"/devices/{pk}/edit/", form)
    port = Device.objects.get(pk=pk).port
    require(port != move["port"], "The page moved the device and kept its password.")


def _accept_the_key(scene, pk: int) -> None:
    api = scene.api("alpha-operator")
    shown = api.get(f"/api/v1/devices/{pk}/host-key/")
    if shown.status_code == 200:
        api.post(f"/api/v1/devices/{pk}/host-key/", json={"host_key": shown.json()["shown"]})


def _move_by_the_row(pk: int, port: int) -> None:
    """As a stale form or another program might: the row says another place, the secret stays."""
    from portal.devices.models import Device

    Device.objects.filter(pk=pk).update(port=port)


@attack("12 another team's board")
def a_hanging_job_blocks_anothers_board(scene) -> None:
    """A team's job hangs at an address; another team's row of the same address must still get its turn."""
    password = board_password(scene)
    with Proxy(scene.portal.board_port) as proxy:
        mine = register(scene, "beta-operator", proxy.port, password, "Ours")
        require(mine.status_code == 201, f"The board cannot be registered: {problem(mine)}")
        ended(scene, "beta-operator", mine.json()["probe_job"]["id"], 60)
        theirs = register(scene, "alpha-operator", proxy.port, "guessed")
        require(theirs.status_code == 201, f"The row cannot be made: {problem(theirs)}")
        ended(scene, "alpha-operator", theirs.json()["probe_job"]["id"], 60)
        proxy.freeze_next()
        hanging = scene.api("alpha-operator").post(f"/api/v1/devices/{theirs.json()['id']}/probe/").json()
        wait_for(lambda: job_of(scene, "alpha-operator", hanging["id"])["status"] == "running", 30)
        probe = scene.api("beta-operator").post(f"/api/v1/devices/{mine.json()['id']}/probe/").json()
        status = ended(scene, "beta-operator", probe["id"], 45)
        scene.api("alpha-operator").post(f"/api/v1/jobs/{hanging['id']}/cancel/")
    require(status == "succeeded", f"The other team's probe is {status} after 45 s.")


@attack("13 tarpits at registration")
def tarpits_at_registration(scene) -> None:
    """Register 24 boards at once whose servers never say a word, by two people of one team."""
    answers: list[tuple[int, float, str]] = []

    def ask(port: int, person: str) -> None:
        began = time.monotonic()
        answer = register(scene, person, port, "x")
        answers.append((answer.status_code, time.monotonic() - began, problem(answer)))

    with many(TARPITS, BlackHole) as tarpits:
        people = ("alpha-operator", "alpha-admin")
        threads = [
            threading.Thread(target=ask, args=(tarpit.port, people[number % 2]))
            for number, tarpit in enumerate(tarpits)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            seconds = scene.quickest(1)
            require(seconds < 5, f"Others wait {seconds:.1f} s while keys are read from tarpits.")
            time.sleep(0.5)
    slowest = max(answer[1] for answer in answers)
    odd = [answer for answer in answers if answer[0] >= 500 and answer[0] != 503]
    require(len(answers) == TARPITS and not odd, f"{len(answers)} answers, odd ones: {odd[:3]}.")
    require(slowest < REGISTRATION_SECONDS, f"A registration was answered after {slowest:.0f} s.")
