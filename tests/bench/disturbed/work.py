"""Small real work on a portal, done again and again by threads, and a record of what was accepted."""

from __future__ import annotations

import io
import random
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import requests
from slipway import Client
from slipway.errors import SlipwayError

from tests.bench.archives import small_zip
from tests.bench.serving import Portal
from tests.bench.tusclient import Interrupted, TusClient

PATIENCE_SECONDS = 120
TRAINED_SECONDS = 900
TURN_SECONDS = 180  # for a job before the next one is asked for
FINAL = ("succeeded", "failed", "cancelled")
TROUBLE = (SlipwayError, Interrupted, RuntimeError, requests.RequestException, OSError, KeyError, ValueError)


@dataclass
class Record:
    """What the portal has accepted, and how often it was asked."""

    uploads: dict[str, int] = field(default_factory=dict)  # id to the number of images
    commits: dict[int, int] = field(default_factory=dict)  # version to the number of images
    jobs: dict[int, str] = field(default_factory=dict)
    runs: list[int] = field(default_factory=list)
    inferences: list[int] = field(default_factory=list)
    exports: int = 0
    asked: Counter = field(default_factory=Counter)
    trouble: Counter = field(default_factory=Counter)


def register_board(client: Client, host: str, port: int, password: str) -> int:
    """Register the virtual board and return its id."""
    board = {"name": "Board", "profile": "virtual", "host": host, "port": port, "username": "root"}
    return client.post("devices/", json=board | {"password": password})["id"]


def first_run(client: Client, device: int, archive: bytes, params: dict) -> int:
    """Upload, train, convert and deploy once, undisturbed; return the run."""
    file = {"file": ("images.zip", archive, "application/zip")}
    version = client.post("datasets/", data={"name": "Digits"}, files=file)["id"]
    plan = {"dataset_version": version, "preset": "fast", "devices": [device], "params": params}
    run = client.post("runs/", json=plan)["id"]
    deadline = time.monotonic() + TRAINED_SECONDS
    while (found := client.get(f"runs/{run}/"))["status"] not in FINAL:
        if time.monotonic() > deadline:
            raise RuntimeError("The first training does not end; faults would say nothing.")
        time.sleep(1)
    if found["status"] != "succeeded":
        raise RuntimeError(f"The first run is {found['status']}: {found['message']}")
    return run


class Work:
    """``device`` is the board of the deployments, ``run`` the run whose model is deployed."""

    def __init__(self, portal: Portal, device: int, run: int, seed: int):
        self.portal, self.device, self.run = portal, device, run
        self.random = random.Random(seed)
        self.record = Record()
        self.record.asked["runs"] = 1  # the one that is there
        self.ready: list[int] = []  # versions that can be edited and exported
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=(task, number), daemon=True)
            for number, task in enumerate(self.tasks())
        ]

    def tasks(self) -> tuple[Callable, ...]:
        """Each is done again and again by a thread of its own."""
        return (self._upload, self._upload, self._edit, self._export, self._deploy)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask for nothing more, and wait for what is being asked."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS + TURN_SECONDS)

    def train(self) -> None:
        """One more real training, with its conversion and deployment."""
        client = self._client()
        try:
            self._train(client)
        except TROUBLE as error:
            self._troubled("train", error)

    def _train(self, client: Client) -> int:
        self.record.asked["runs"] += 1
        run = client.post(f"runs/{self.run}/clone/", json={"params": {"seed": len(self.record.runs) + 1}})
        self.record.runs.append(run["id"])
        return run["id"]

    def _client(self) -> Client:
        client = self.portal.client()
        client.patience = PATIENCE_SECONDS
        return client

    def _repeat(self, task: Callable, number: int) -> None:
        chance, client = random.Random(f"{number}"), self._client()
        while not self._stopped.is_set():
            try:
                task(client, chance)
            except TROUBLE as error:
                self._troubled(task.__name__.strip("_"), error)
            self._stopped.wait(1 + 2 * chance.random())

    def _troubled(self, what: str, error: Exception) -> None:
        self.record.trouble[f"{what}: {str(error)[:150]}"] += 1

    # --- uploads and edits --------------------------------------------------------------------

    def _upload(self, client: Client, chance: random.Random) -> None:
        images, seed = chance.randint(4, 9), chance.randrange(10**9)
        file, tus = small_zip(seed, images), TusClient(client)
        try:
            path = tus.create(len(file), filename="small.zip", dataset=f"Small {seed}")
            tus.send(path, len(file), lambda offset, size: file[offset : offset + size])
        finally:
            tus.close()
        upload = path.rstrip("/").rpartition("/")[2]
        self.record.uploads[upload] = 2 * images
        if self._wait(lambda: client.get(f"uploads/{upload}/")["state"] in ("ready", "refused")):
            version = client.get(f"uploads/{upload}/")["dataset_version"]
            self.ready.append(version)

    def _edit(self, client: Client, chance: random.Random) -> None:
        if not self.ready:
            return
        version = self.ready.pop(chance.randrange(len(self.ready)))
        page = client.get(f"dataset-versions/{version}/images/")
        images = page["images"]
        draft = client.post("drafts/", json={"dataset_version": version})
        change = {"kind": "remove", "ids": [images[0]["id"]]}
        client.post(f"drafts/{draft['id']}/changes/", json=change)
        made = client.post(f"drafts/{draft['id']}/commit/", json={"message": "one less"})
        self.record.commits[made["id"]] = page["count"] - 1
        address = f"dataset-versions/{made['id']}/"
        self._wait(lambda: client.get(address)["state"] in ("ready", "refused"))

    def _export(self, client: Client, chance: random.Random) -> None:
        if not self.ready:
            return
        version = chance.choice(self.ready)
        answer = client.call("GET", f"dataset-versions/{version}/export/", params={"format": "folders"})
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            if archive.testzip() is None:
                self.record.exports += 1

    # --- the board ----------------------------------------------------------------------------

    def _deploy(self, client: Client, chance: random.Random) -> None:
        if chance.random() < 0.5:
            self.record.asked["deployments"] += 1
            made = client.post("deployments/", json={"run": self.run, "device": self.device})
            job = made["job"]["id"]
        elif chance.random() < 0.7:
            self.record.asked["inferences"] += 1
            with zipfile.ZipFile(io.BytesIO(small_zip(chance.randrange(1000), 2))) as archive:
                files = [("images", (name, archive.read(name), "image/png")) for name in archive.namelist()]
            made = client.post(f"devices/{self.device}/inferences/", files=files)
            self.record.inferences.append(made["id"])
            job = made["job"]["id"]
        else:
            job = client.post(f"devices/{self.device}/probe/")["id"]
        self.record.jobs[job] = "on the board"
        self._wait(lambda: client.get(f"jobs/{job}/")["status"] in FINAL)

    def _wait(self, condition: Callable[[], bool], seconds: float = TURN_SECONDS) -> bool:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline or self._stopped.wait(0.7):
                return False
        return True
