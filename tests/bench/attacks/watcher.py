"""Another team's member who goes on working during the attacks: how long the answers take, and which fail."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable

import requests

from tests.bench.archives import small_zip
from tests.bench.attacks.scene import PASSWORD, Caller, Scene

PAUSE_SECONDS = 0.7
UPLOAD_EVERY = 5  # rounds: each upload starts a program that checks it
ADDRESS = "192.0.2.10"


class Watcher(threading.Thread):
    """Signs in, lists and uploads over fresh connections; a round about every second."""

    def __init__(self, scene: Scene, name: str = "beta-member"):
        super().__init__(daemon=True)
        self.scene, self.name_of_person = scene, name
        self.answers: list[tuple[float, str]] = []  # milliseconds and what was asked for
        self.failures: list[str] = []
        self.rounds = 0
        self._stopped, self._paused, self._idle = threading.Event(), threading.Event(), threading.Event()
        self._file = small_zip()

    def run(self) -> None:
        while not self._stopped.is_set():
            if self._paused.is_set():
                self._idle.set()
                time.sleep(0.05)
                continue
            self._idle.clear()
            self._round()
            self.rounds += 1
            self._stopped.wait(PAUSE_SECONDS)

    def stop(self) -> None:
        self._stopped.set()
        self.join(120)

    def pause(self) -> None:
        """Return when the round that is under way has ended."""
        self._paused.set()
        self._idle.wait(120)

    def go_on(self) -> None:
        self._idle.clear()
        self._paused.clear()

    def _round(self) -> None:
        caller = Caller(self.scene.base, ADDRESS)
        self._ask("sign-in page", lambda: caller.get("/sign-in/"), 200)
        form = {
            "username": self.name_of_person,
            "password": PASSWORD,
            "csrfmiddlewaretoken": caller.cookies.get("csrftoken", ""),
        }
        self._ask("signing in", lambda: caller.post("/sign-in/", form), 302)
        for path in ("/", "/datasets/", "/api/v1/runs/"):
            self._ask(path, lambda path=path: caller.get(path, headers={"Connection": "close"}), 200)
        if self.rounds % UPLOAD_EVERY == 0:
            self._upload()

    def _upload(self) -> None:
        """A small archive by tus, with a token."""
        caller = self.scene.api(self.name_of_person, ADDRESS)
        name = base64.b64encode(f"watched {self.rounds}".encode()).decode()
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(self._file))}
        metadata = {"Upload-Metadata": f"filename cGV0cy56aXA=,dataset {name}"}
        made = self._ask(
            "announcing an upload", lambda: caller.post("/api/v1/uploads/", headers=headers | metadata), 201
        )
        if made is not None:
            headers = {
                "Tus-Resumable": "1.0.0",
                "Upload-Offset": "0",
                "Content-Type": "application/offset+octet-stream",
            }
            path = made.headers["Location"]
            self._ask("sending an upload", lambda: caller.patch(path, self._file, headers=headers), 204)

    def _ask(self, what: str, call: Callable, status: int) -> requests.Response | None:
        """Make one call, note how long it took, and return its answer if it is as it should be."""
        began, answer = time.monotonic(), None
        try:
            answer = call()
            if answer.status_code != status:
                self.failures.append(f"{what}: status {answer.status_code}")
                answer = None
        except requests.RequestException as error:
            self.failures.append(f"{what}: {type(error).__name__}")
        self.answers.append(((time.monotonic() - began) * 1000, what))
        return answer
