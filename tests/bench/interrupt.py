"""Kills the browser, the web server or the worker at a random byte of an upload, again and again.

    .venv/bin/python -m tests.bench.interrupt [--count 100] [--megabytes 200] [--seed 0]

Each upload is a zip of noise pictures that must end as a ready version of a dataset with the same content
hash as one that nobody disturbed. In turns: a real Chromium is killed (and started again, where the same
file is chosen), all processes of the web server are, or the Celery worker is while it checks the upload.
``lost``: uploads that did not end so. ``most_bytes_resent``: the most bytes of one upload that went over
the line twice. Needs Chromium and, for 100 uploads, about an hour: a lost worker is noticed after a minute.
Prints one JSON object as its last line.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import re
import shutil
import time
import zipfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Error, sync_playwright

from tests.bench import processes
from tests.bench.serving import Portal, serving
from tests.bench.tusclient import CHUNK, TusClient

SIDE = 590  # a noise picture of about 1 MB
READY_SECONDS = 900
UPLOAD_SECONDS = 4
VICTIMS = ("browser", "web", "worker")


def make_zip(path: Path, megabytes: int) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(max(8, megabytes)):
            buffer = io.BytesIO()
            noise = Image.frombytes("RGB", (SIDE, SIDE), os.urandom(SIDE * SIDE * 3))
            noise.save(buffer, "PNG", compress_level=0)
            archive.writestr(f"{('cat', 'dog')[number % 2]}/{number}.png", buffer.getvalue())
    return path


class Bench:
    """One portal, one file that is uploaded to it over and over."""

    def __init__(self, portal: Portal, megabytes: int, seed: int):
        self.portal = portal
        self.client = portal.client()
        self.random = random.Random(seed)
        self.file = make_zip(portal.var / "noise.zip", megabytes)
        self.size = self.file.stat().st_size
        self.check_seconds = 5.0
        self.content_hash = ""
        self.cookies: list[dict] = []

    def undisturbed(self) -> None:
        """The one that the others are compared with."""
        upload, _ = self.upload("reference")
        began = time.monotonic()
        self.content_hash = self.finished(upload)
        self.check_seconds = time.monotonic() - began

    def upload(self, dataset: str, kill_at: int | None = None) -> tuple[str, int]:
        """Upload by the plain client, killing the web server at a byte; return the id and the bytes sent."""

        def on_block(sent: int) -> None:
            nonlocal kill_at
            if kill_at is not None and sent >= kill_at:
                kill_at = None
                processes.kill(processes.of_portal(self.portal.var, "portal.ops.web"))

        tus = TusClient(self.client, on_block)
        path = tus.create(self.size, filename="noise.zip", dataset=dataset)
        with self.file.open("rb") as file:

            def read(offset: int, size: int) -> bytes:
                file.seek(offset)
                return file.read(size)

            tus.send(path, self.size, read)
        tus.close()
        return path.rstrip("/").rpartition("/")[2], tus.sent

    def get(self, path: str) -> dict:
        """A call that outlives a restart of the web server."""
        with self.client.patient(READY_SECONDS):
            return self.client.get(path)

    def finished(self, upload: str) -> str:
        """Wait for the check and return the version's content hash; empty if the upload came to nothing."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            found = self.get(f"uploads/{upload}/")
            if found["state"] == "ready":
                version = self.get(f"dataset-versions/{found['dataset_version']}/")
                self.remove_files(upload, version["job"]["id"])
                return version["content_hash"]
            if found["state"] in ("refused", "expired"):
                print(upload, found["state"], found["message"])
                return ""
            time.sleep(0.5)
        return ""

    def remove_files(self, upload: str, job: int) -> None:
        """A hundred of them would not fit on every disk; the folder is this benchmark's own."""
        for place in (f"uploads/{upload}", f"jobs/{job}"):
            shutil.rmtree(self.portal.var / "files" / place, ignore_errors=True)

    def interrupt(self, number: int, victim: str) -> tuple[bool, int]:
        """Disturb one upload; return whether it was lost, and the bytes sent twice."""
        at, dataset = self.random.randrange(self.size), f"{victim} {number}"
        if victim == "browser":
            upload, resent = self.with_browser(dataset, at)
        else:
            upload, sent = self.upload(dataset, at if victim == "web" else None)
            resent = sent - self.size
        if victim == "worker":
            time.sleep(self.random.random() * self.check_seconds)
            processes.kill(processes.of_portal(self.portal.var, "celery", "default,deploy"))
        lost = self.finished(upload) != self.content_hash
        print(f"{number} {victim} killed at byte {at}: {'LOST' if lost else 'whole'}, {resent} sent twice")
        return lost, resent

    def with_browser(self, dataset: str, at: int) -> tuple[str, int]:
        profile = self.portal.var / f"profile-{dataset.replace(' ', '-')}"
        with sync_playwright() as playwright:
            with contextlib.suppress(Error):  # it is killed in the middle of a call
                page = self.browser(playwright, profile)
                slowly = page.context.new_cdp_session(page)
                conditions = {"offline": False, "latency": 0, "downloadThroughput": -1}
                speed = {"uploadThroughput": self.size / UPLOAD_SECONDS}
                slowly.send("Network.enable")
                slowly.send("Network.emulateNetworkConditions", conditions | speed)
                self.choose(page, dataset)
                sent = self.watch(page, at)
            processes.kill(processes.with_argument(str(profile)))
            offsets: list[int] = []
            page = self.browser(playwright, profile)
            page.on("request", lambda request: self.note(request, offsets))
            self.choose(page, dataset)
            page.wait_for_url(re.compile(r"/datasets/versions/\d+/"), timeout=READY_SECONDS * 1000)
            page.context.close()
        shutil.rmtree(profile, ignore_errors=True)
        newest = self.get("uploads/")["results"][0]
        return newest["id"], max(0, sent - offsets[0]) if offsets else 0

    def browser(self, playwright, profile: Path):
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu"],
            base_url=self.portal.base,
        )
        cookies = self.portal.cookies().items()
        context.add_cookies(
            [{"name": name, "value": value, "url": self.portal.base} for name, value in cookies]
        )
        return context.new_page()

    def choose(self, page, dataset: str) -> None:
        page.goto("/datasets/new/")
        page.set_input_files("#id_file", self.file)
        page.fill("#id_name", dataset)
        page.click("text=Upload and check")

    @staticmethod
    def watch(page, at: int) -> int:
        """Wait until the page says that ``at`` bytes are sent; return what it said last."""
        sent = 0
        while sent < at:
            if "/datasets/new/" not in page.url:
                return sent
            sent = page.evaluate("document.querySelector('[data-sendings] progress')?.value ?? 0")
        return sent

    @staticmethod
    def note(request, offsets: list[int]) -> None:
        if request.method == "PATCH":
            offsets.append(int(request.headers["upload-offset"]))


def measure(portal: Portal, count: int, megabytes: int, seed: int) -> dict:
    bench = Bench(portal, megabytes, seed)
    bench.undisturbed()
    if not bench.content_hash:
        raise RuntimeError("The undisturbed upload did not become a dataset; the others would say nothing.")
    outcomes = [bench.interrupt(number, VICTIMS[number % len(VICTIMS)]) for number in range(count)]
    return {
        "lost": sum(lost for lost, _ in outcomes),
        "most_bytes_resent": max((resent for _, resent in outcomes), default=0),
        "chunk_bytes": CHUNK,
        "uploads": count,
        "upload_bytes": bench.size,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__)[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with serving() as portal:
        found = measure(portal, options.count, options.megabytes, options.seed)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
