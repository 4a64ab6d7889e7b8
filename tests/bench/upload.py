"""Measures how fast an upload is received, and what memory the web server takes for a large one.

    .venv/bin/python -m tests.bench.upload [--megabytes 4096] [--rate-megabytes 512] [--rounds 3]

``ratio``: the rate at which the portal receives a file by tus, in one request, to the rate at which
Python's own HTTP server writes the same bytes to the same disk, from the same client over loopback; the two
take turns, and the median of the rounds counts. ``rss_growth_mb``: how much larger the largest peak of a web
process is after ``--megabytes`` than after 10 MB. Prints one JSON object as its last line.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.bench import processes
from tests.bench.serving import Portal, free_port, serving
from tests.bench.tusclient import BLOCK, CHUNK, TusClient

MB = 1024 * 1024
SMALL_MB = 10
BYTES = memoryview(os.urandom(BLOCK))
WARM_UPS = 6
# Python's own server, as short as it goes: a PUT's body to a file, in blocks of the size of ours.
SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        with open(sys.argv[2], "wb") as file:
            while left and (block := self.rfile.read(min(1048576, left))):
                file.write(block)
                left -= len(block)
        self.send_response(204)
        self.end_headers()
    def log_message(self, *arguments):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def portal_seconds(tus: TusClient, size: int) -> float:
    path = tus.create(size, filename="bench.zip")
    began = time.perf_counter()
    tus.send(path, size, lambda offset, length: BYTES[:length], chunk=size)
    spent = time.perf_counter() - began
    tus.discard(path)
    return spent


def plain_seconds(port: int, target: Path, size: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    blocks = (BYTES[: min(BLOCK, size - start)] for start in range(0, size, BLOCK))
    began = time.perf_counter()
    connection.request("PUT", "/", blocks, {"Content-Length": str(size)})
    connection.getresponse().read()
    spent = time.perf_counter() - began
    connection.close()
    target.unlink()
    return spent


def rates(tus: TusClient, folder: Path, size: int, rounds: int) -> dict:
    port, target = free_port(), folder / "plain.bin"
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(port), str(target)])
    try:
        time.sleep(1)
        turns = [(plain_seconds(port, target, size), portal_seconds(tus, size)) for _ in range(rounds)]
    finally:
        server.kill()
        server.wait()
    return {
        "ratio": round(statistics.median(plain / ours for plain, ours in turns), 3),
        "plain_mb_per_second": round(size / MB / statistics.median(plain for plain, _ in turns), 1),
        "portal_mb_per_second": round(size / MB / statistics.median(ours for _, ours in turns), 1),
    }


def largest_peak(portal: Portal) -> float:
    return max(processes.peak_mb(processes.of_portal(portal.var, "portal.ops.web")).values())


def measure(portal: Portal, megabytes: int, rate_megabytes: int, rounds: int) -> dict:
    tus = TusClient(portal.client())
    for _ in range(WARM_UPS):  # so that each web process has loaded its code and taken a whole chunk
        portal_seconds(tus, 2 * CHUNK)
        tus.close()
    portal_seconds(tus, SMALL_MB * MB)
    before = largest_peak(portal)
    seconds = portal_seconds(tus, megabytes * MB)
    growth = largest_peak(portal) - before
    figures = rates(tus, portal.var, rate_megabytes * MB, rounds)
    return {
        **figures,
        "rss_growth_mb": round(growth, 1),
        "rss_peak_mb": round(before + growth, 1),
        "large_megabytes": megabytes,
        "large_seconds": round(seconds, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__)[0])
    parser.add_argument("--megabytes", type=int, default=4096)
    parser.add_argument("--rate-megabytes", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with serving() as portal:
        found = measure(portal, options.megabytes, options.rate_megabytes, options.rounds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
