"""Measures a capture: images of a board's camera into a draft, while the link is cut.

    .venv/bin/python -m tests.bench.capture [--images 500] [--cuts 3]

A real ``manage.py serve`` and a virtual board on loopback, reached through a proxy that cuts the connection
at equal distances. The images are captured as fast as the board sends them.

Prints one JSON object as its last line: ``images`` ordered; ``stored`` in the draft; ``keys``, how many of
them differ by their key, and ``contents`` by their bytes; ``cuts``; ``seconds`` from the order to the job's
end, with the waits for the link; ``ok``: all stored, none twice.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time

from tests.bench.camera_scene import Scene, scene

LIMIT_SECONDS = 1800
FINAL = ("succeeded", "failed", "cancelled")


def measure(place: Scene, images: int, cuts: int) -> dict:
    client = place.client
    draft = client.post("capture-drafts/", json={"dataset": "Bench", "task": "classification"})["id"]
    order = {"draft": draft, "device": place.device, "count": images, "every_ms": 0, "class_name": "digit"}
    start = time.monotonic()
    job = client.post("captures/", json=order)["job"]
    done_cuts, state = 0, job
    while state["status"] not in FINAL and time.monotonic() < start + LIMIT_SECONDS:
        time.sleep(0.1)
        state = client.get(f"jobs/{job['id']}/")
        if done_cuts < cuts and (state["percent"] or 0) >= 100 * (done_cuts + 1) / (cuts + 1):
            place.link.cut()
            done_cuts += 1
    seconds = time.monotonic() - start
    rows = list(client.rows(f"capture-drafts/{draft}/images/"))
    contents = {_digest(client, draft, row["id"]) for row in rows}
    keys = {row["key"] for row in rows}
    found = {"images": images, "stored": len(rows), "keys": len(keys), "contents": len(contents)}
    whole = len(rows) == len(keys) == len(contents) == images and done_cuts == cuts
    ok = whole and state["status"] == "succeeded"
    print(state["status"], state["message"], file=sys.stderr)
    return found | {"cuts": done_cuts, "seconds": round(seconds, 1), "ok": ok}


def _digest(client, draft: int, number: int) -> str:
    answer = client.call("GET", f"capture-drafts/{draft}/images/{number}/")
    return hashlib.sha256(answer.content).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--cuts", type=int, default=3)
    options = parser.parse_args()
    with scene() as place:
        found = measure(place, options.images, options.cuts)
    print(json.dumps(found))
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
