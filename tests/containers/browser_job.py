"""The main job in the running stack as a person does it: from a browser, on the proxy's TLS address.

    .venv/bin/python -m tests.containers.browser_job --base https://localhost:18082 --password … \
        --board-password … [--archive FILE] [--authority root.crt]

Needs Playwright and Chromium (``CHROMIUM``, or ``chromium`` on the path). Registers a board, uploads, starts
a run with the fast preset, waits until the board has answered, and asks the board with one picture. With
``--authority``, the figures are also asked for by TLS, with that root certificate. The browser itself takes
any certificate: its list of authorities is the machine's. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import time
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright
from slipway import Client

import portal.datasets

DIGITS = Path(portal.datasets.__file__).parent / "samples" / "digits.zip"
PATIENCE_MS = 40 * 60 * 1000
PAGE_MS = 120_000
NOT_OVERHEAD = ("paddlex", "paddle2onnx", "rknn-toolkit2", "board")


def sign_in(page: Page, password: str) -> None:
    page.goto("/sign-in/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", password)
    page.press("#id_password", "Enter")
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def register(page: Page, host: str, port: int, password: str) -> None:
    page.goto("/devices/new/")
    page.select_option("#id_profile", "virtual")
    for name, value in {
        "name": "Board on the desk",
        "host": host,
        "port": str(port),
        "password": password,
    }.items():
        page.fill(f"#id_{name}", value)
    page.click("text=Connect and register")
    expect(page.locator("main")).to_contain_text("lockzhiner_vision_module")


def run(page: Page, archive: Path) -> int:
    """Upload and start; wait until the board has answered. Return the run."""
    page.goto("/runs/new/")
    page.set_input_files("#id_upload", archive)
    page.fill("#id_upload_name", "Digits by hand")
    page.check("label:has-text('Fast') input")
    page.check("label:has-text('Board on the desk') input")
    page.click("text=Start the run")
    expect(page.locator("#step-board")).to_contain_text("Succeeded", timeout=PATIENCE_MS)
    return int(re.search(r"/runs/(\d+)", page.url)[1])


def ask_board(page: Page, archive: Path) -> dict:
    """Let the board answer for one picture of the archive."""
    with zipfile.ZipFile(io.BytesIO(archive.read_bytes())) as opened:
        name = next(name for name in opened.namelist() if name.endswith(".png"))
        picture = {"name": "picture.png", "mimeType": "image/png", "buffer": opened.read(name)}
    page.click("#boards >> text=Board on the desk")
    page.set_input_files("#id_images", picture)
    page.click("#try >> text=Run inference")
    label = page.locator(".answer .label")
    expect(label).not_to_be_empty(timeout=PAGE_MS)
    return {"asked": Path(name).parent.name, "answered": label.inner_text()}


def main_job(options: argparse.Namespace) -> dict:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(base_url=options.base, ignore_https_errors=True)
        context.set_default_timeout(PAGE_MS)
        expect.set_options(timeout=PAGE_MS)
        page = context.new_page()
        sign_in(page, options.password)
        register(page, *options.board.split(":"), options.board_password)
        began = time.monotonic()
        number = run(page, options.archive)
        seconds = time.monotonic() - began
        told = ask_board(page, options.archive)
        browser.close()
    return {"run": number, "seconds": round(seconds, 1), **told}


def figures(options: argparse.Namespace, number: int) -> dict:
    """Of the run's report, by TLS with the authority's certificate."""
    client = Client(options.base, cacert=str(options.authority))
    client.sign_in("admin", options.password, "browser job", ["read"], days=1)
    report = client.get(f"runs/{number}/report/")
    tools = [spent for step in report["seconds"]["tools"].values() for spent in step.items()]
    inside = sum(spent for tool, spent in tools if tool in NOT_OVERHEAD)
    (model,), (board,) = report["models"], report["boards"]
    return {
        "onnx_top1": model["onnx_top1"],
        "int8_top1": model["int8_top1"],
        "board_agreement": board["agreement"],
        "total_seconds": report["seconds"]["total"],
        "overhead_seconds": round(report["seconds"]["total"] - inside, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", required=True, help="the proxy's address, such as https://localhost:18082")
    parser.add_argument("--password", required=True, help="of the administrator, by the log of setup")
    parser.add_argument("--board", default="virtual-board:2222", help="as the portal reaches it")
    parser.add_argument("--board-password", required=True)
    parser.add_argument("--archive", type=Path, default=DIGITS)
    parser.add_argument("--authority", type=Path, help="the root certificate of the proxy")
    options = parser.parse_args()
    found = main_job(options)
    if options.authority:
        found |= figures(options, found["run"])
    print(json.dumps(found | {"load": [round(one, 1) for one in os.getloadavg()]}))


if __name__ == "__main__":
    main()
