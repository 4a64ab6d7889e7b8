"""Two hundred people look at running pages at once: how many polls a second, how fast, and how many are 304?

``python -m tests.bench.polling`` starts a portal of its own as ``make serve`` does, with runs at work in it
(``running.py``), and 200 viewers: of ten, eight have a run's page open (its live part, log and curves), one
the start page, and one is a program that polls the API with a token. Each waits 1.5 seconds after an answer,
as the pages do, and remembers ETags, as browsers do. The last line is a JSON object.

With ``--crowd``, two of the eight leave their run: one goes through the portal's lists, one downloads a file
of 2 MB again and again, and two programs upload archives all the time; ``uploads`` counts those.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from slipway import Client

from tests.bench.serving import ROOT, Portal, serving
from tests.bench.tusclient import TusClient

PAUSE = 1.5
PATIENCE = 60.0
RUNS = 8
LISTS = ("/runs/", "/datasets/", "/models/", "/devices/", "/jobs/", "/history/")
UPLOADERS, UPLOAD_BYTES, UPLOAD_CHUNK = 2, 20_000_000, 4_000_000


@dataclass
class Tally:
    """What the answers were, from ``since`` on."""

    since: float
    seconds: list[float] = field(default_factory=list)
    statuses: Counter = field(default_factory=Counter)
    kinds: dict[str, Counter] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, kind: str, path: str, status: int, begun: float) -> None:
        now = time.monotonic()
        if now < self.since:
            return
        self.seconds.append(now - begun)
        self.statuses[status] += 1
        self.kinds.setdefault(kind, Counter())[status] += 1
        if status not in (200, 304):
            self.errors.append(f"{status} {path}")


class Connection:
    """Just enough HTTP/1.1 to poll: one connection that is opened again when the server has closed it."""

    def __init__(self, base: str, headers: dict[str, str]):
        self.place = urlsplit(base)
        self.headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.streams = None

    async def get(self, path: str, tag: str | None) -> tuple[int, dict[str, str], bytes]:
        known = f"If-None-Match: {tag}\r\n" if tag else ""
        request = f"GET {path} HTTP/1.1\r\nHost: {self.place.netloc}\r\n{self.headers}{known}\r\n".encode()
        kept = self.streams is not None
        try:
            return await self._exchange(request)
        except (ConnectionError, asyncio.IncompleteReadError):
            await self.close()
            if not kept:  # one that was kept open may have been closed meanwhile: that is no error
                raise
            return await self._exchange(request)

    async def _exchange(self, request: bytes):
        if self.streams is None:
            self.streams = await asyncio.open_connection(self.place.hostname, self.place.port)
        reader, writer = self.streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split()[1])
        pairs = (line.split(": ", 1) for line in head[1:] if ": " in line)
        headers = {name.lower(): value for name, value in pairs}
        body = b"" if status in (204, 304) else await self._body(reader, headers)
        if headers.get("connection", "").lower() == "close":
            await self.close()
        return status, headers, body

    @staticmethod
    async def _body(reader, headers) -> bytes:
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"]))
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body

    async def close(self) -> None:
        if self.streams:
            self.streams[1].close()
        self.streams = None


class Viewer:
    """Someone who looks at a page, or a program that polls."""

    def __init__(self, base: str, headers: dict[str, str], tally: Tally):
        self.base, self.headers, self.tally = base, headers, tally

    async def poll(self, kind: str, path, until: float, first: float, learn=None) -> None:
        """Ask for ``path()`` until then; ``learn`` takes the headers and body of an answer with news."""
        connection, tags = Connection(self.base, self.headers), {}
        await asyncio.sleep(first)
        while time.monotonic() < until:
            begun, where = time.monotonic(), path()
            try:
                answer = connection.get(where, tags.get(where))
                status, headers, body = await asyncio.wait_for(answer, PATIENCE)
            except (OSError, EOFError, TimeoutError) as error:
                self.tally.errors.append(f"{type(error).__name__} {where}")
                await connection.close()
            else:
                self.tally.add(kind, where, status, begun)
                tags[where] = headers.get("etag", tags.get(where))
                if status == 200 and learn:
                    learn(headers, body)
            await asyncio.sleep(PAUSE)
        await connection.close()


class RunPage:
    """Where the page of a run goes on reading."""

    def __init__(self, run: int, job: int):
        self.run, self.job = run, job
        self.offset = self.after = 0

    def live(self) -> str:
        return f"/runs/{self.run}/live/"

    def log(self) -> str:
        return f"/jobs/{self.job}/log/?offset={self.offset}"

    def metrics(self) -> str:
        return f"/jobs/{self.job}/metrics/?after={self.after}"

    def read_log(self, headers, body) -> None:
        self.offset = int(headers["x-offset"])

    def read_metrics(self, headers, body) -> None:
        points = json.loads(body)["points"]
        self.after = points[-1][0] if points else self.after


def parts(number: int, target: dict, viewer: Viewer, until: float, crowd: bool) -> list:
    """What one viewer polls; the beginnings are spread over the time between two polls."""
    start = PAUSE * (number % 50) / 50
    file = target.pop("file")
    if crowd and number % 10 == 6:
        lists = itertools.cycle(LISTS)
        return [viewer.poll("lists", lambda: next(lists), until, start)]
    if crowd and number % 10 == 7:
        return [viewer.poll("file", lambda: file, until, start)]
    if number % 10 == 8:
        return [viewer.poll("home", lambda: "/live/", until, start)]
    if number % 10 == 9:
        job, run = target["job"], target["run"]
        return [
            viewer.poll("api job", lambda: f"/api/v1/jobs/{job}/", until, start),
            viewer.poll("api run", lambda: f"/api/v1/runs/{run}/", until, start + 0.5),
        ]
    page = RunPage(**target)
    return [
        viewer.poll("live", page.live, until, start),
        viewer.poll("log", page.log, until, start + 0.1, page.read_log),
        viewer.poll("metrics", page.metrics, until, start + 0.2, page.read_metrics),
    ]


async def watch(base: str, people: dict, seconds: float, warm_up: float, crowd: bool) -> tuple[Tally, float]:
    begun = time.monotonic()
    tally, until = Tally(begun + warm_up), begun + warm_up + seconds
    polls = []
    for number, (session, token) in enumerate(zip(people["sessions"], people["tokens"], strict=True)):
        program = number % 10 == 9
        headers = {"Authorization": f"Bearer {token}"} if program else {"Cookie": f"sessionid={session}"}
        target = people["runs"][number % len(people["runs"])]
        polls += parts(number, dict(target), Viewer(base, headers, tally), until, crowd)
    await asyncio.gather(*polls)
    return tally, seconds


def figures(tally: Tally, seconds: float) -> dict:
    ordered, count = sorted(tally.seconds), len(tally.seconds)
    for kind, statuses in sorted(tally.kinds.items()):
        print(f"{kind:8} " + ", ".join(f"{status}: {n}" for status, n in sorted(statuses.items())))
    for error, times in Counter(tally.errors).most_common(10):
        print(f"error: {error} ({times})")
    return {
        "requests_per_second": round(count / seconds, 1),
        "p50_ms": round(1000 * ordered[count // 2], 1),
        "p95_ms": round(1000 * ordered[int(0.95 * (count - 1))], 1),
        "share_304": round(tally.statuses[304] / count, 3),
        "errors": len(tally.errors),
    }


def upload(client: Client, stop: threading.Event, done: list[str]) -> None:
    """Upload archives of random bytes until it is told to stop; no datasets are made of them."""
    content, sender = os.urandom(UPLOAD_BYTES), TusClient(client)
    while not stop.is_set():
        path = sender.create(UPLOAD_BYTES, filename="bench.zip")
        sender.send(path, UPLOAD_BYTES, lambda start, size: content[start : start + size], UPLOAD_CHUNK)
        done.append(path)
        sender.discard(path)


@contextlib.contextmanager
def uploading(portal: Portal, programs: int):
    stop, done = threading.Event(), []
    threads = [threading.Thread(target=upload, args=(portal.client(), stop, done)) for _ in range(programs)]
    for thread in threads:
        thread.start()
    try:
        yield done
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def measure(portal: Portal, viewers: int, seconds: float, warm_up: float, crowd: bool) -> dict:
    env = os.environ | {"SLIPWAY_VAR": str(portal.var), "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "tests.bench.running", str(RUNS), str(viewers)]
    with subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as work:
        try:
            people = json.loads(work.stdout.readline())
            with uploading(portal, UPLOADERS if crowd else 0) as uploads:
                found = figures(*asyncio.run(watch(portal.base, people, seconds, warm_up, crowd)))
            return found | ({"uploads": len(uploads)} if crowd else {})
        finally:
            work.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--warm-up", type=float, default=10, help="seconds that are not measured")
    parser.add_argument("--crowd", action="store_true", help="browse, download and upload as well")
    chosen = parser.parse_args()
    with serving() as portal:
        portal.client()
        found = measure(portal, chosen.viewers, chosen.seconds, chosen.warm_up, chosen.crowd)
    print(json.dumps({"viewers": chosen.viewers, **found}))


if __name__ == "__main__":
    main()
