"""The main job in the compose stack as a person does it: from a browser, on the proxy's TLS address.

    .venv/bin/python -m tests.containers.browser_job [--archive FILE] [--real-images] [--keep]

Needs root, docker, docker compose, the images that ``run_compose.py`` builds, Playwright and Chromium
(``CHROMIUM``, or ``chromium`` on the path). Starts the stack with TLS by the proxy's own authority, and
removes it with its volumes at the end. In the browser it signs in, registers the virtual board, uploads,
starts a run with the fast preset, waits until the board has answered, and asks the board for one picture. The
browser takes any certificate, for its list of authorities is the machine's; the figures are then asked for by
TLS with the proxy's root certificate. Prints one JSON object; overhead as in ``tests/bench/overhead.py``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

import portal.datasets
from tests.bench.disturbed.stack import ChaosStack
from tests.bench.overhead import NOT_OVERHEAD
from tests.containers.run_compose import ROOT, Stack

PROJECT = "slipway-browser"
DIGITS = Path(portal.datasets.__file__).parent / "samples" / "digits.zip"
PATIENCE_MS = 40 * 60 * 1000
PAGE_MS = 120_000
BOARD = "Board on the desk"


@contextlib.contextmanager
def running(
    folder: Path, options: argparse.Namespace, project: str, more: Path | None = None, **settings: str
) -> Iterator[ChaosStack]:
    """The stack, reached by TLS alone. ``more`` is a further compose file."""
    secrets = folder / "secrets.env"
    make_env = ROOT / "configs/containers/make_env.py"
    subprocess.run([sys.executable, str(make_env), str(secrets)], check=True, stdout=subprocess.DEVNULL)
    values = dict(line.split("=", 1) for line in secrets.read_text().splitlines() if "=" in line[1:])
    address = f"https://localhost:{options.port + 2}"
    stack = Stack(
        secrets, options.real_images, options.port, project, more, SITE_ADDRESS="https://localhost",
        SITE_TLS="internal", HTTPS="yes", CSRF_TRUSTED_ORIGINS=address, SITE_URL=address, **settings,
    )  # fmt: skip
    found = ChaosStack(stack, values, options.port, {})
    try:
        found.up()
        yield found
    finally:
        if options.keep:
            input(f"The stack is left running, with {found.password} for admin; press Enter to remove it. ")
        stack.run("down", "--volumes", "--timeout", "20")


def authority(stack: ChaosStack, folder: Path) -> Path:
    """The proxy's root certificate, which it makes at its first start."""
    deadline = time.monotonic() + PAGE_MS / 1000
    while True:
        try:
            return stack.authority(folder)
        except subprocess.CalledProcessError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def sign_in(page: Page, password: str) -> None:
    page.goto("/sign-in/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", password)
    page.press("#id_password", "Enter")
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def register(page: Page, password: str) -> None:
    page.goto("/devices/new/")
    page.select_option("#id_profile", "virtual")
    values = {"name": BOARD, "host": "virtual-board", "port": "2222", "password": password}
    for name, value in values.items():
        page.fill(f"#id_{name}", value)
    page.click("text=Connect and register")
    expect(page.locator("main")).to_contain_text("lockzhiner_vision_module")


def run(page: Page, archive: Path) -> int:
    """Upload and start; wait until the board has answered. Return the run."""
    page.goto("/runs/new/")
    page.set_input_files("#id_upload", archive)
    if not page.is_visible("#id_upload_name"):  # folded while there are datasets to choose from
        page.click("details:has(#id_upload) > summary")
    page.fill("#id_upload_name", "Digits by hand")
    page.check("label:has-text('Fast') input")
    page.check(f"label:has-text('{BOARD}') input")
    page.click("text=Start the run")
    expect(page.locator("#step-board")).to_contain_text("Succeeded", timeout=PATIENCE_MS)
    return int(re.search(r"/runs/(\d+)", page.url)[1])


def ask_board(page: Page, archive: Path) -> dict:
    """Let the board answer for one picture of the archive."""
    with zipfile.ZipFile(io.BytesIO(archive.read_bytes())) as opened:
        name = next(name for name in opened.namelist() if name.endswith(".png"))
        picture = {"name": "picture.png", "mimeType": "image/png", "buffer": opened.read(name)}
    page.click(f"#boards >> text={BOARD}")
    page.set_input_files("#id_images", picture)
    page.click("#try >> text=Run inference")
    label = page.locator(".answer .label")
    expect(label).not_to_be_empty(timeout=PAGE_MS)
    return {"asked": Path(name).parent.name, "answered": label.inner_text()}


def main_job(stack: ChaosStack, archive: Path) -> dict:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    expect.set_options(timeout=PAGE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(base_url=stack.secure_base, ignore_https_errors=True)
        context.set_default_timeout(PAGE_MS)
        page = context.new_page()
        sign_in(page, stack.password)
        register(page, stack.secrets["VIRTUAL_BOARD_PASSWORD"])
        began = time.monotonic()
        number = run(page, archive)
        seconds = time.monotonic() - began
        told = ask_board(page, archive)
        browser.close()
    return {"run": number, "seconds": round(seconds, 1), **told}


def figures(report: dict) -> dict:
    tools = [spent for step in report["steps"] for spent in step["tool_seconds"].items()]
    inside = sum(spent for tool, spent in tools if tool in NOT_OVERHEAD)
    (model,), (board,) = report["models"], report["boards"]
    return {
        "onnx_top1": model["onnx_top1"],
        "int8_top1": model["int8_top1"],
        "board_agreement": board["agreement"],
        "total_seconds": report["seconds"]["total"],
        "overhead_seconds": round(report["seconds"]["total"] - inside, 1),
        "seconds_of_steps": {step["step"]: step["seconds"] for step in report["steps"]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--archive", type=Path, default=DIGITS)
    parser.add_argument("--port", type=int, default=18120, help="of three on loopback; TLS has the third")
    parser.add_argument("--real-images", action="store_true", help="with the images of docker-compose.yml")
    parser.add_argument("--keep", action="store_true", help="leave the stack running until Enter is pressed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-browser-") as name:
        folder = Path(name)
        with running(folder, options, PROJECT) as stack:
            client = stack.client(authority(stack, folder))
            found = main_job(stack, options.archive)
            found |= figures(client.get(f"runs/{found['run']}/report/"))
            print(json.dumps(found | {"load": [round(one, 1) for one in os.getloadavg()]}), flush=True)


if __name__ == "__main__":
    main()
