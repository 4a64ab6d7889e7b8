"""Measures how long a log line and a metric take from the worker program to the open page.

    .venv/bin/python -m tests.bench.live [--seconds 60]

A real training runs on the bundled digits; Chromium shows its run's page. A metric's delay is from the
time that the program wrote on its event to the page's receipt of the point; a log line's, from the
moment at which the log file had grown (looked at every 20 ms) to the page's receipt of those bytes.
Needs Chromium. Prints one JSON object as its last line.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import time
from pathlib import Path

from playwright.sync_api import Page, Response, sync_playwright

import portal.datasets
from tests.bench.serving import Portal, serving

DIGITS = Path(portal.datasets.__file__).parent / "samples" / "digits.zip"
LOOK_MS = 20


class Watch:
    """What the page received and when, and how the program's files grew."""

    def __init__(self, job: int, folder: Path):
        self.log_path, self.events_path = folder / "log.txt", folder / "events.jsonl"
        self.metrics_url, self.log_url = f"/jobs/{job}/metrics/", f"/jobs/{job}/log/"
        self.sizes: list[tuple[float, int]] = []
        self.shown_logs: list[tuple[float, int]] = []
        self.shown_points: dict[tuple[str, int], float] = {}
        self.events: dict[tuple[str, int], float] = {}

    def received(self, response: Response) -> None:
        now = time.time()
        if self.metrics_url in response.url and response.ok:
            for _, name, step, _ in response.json()["points"]:
                self.shown_points.setdefault((name, step), now)
        elif self.log_url in response.url and response.ok:
            self.shown_logs.append((now, int(response.headers["x-offset"])))

    def look(self) -> None:
        size = self.log_path.stat().st_size if self.log_path.exists() else 0
        if size and (not self.sizes or size > self.sizes[-1][1]):
            self.sizes.append((time.time(), size))

    def read_events(self) -> None:
        for line in self.events_path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if event["type"] == "metric":
                self.events.setdefault((event["name"], event["step"]), event["t"])

    def metric_delays(self, since: float) -> list[float]:
        shown = self.shown_points.items()
        return [at - self.events[key] for key, at in shown if self.events.get(key, 0) > since]

    def log_delays(self, since: float) -> list[float]:
        delays = []
        for written, size in self.sizes:
            shown = next((at for at, offset in self.shown_logs if offset >= size and at >= written), None)
            if shown is not None and written > since:
                delays.append(shown - written)
        return delays


def watch_training(portal: Portal, seconds: float) -> dict:
    client = portal.client()
    file = ("digits.zip", DIGITS.read_bytes())
    version = client.post("datasets/", data={"name": "Digits"}, files={"file": file})
    run = client.post("runs/", json={"dataset_version": version["id"], "preset": "fast", "chips": ["rv1106"]})
    job = _wait_for_training(client, run["id"])
    watch = Watch(job, portal.var / "jobs" / str(job))
    with sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = _open(browser.new_page(base_url=portal.base), portal.password, run["id"])
        page.on("response", watch.received)
        # What was written before the page was open is no delay of the page's.
        since = time.time() + 3
        end = since + seconds
        while time.time() < end:
            watch.look()
            page.wait_for_timeout(LOOK_MS)
        watch.read_events()
        browser.close()
    client.post(f"runs/{run['id']}/cancel/")
    return figures(watch, since)


def _wait_for_training(client, run: int) -> int:
    while True:
        job = client.get(f"runs/{run}/")["steps"][0]["job"]
        if job and job["phase"].startswith("epoch"):
            return job["id"]
        time.sleep(0.5)


def _open(page: Page, password: str, run: int) -> Page:
    page.goto("/sign-in/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", password)
    page.click("main button")
    page.goto(f"/runs/{run}/")
    page.wait_for_selector("#curves svg")
    return page


def figures(watch: Watch, since: float) -> dict:
    found = {}
    for name, delays in (("metric", watch.metric_delays(since)), ("log", watch.log_delays(since))):
        delays.sort()
        found[f"{name}s_seen"] = len(delays)
        found[f"{name}_delay_p95_seconds"] = round(delays[int(0.95 * (len(delays) - 1))], 3)
        found[f"{name}_delay_max_seconds"] = round(delays[-1], 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__)[0])
    parser.add_argument("--seconds", type=float, default=60)
    with serving() as portal:
        found = watch_training(portal, parser.parse_args().seconds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
