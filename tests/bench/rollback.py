"""Measures a rollback: from the click on a device's page until the board answers with the earlier release.

    .venv/bin/python -m tests.bench.rollback [--repeat 5]

A real ``manage.py serve`` with its virtual board and two small models of three colours, made by hand; both
are deployed. Then each rollback is asked for by the page's own form. The board is asked over a connection
of its own which release is current; once it is the earlier one, that has to answer its golden images.
Prints one JSON object as its last line: ``seconds``, of the slowest rollback; ``each``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import requests

from tests.bench.attacks.scene import connect_database
from tests.bench.serving import Portal, serving

DEPLOYED_SECONDS = 300
BACK_SECONDS = 120


def prepared(portal: Portal) -> tuple[list[int], int]:
    """Two runs whose models are compiled, and a device: rows as a training and a conversion leave them."""
    from portal.core import configs
    from portal.devices.jumping import fetch_host_key
    from portal.teams.models import Team, User
    from tests.devices import boards, live

    class Board:
        state = {"port": portal.board_port, "host_key": str(fetch_host_key("127.0.0.1", portal.board_port))}

    live.PASSWORD = (portal.var / "secrets" / "virtual-board-password").read_text().strip()
    with tempfile.TemporaryDirectory() as folder:
        artifacts = boards.make_tiny_model(Path(folder))
        assert configs.boards()["virtual"].needs_simulator
        rows = live.Rows(Team.objects.get(), User.objects.get(), Board, artifacts)
        runs = []
        for name in ("First", "Second"):
            model = artifacts / "model.rknn"
            model.write_bytes(model.read_bytes() + name.encode())
            run = rows.run(name)
            run.steps.filter(kind="deploy").delete()
            runs.append(run.pk)
    return runs, rows.device.pk


def click(portal: Portal, cookies: dict[str, str], deployment: int) -> None:
    form = {"csrfmiddlewaretoken": cookies["csrftoken"]}
    address = f"{portal.base}/deployments/{deployment}/rollback/"
    answer = requests.post(address, form, cookies=cookies, headers={"Referer": portal.base}, timeout=30)
    if answer.status_code != 200:
        raise RuntimeError(f"The rollback was refused: {answer.status_code}")


def seconds_until_it_answers(connection, profile, release: str, start: float) -> float:
    from portal.deployment import steps
    from portal.devices import running

    while running.read_current(connection, profile) != release:
        if time.monotonic() > start + BACK_SECONDS:
            raise RuntimeError(f"{release} did not become current again")
        time.sleep(0.05)
    steps.check(connection, profile)
    return round(time.monotonic() - start, 2)


def measure(portal: Portal, repeat: int) -> dict:
    client = portal.client()
    connect_database(portal)
    from portal.core import configs
    from portal.devices.credentials import sign_in
    from portal.devices.models import Device

    runs, device = prepared(portal)
    deployments = [client.deploy(run, device) for run in runs]
    profile, each = configs.boards()["virtual"], []
    cookies = portal.cookies()
    with sign_in(Device.objects.get(pk=device)) as connection:
        for number in range(repeat):
            earlier = deployments[number % 2]
            start = time.monotonic()
            click(portal, cookies, earlier["id"])
            each.append(seconds_until_it_answers(connection, profile, earlier["release"], start))
            while any(row["state"] == "under-way" for row in client.rows("deployments/")):
                time.sleep(0.2)
    return {"seconds": max(each), "each": each}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args(argv)
    with serving() as portal:
        print(json.dumps(measure(portal, options.repeat)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
