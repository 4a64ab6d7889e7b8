"""Measures drawing boxes in the browser: a hundred on twenty photographs, and how smooth a drag is.

    .venv/bin/python -m tests.bench.annotating [--megapixels 12]

A portal of its own takes twenty photographs without labels; Chromium draws five boxes on each with the mouse
and makes the next version. Prints one JSON object as its last line: ``drawn`` and ``kept`` are boxes, before
and in that version, ``lost`` those of the first that are missing in the second; ``frames_per_second`` are
those of the browser while a box is dragged over a photograph, which a browser caps at 60; ``open_ms`` is the
median answer of an image's page in a draft of 10,000 boxes, ``crowd_ms`` that of one of 2,000 boxes, and
``crowd_frames`` the frames a second while one of these is dragged. Needs Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import statistics
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import requests
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from slipway import Client

from tests.bench.serving import Portal, serving

IMAGES, BOXES = 20, 5
DRAFT_BOXES = 10_000
CROWD = 2_000  # the most that an image can have
VISITS = 9
SECONDS = 3
CLOSE = 0.01  # of the photograph
FRAMES = f"""() => {{ window.frames = new Promise((done) => {{
  const begun = performance.now();
  let frames = 0;
  const count = (now) => {{
    frames += 1;
    if (now - begun < {1000 * SECONDS}) requestAnimationFrame(count);
    else done(frames / (now - begun) * 1000);
  }};
  requestAnimationFrame(count);
}}); }}"""


def photographs(target: Path, megapixels: float) -> Path:
    """Photographs of 4 to 3, each another colour with noise, in an archive."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    noise = Image.effect_noise((height * 4 // 3, height), 60)
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(IMAGES):
            content = io.BytesIO()
            Image.merge("RGB", [noise.point(lambda v, n=n: (v + 40 * n) % 256) for n in (number, 0, 3)]).save(
                content, "JPEG", quality=85
            )
            archive.writestr(f"photos/{number:02d}.jpg", content.getvalue())
    return target


Shares = list[tuple[float, float, float, float]]


def draw(page: Page, address: str) -> Shares:
    """Draw boxes on one image, side by side; return them as left, top, width, height in shares of it."""
    page.goto(address)
    page.locator("[data-annotate]").wait_for(state="visible")
    drawn = []
    for number in range(BOXES):
        box = (0.05 + 0.19 * number, 0.1 + 0.5 * random.random(), 0.15, 0.1 + 0.2 * random.random())
        drag(page, box[:2], (box[0] + box[2], box[1] + box[3]))
        drawn.append(box)
    page.wait_for_function(f"() => document.querySelectorAll('[data-box-list] li').length === {BOXES}")
    page.locator('[data-saved][data-kind="saved"]').wait_for()
    return drawn


def drag(page: Page, start: tuple[float, float], end: tuple[float, float], steps: int = 4) -> None:
    box = page.locator("#photo").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=steps)
    page.mouse.up()


def smoothness(page: Page) -> float:
    """Frames a second while a box, the last one drawn, is dragged to and fro; it is taken back after that."""
    drag(page, (0.01, 0.9), (0.04, 0.98))
    frames = frames_of_drag(page, 0.02, 0.95)
    for _ in range(2):
        page.keyboard.press("u")
    page.wait_for_function(f"() => document.querySelectorAll('[data-box-list] li').length === {BOXES}")
    page.locator('[data-saved][data-kind="saved"]').wait_for()
    return frames


def frames_of_drag(page: Page, x: float, y: float) -> float:
    """Frames a second while the box at this place, in shares of the photograph, is dragged to and fro."""
    box = page.locator("#photo").bounding_box()
    page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.mouse.down()
    page.evaluate(FRAMES)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        place = random.uniform(0, 0.9), random.uniform(0, 0.9)
        page.mouse.move(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])
    page.mouse.up()
    return page.evaluate("() => window.frames")


