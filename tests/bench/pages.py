"""Measures what a run's page weighs and how soon it can be used on a slow line.

    .venv/bin/python -m tests.bench.pages [--times 5]

A portal of its own serves a finished run with curves, mistakes and files to Chromium with an empty cache at
200 KB/s and 40 ms. ``run_page_kb`` is every byte on the wire, heads included, until the line is silent;
``usable_s_200`` the time until all curves are drawn, the scripts run and the log is shown, the median. Needs
Chromium. Prints one JSON object as its last line.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

from playwright.sync_api import Browser, sync_playwright

from tests.bench.serving import ROOT, Portal, serving

BYTES_PER_SECOND = 200_000
LATENCY_MS = 40
USABLE = """() => document.querySelectorAll("#curves path").length >= 4
  && !document.querySelector("[data-theme-switch]").hidden
  && document.querySelector("pre.log").textContent.length > 0"""
SEED = """
import django; django.setup()
from portal.teams.models import Team, User
from tests.seed import everything
print(everything(Team.objects.first(), User.objects.first())["done"].pk)
"""


def seed(portal: Portal) -> int:
    """Make one of everything; return the finished run."""
    environment = portal.environment | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    command = [sys.executable, "-c", SEED]
    said = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return int(said.stdout.split()[-1])


def visit(browser: Browser, portal: Portal, run: int, cookies: dict[str, str]) -> tuple[float, float]:
    """Open the run's page with an empty cache; return KB on the wire and seconds until it can be used."""
    context = browser.new_context(base_url=portal.base)
    context.add_cookies(
        [{"name": name, "value": value, "url": portal.base} for name, value in cookies.items()]
    )
    page, received = context.new_page(), []
    line = context.new_cdp_session(page)
    line.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    line.send("Network.enable")
    speed = {"downloadThroughput": BYTES_PER_SECOND, "uploadThroughput": BYTES_PER_SECOND}
    line.send("Network.emulateNetworkConditions", {"offline": False, "latency": LATENCY_MS, **speed})
    begun = time.monotonic()
    page.goto(f"/runs/{run}/", wait_until="commit")
    page.wait_for_function(USABLE)
    usable = time.monotonic() - begun
    page.wait_for_load_state("networkidle")
    context.close()
    return sum(received) / 1000, usable


def measure(portal: Portal, times: int) -> dict:
    portal.client()  # waits until it answers
    run, cookies = seed(portal), portal.cookies()
    with sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        visits = [visit(browser, portal, run, cookies) for _ in range(times)]
        browser.close()
    sizes, seconds = zip(*visits, strict=True)
    return {"run_page_kb": round(max(sizes), 1), "usable_s_200": round(statistics.median(seconds), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--times", type=int, default=5)
    with serving() as portal:
        found = measure(portal, parser.parse_args().times)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
