"""Worker programs: what they hold and may do, and weights that run code."""

from __future__ import annotations

import contextlib
import os
import pickle
import threading
from pathlib import Path

from tests.bench import processes
from tests.bench.archives import small_zip
from tests.bench.attacks import attack, require
from tests.bench.attacks.scene import require_status, wait_for

PLANTED = ("planted-mail-secret", "planted-bucket-secret")


class Look(threading.Thread):
    """Looks at every worker program that appears, until it is stopped."""

    def __init__(self, var: Path):
        super().__init__(daemon=True)
        self.var = var
        self.seen: dict[int, dict] = {}
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(0.01):
            for pid, one in processes.all_of_portal(self.var).items():
                said = one.said
                if " -m workers." in said and "virtual_board" not in said and processes.LAUNCHER not in said:
                    with contextlib.suppress(OSError):
                        self.seen[pid] = {"said": said, **_facts(pid)}

    def stop(self) -> list[dict]:
        self._stopped.set()
        self.join(10)
        return list(self.seen.values())


def _facts(pid: int) -> dict:
    place = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines() if ":" in line)
    return {
        "environment": (place / "environ").read_bytes().decode(errors="replace"),
        "no_new_privs": status.get("NoNewPrivs", "").strip(),
        "seccomp": status.get("Seccomp", "").strip(),
        "limits": (place / "limits").read_text(),
    }


@attack("14 worker programs")
def a_worker_program_holds_secrets(scene) -> None:
    """Upload an archive and look at its program: environment, privileges and limits."""
    look = Look(scene.var)
    look.start()
    caller = scene.api("alpha-member")
    file = ("pets.zip", small_zip(seed=14, images=60), "application/zip")
    made = caller.post("/api/v1/datasets/", data={"name": "looked at"}, files={"file": file})
    require_status(made, (201,))
    version = f"/api/v1/dataset-versions/{made.json()['id']}/"
    wait_for(lambda: caller.get(version).json()["job"]["status"] in ("succeeded", "failed"), 90)
    seen = look.stop()
    require(seen, "No worker program was seen.")
    secrets = [path.read_text().strip() for path in (scene.var / "secrets").iterdir() if path.is_file()]
    for facts in seen:
        found = [word for word in (*PLANTED, *secrets) if word and word in facts["environment"]]
        require(not found, f"A program holds {len(found)} secrets in its environment: {facts['said'][:80]}")
        require(facts["no_new_privs"] == "1", f"A program may gain privileges: {facts['said'][:80]}")
        for name in ("Max core file size", "Max file size"):
            line = next(line for line in facts["limits"].splitlines() if line.startswith(name))
            bounded = line.removeprefix(name).split()[0] != "unlimited"
            require(bounded, f"A program has no limit: {name}")


MARKER = "made-by-the-weights"


class Evil:
    """Makes a folder where the program works, as soon as it is unpickled."""

    def __reduce__(self):
        return os.mkdir, (MARKER,)


@attack("15 weights that run code")
def pretrained_weights_run_code(scene) -> None:
    """Put weights that run code where pretrained ones are looked for, and train with them."""
    from portal.core import configs

    weights = configs.recipes()["pp_lcnet_x1_0"].pretrained.file
    (scene.pretrained / weights).write_bytes(pickle.dumps({"conv.weight": Evil()}))
    caller = scene.api("alpha-member")
    made = caller.post("/api/v1/datasets/samples/digits/")
    require_status(made, (200, 201))
    body = {
        "dataset_version": made.json()["id"], "preset": "balanced", "chips": ["rv1106"],
        "params": {"epochs": 1, "pretrained": True},
    }  # fmt: skip
    run = caller.post("/api/v1/runs/", json=body)
    require_status(run, (201,))
    address = f"/api/v1/runs/{run.json()['id']}/"
    wait_for(lambda: _ran(scene) or _training_is_under_way(caller, address), 150, pause=1)
    ran, job = _ran(scene), _training(caller, address)
    caller.post(f"{address}cancel/")
    require(not ran, "The weights' code ran.")
    require(job and _were_read(caller, job), f"The training did not look at the weights: {job}")


def _ran(scene) -> bool:
    return any((scene.var / "jobs").rglob(MARKER))


def _training_is_under_way(caller, address: str) -> bool:
    """Whether the weights must have been read: an epoch runs, or the job has ended."""
    job = _training(caller, address)
    ended = job.get("status") in ("succeeded", "failed", "cancelled")
    return ended or str(job.get("phase", "")).startswith("epoch")


def _training(caller, address: str) -> dict:
    steps = caller.get(address).json()["steps"]
    return next((step["job"] or {} for step in steps if step["kind"] == "train"), {})


def _were_read(caller, job: dict) -> bool:
    """Whether the job tells of the weights, in its reason or its log."""
    log = caller.get(f"/api/v1/jobs/{job['id']}/log/").text
    return "PRETRAINED_DIR" in log + job["message"] or "weights" in log + job["message"]