def lost(drawn: list[Shares], images: list[dict]) -> int:
    """How many drawn boxes the new version lacks; a corner may be off by the width of a line."""
    missing = 0
    for shares, image in zip(drawn, images, strict=True):
        size = (image["width"], image["height"]) * 2
        found = [
            [value / whole for value, whole in zip(box[1:], size, strict=True)] for box in image["boxes"]
        ]
        missing += sum(not any(_close(box, other) for other in found) for box in shares)
    return missing


def _close(one: Iterable[float], other: Iterable[float]) -> bool:
    return all(abs(a - b) < CLOSE for a, b in zip(one, other, strict=True))


def opening(client: Client, portal: Portal, version: int) -> dict[str, float]:
    """Milliseconds until an image's page is answered whole, in a draft of 10,000 boxes and on an image
    of 2,000; and how smooth a drag is among these.
    """
    draft = client.post("drafts/", json={"dataset_version": version})["id"]
    for number in range(IMAGES):
        replace(client, draft, number + 1, DRAFT_BOXES // IMAGES)
    addresses = [f"/datasets/versions/{version}/images/{number + 1}/" for number in range(VISITS)]
    found = {"open_ms": answered(portal, addresses)}
    replace(client, draft, 1, CROWD)
    with opened(portal) as page:
        page.goto(addresses[0])
        page.locator("[data-annotate]").wait_for(state="visible")
        frames = frames_of_drag(page, 0.005, 0.006)
    return found | {"crowd_ms": answered(portal, addresses[:1] * VISITS), "crowd_frames": round(frames, 1)}


def replace(client: Client, draft: int, image: int, boxes: int) -> None:
    """Give an image this many boxes in rows of fifty, all over a photograph."""
    places = [[0, 60 * (n % 50), 50 * (n // 50), 45, 40] for n in range(boxes)]
    client.post(f"drafts/{draft}/changes/", json={"kind": "boxes", "image": image, "boxes": places})


def answered(portal: Portal, addresses: list[str]) -> int:
    """The median of milliseconds until these pages are answered."""
    session = requests.Session()
    session.cookies.update(portal.cookies())
    times = []
    for address in addresses:
        begun = time.monotonic()
        session.get(portal.base + address, timeout=60).raise_for_status()
        times.append(1000 * (time.monotonic() - begun))
    return round(statistics.median(times))


@contextlib.contextmanager
def opened(portal: Portal) -> Iterator[Page]:
    """A page of a browser that has signed in."""
    with sync_playwright() as playwright:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(base_url=portal.base, viewport={"width": 1280, "height": 900})
        cookies = portal.cookies().items()
        context.add_cookies([{"name": name, "value": value, "url": portal.base} for name, value in cookies])
        yield context.new_page()
        browser.close()


def in_browser(portal: Portal, version: int) -> tuple[list[Shares], float]:
    with opened(portal) as page:
        drawn = [draw(page, f"/datasets/versions/{version}/images/{n + 1}/") for n in range(IMAGES)]
        return drawn, smoothness(page)


def measure(portal: Portal, archive: Path) -> dict:
    client = portal.client()
    options = {"as": "unlabelled", "class_names": ["screw", "nut"]}
    version = client.upload(archive, "Photographs", options)["id"]
    drawn, frames = in_browser(portal, version)
    (draft,) = client.rows("drafts/")
    made = client.checked(client.post(f"drafts/{draft['id']}/commit/", json={"message": "drawn"}))["id"]
    images = client.get(f"dataset-versions/{made}/images/", limit=1000)["images"]
    return {
        "drawn": sum(map(len, drawn)),
        "kept": sum(len(image["boxes"]) for image in images),
        "lost": lost(drawn, images),
        "frames_per_second": round(frames, 1),
        **opening(client, portal, made),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--megapixels", type=float, default=12)
    with tempfile.TemporaryDirectory() as folder, serving() as portal:
        archive = photographs(Path(folder, "photographs.zip"), parser.parse_args().megapixels)
        found = measure(portal, archive)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
