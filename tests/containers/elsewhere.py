"""A board that only a worker at its site reaches, and a training that changes its container.

    .venv/bin/python -m tests.containers.elsewhere [--real-images]

Needs what ``browser_job.py`` needs, but for the browser. Starts the stack with two containers for trainings
that share no folder, and makes a model. Then the board is said to be at a site that nobody serves, a
deployment to it waits, the page says why, and the worker of ``configs/containers/site.yml`` is started, which
does it. Last, a training's container is stopped in the middle, by ``docker stop``. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests

from tests.bench.disturbed.stack import ChaosStack, docker
from tests.bench.disturbed.stack_work import PLAN, few_digits
from tests.bench.disturbed.work import first_run, register_board
from tests.containers.browser_job import authority, running
from tests.containers.run_compose import ROOT

SITE = "harbour"
EPOCHS, STOPPED_AFTER = 60, 12
PATIENCE_SECONDS = 900
WAITS_SECONDS = 15  # nobody does the deployment so long
FINAL = ("succeeded", "failed", "cancelled")
APART = {"services": {"worker-train": {"volumes": ["/var/lib/slipway"]}}}


def say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)


def wait_until(what: str, true: Callable[[], object]) -> object:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := true()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {PATIENCE_SECONDS} seconds")
        time.sleep(0.5)
    return found


class Elsewhere:
    def __init__(self, stack: ChaosStack, folder: Path):
        self.stack, self.folder = stack, folder
        self.certificate = authority(stack, folder)
        self.client = stack.client(self.certificate)
        self.client.patience = 120

    def run(self) -> dict:
        password = self.stack.secrets["VIRTUAL_BOARD_PASSWORD"]
        device = register_board(self.client, "virtual-board", 2222, password)
        run = first_run(self.client, device, few_digits(), PLAN)
        say("The first model is on the board.")
        return {"site": self.at_a_site(device, run), "drain": self.moved_training(run)}

    # --- the site

    def at_a_site(self, device: int, run: int) -> dict:
        self.client.patch(f"devices/{device}/", site=SITE)
        job = self.client.post("deployments/", json={"run": run, "device": device})["job"]["id"]
        time.sleep(WAITS_SECONDS)
        waited = self.client.get(f"jobs/{job}/")
        say(f"The deployment is {waited['status']}: {waited['problem']}")
        page = self._page(f"/devices/{device}/")
        began = time.monotonic()
        with self.worker_there():
            wait_until("the deployment", lambda: self.client.get(f"jobs/{job}/")["status"] in FINAL)
            seconds = round(time.monotonic() - began, 1)
            hosts = self.client.get("hosts/")
            done = self.client.get(f"jobs/{job}/")
            say(f"The deployment is {done['status']}.")
            current = self.client.get(f"devices/{device}/")["current_release"]
        return {
            "before": waited["status"],
            "problem": waited["problem"],
            "page_says_so": f"No worker serves the site {SITE}" in page,
            "after": done["status"],
            "message": done["message"],
            "seconds_from_the_start_of_the_worker": seconds,
            "hosts_name_the_site": SITE in json.dumps(hosts),
            "release": current,
        }

    def _page(self, path: str) -> str:
        """As the administrator's browser gets it."""
        session, base = requests.Session(), self.stack.secure_base
        session.trust_env, session.verify = False, str(self.certificate)
        session.get(f"{base}/sign-in/", timeout=60)
        form = {
            "username": "admin",
            "password": self.stack.password,
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
        }
        session.post(f"{base}/sign-in/", form, headers={"Referer": f"{base}/sign-in/"}, timeout=60)
        answer = session.get(f"{base}{path}", timeout=60)
        answer.raise_for_status()
        return answer.text

    @contextlib.contextmanager
    def worker_there(self) -> Iterator[None]:
        """The container of site.yml, on the networks of the stack."""
        project, secrets = self.stack.stack.project, self.stack.secrets
        networks = {name: {"external": True, "name": f"{project}_{name}"} for name in ("inside", "boards")}
        more = self.folder / "site.yml"
        service = {"networks": list(networks)}
        more.write_text(json.dumps({"services": {"worker-site": service}, "networks": networks}))
        environment = self.stack.stack.environment | secrets | {
            "SITES": SITE,
            "DATABASE_URL": f"postgresql://slipway:{secrets['POSTGRES_PASSWORD']}@postgres:5432/slipway",
            "REDIS_URL": f"redis://:{secrets['REDIS_PASSWORD']}@redis:6379/0",
            "FILES_S3_ENDPOINT": "http://s3:8333",
        }  # fmt: skip
        files = ["-f", str(ROOT / "configs/containers/site.yml"), "-f", str(more)]
        argv = [*self.stack.stack.program, *files, "-p", f"{project}-site"]
        subprocess.run([*argv, "up", "--detach"], check=True, env=environment)
        try:
            yield
        finally:
            subprocess.run([*argv, "down", "--volumes", "--timeout", "20"], env=environment)

    # --- the training

    def moved_training(self, run: int) -> dict:
        params = {"epochs": EPOCHS, "seed": 7}
        body = {"params": params, "devices": [], "chips": ["rv1106"]}
        made = self.client.post(f"runs/{run}/clone/", json=body)["id"]
        first = wait_until("its training", lambda: self._training(made))
        wait_until("some epochs", lambda: self._epoch(first) >= STOPPED_AFTER)
        left = self._container()
        epoch, began = self._epoch(first), time.monotonic()
        say(f"Container {left} is stopped after epoch {epoch}.")
        docker("stop", left)
        stopped = time.monotonic() - began
        say(f"It stopped within {stopped:.1f} s.")
        went_on = wait_until("the other container", self._container)
        seconds = time.monotonic() - began
        say(f"Container {went_on} goes on.")
        wait_until("its end", lambda: self.client.get(f"runs/{made}/")["status"] in FINAL)
        found, report = self.client.get(f"runs/{made}/"), json.dumps(self.client.get(f"runs/{made}/report/"))
        resumed = re.search(r"Went on after epoch (\d+)", report)
        return {
            "epochs": EPOCHS,
            "stopped_after_epoch": epoch,
            "stopped_within_seconds": round(stopped, 1),
            "went_on_after_epoch": int(resumed[1]) if resumed else None,
            "went_on_after_seconds": round(seconds, 1),
            "another_container": left != went_on,
            "run": found["status"],
            "message": found["message"],
        }

    def _training(self, run: int) -> int | None:
        job = self.client.get(f"runs/{run}/")["steps"][0]["job"]
        return job and job["id"]

    def _epoch(self, job: int) -> int:
        points = self.client.get(f"jobs/{job}/metrics/")
        steps = [point["step"] for point in points if point["name"].startswith("val/")]
        return max(steps, default=0)

    def _container(self) -> str:
        """The container that trains now; empty if none does."""
        query = ["--filter", f"label=com.docker.compose.project={self.stack.stack.project}"]
        query += ["--filter", "label=com.docker.compose.service=worker-train"]
        for container in docker("ps", "-q", *query).split():
            with contextlib.suppress(subprocess.CalledProcessError):
                if "workers.train.engine" in docker("top", container, "-eo", "pid,args"):
                    return container
        return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=18140, help="of three on loopback; TLS has the third")
    parser.add_argument("--real-images", action="store_true", help="with the images of docker-compose.yml")
    options = parser.parse_args()
    options.keep = False
    with tempfile.TemporaryDirectory(prefix="slipway-elsewhere-") as name:
        folder = Path(name)
        more = folder / "apart.yml"
        more.write_text(json.dumps(APART))
        with running(folder, options, "slipway-elsewhere", more, DRAIN_SECONDS="5") as stack:
            two = ("--scale", "worker-train=2", "worker-train")
            stack.stack.run("up", "--detach", "--no-deps", "--no-recreate", *two, check=True)
            found = Elsewhere(stack, folder).run()
    print(json.dumps(found | {"load": [round(one, 1) for one in os.getloadavg()]}))


if __name__ == "__main__":
    main()
