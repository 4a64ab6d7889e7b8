"""Measures a live view: frames of a board's camera with predictions, from the camera to the watcher.

    .venv/bin/python -m tests.bench.stream [--seconds 120] [--watchers 10]

A real ``manage.py serve``, and a virtual board on loopback with the ONNX engine and a small model; frames of
640×480, at most 25 a second. One watcher reads for ``--seconds``, then several for a fifth of
that, as browsers do: over HTTP, signed in. Board and watchers share a clock here, so a frame's age is exact:
from the moment when the program on the board has the camera's image to its last byte at the watcher.

Prints one JSON object as its last line. ``one``: ``fps``, ``latency_ms`` (``median``, ``p95``), ``kbytes`` of
a frame, and ``memory_mb`` of the portal and the board, at the begin, each minute and at the end. ``many``:
the same over all watchers (``fps`` is that of the slowest), with ``streams``, the camera programs on the
board. ``cpu_share`` is the processor time of portal and board in seconds a second. ``ended_after``: seconds
until the board's camera was free once nobody watched.
"""

from __future__ import annotations

import argparse
import json
import statistics
import struct
import sys
import threading
import time
from dataclasses import dataclass, field

import requests

from tests.bench import processes
from tests.bench.camera_scene import Scene, scene

START_SECONDS = 120


@dataclass
class Watcher:
    """Reads the stream as a browser does."""

    session: requests.Session
    url: str
    ages: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    size: int = 0

    def watch(self, until: float) -> None:
        """The server ends an answer after some minutes, to check the watcher's rights: then ask again."""
        while time.monotonic() < until:
            with self.session.get(self.url, stream=True, timeout=60) as answer:
                answer.raise_for_status()
                while time.monotonic() < until and (message := self._message(answer.raw)):
                    self._note(message)

    def _message(self, raw) -> bytes:
        """The next message; empty at the end of the answer."""
        head = raw.read(4)
        return raw.read(struct.unpack(">I", head)[0]) if len(head) == 4 else b""

    def _note(self, message: bytes) -> None:
        (length,) = struct.unpack(">I", message[:4])
        fields = json.loads(message[4 : 4 + length])
        if fields["type"] == "frame":
            self.times.append(time.monotonic())
            self.ages.append(1000 * (time.time() - fields["taken"]))
            self.size = len(message)

    @property
    def fps(self) -> float:
        if len(self.times) < 2:
            return 0.0
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])


class View:
    """The live page's addresses, for one person."""

    def __init__(self, place: Scene):
        self.place, self._cookies = place, place.portal.cookies()
        self._url = f"{place.portal.base}/camera/devices/{place.device}"

    def session(self) -> requests.Session:
        session = requests.Session()
        session.cookies.update(self._cookies)
        session.headers["Referer"] = self.place.portal.base
        session.headers["X-CSRFToken"] = self._cookies["csrftoken"]
        return session

    def start(self) -> None:
        answer = self.session().post(f"{self._url}/start/", timeout=30)
        answer.raise_for_status()

    def watch(self, count: int, seconds: float) -> list[Watcher]:
        watchers = [Watcher(self.session(), f"{self._url}/stream/") for _ in range(count)]
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=one.watch, args=(until,)) for one in watchers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return watchers


def measured(place: Scene, view: View, count: int, seconds: float) -> dict:
    roots = [place.portal.server.pid, place.board.process.pid]
    memory, cpu, began = Memory(place), processes.cpu_seconds(roots), time.monotonic()
    memory.start()
    watchers = view.watch(count, seconds)
    memory.end()
    spent = (processes.cpu_seconds(roots) - cpu) / (time.monotonic() - began)
    ages = sorted(age for one in watchers for age in one.ages)
    return {
        "watchers": count,
        "fps": round(min(one.fps for one in watchers), 1),
        "latency_ms": {
            "median": round(statistics.median(ages), 1),
            "p95": round(ages[int(0.95 * (len(ages) - 1))], 1),
        },
        "kbytes": round(watchers[0].size / 1024, 1),
        "cpu_share": round(spent, 2),
        "memory_mb": memory.found,
    }


class Memory(threading.Thread):
    """Looks at the memory of portal and board each minute, from the begin to the end."""

    def __init__(self, place: Scene):
        super().__init__(daemon=True)
        self.place, self.found, self._ended = place, [memory_of(place)], threading.Event()

    def run(self) -> None:
        while not self._ended.wait(60):
            self.found.append(memory_of(self.place))

    def end(self) -> None:
        self._ended.set()
        self.join()
        self.found.append(memory_of(self.place))


def memory_of(place: Scene) -> dict[str, float]:
    portal = processes.pss_mb(processes.of_portal(place.portal.var))
    board = processes.pss_mb([place.board.process.pid, *cameras(place)])
    return {"portal": round(portal, 1), "board": round(board, 1)}


def cameras(place: Scene) -> list[int]:
    """The camera programs that run on the board, without the shells that started them."""
    return [pid for pid in processes.with_argument("camera.py") if _is_python(pid)]


def _is_python(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            return b"python" in stream.read().split(b"\0")[0]
    except OSError:
        return False


def until(condition, seconds: float) -> float:
    """How long it took; raises RuntimeError if it took too long."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() > began + seconds:
            raise RuntimeError("It took too long.")
        time.sleep(0.2)
    return time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--watchers", type=int, default=10)
    options = parser.parse_args()
    with scene() as place:
        view = View(place)
        view.start()
        until(lambda: cameras(place), START_SECONDS)
        view.watch(1, 5)  # until everything is loaded
        found = {"one": measured(place, view, 1, options.seconds)}
        many = threading.Timer(options.seconds / 10, lambda: found.update(streams=len(cameras(place))))
        many.start()
        found["many"] = measured(place, view, options.watchers, options.seconds / 5)
        found["many"]["streams"] = found.pop("streams", 0)
        found["ended_after"] = round(until(lambda: not cameras(place), 60), 1)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
