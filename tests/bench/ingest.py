"""Measures how fast an upload is read and checked, and what memory that takes.

    .venv/bin/python -m tests.bench.ingest [--photos 3000] [--small 20000] [--many 100000] [--rounds 3]

``ratio``: the time that `unzip` takes, followed by decoding each image with Pillow in as many processes as
there are cores, to the time of the whole ingest program; the two take turns on one machine, the median of
the rounds counts, and ``ratio`` is the lower one of photos (JPEG, 640 × 480) and small pictures (PNG,
32 × 32). ``peak_rss_mb``: the largest sum of the resident memory of all the program's processes, looked at
twenty times a second (pages that they share count more than once) while it checks ``--many`` small pictures.
``growth_exponent``: of the time over the number of pictures, from a thousand to ``--many``, and from a tenth
of it; the larger one. Prints one JSON object as its last line.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import multiprocessing
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from PIL import Image

from tests.bench import processes

ROOT = Path(__file__).resolve().parents[2]
CORES = len(os.sched_getaffinity(0))
CLASSES = 10
LOOK_SECONDS = 0.05


def photo(number: int) -> tuple[str, bytes]:
    """A picture with the spectrum of a photograph: noise of several sizes, one over the other."""
    values = random.Random(number)
    image = Image.frombytes("RGB", (8, 6), values.randbytes(144)).resize((640, 480), Image.Resampling.BICUBIC)
    for side, part in ((40, 0.25), (160, 0.12), (640, 0.05)):
        size = (side, side * 3 // 4)
        noise = Image.frombytes("RGB", size, values.randbytes(size[0] * size[1] * 3))
        image = Image.blend(image, noise.resize((640, 480), Image.Resampling.BICUBIC), part)
    return f"c{number % CLASSES}/{number:06d}.jpg", encoded(image, "JPEG", quality=85)


def small(number: int) -> tuple[str, bytes]:
    values = random.Random(number)
    image = Image.frombytes("RGB", (6, 6), values.randbytes(108)).resize((32, 32), Image.Resampling.BICUBIC)
    return f"c{number % CLASSES}/{number:06d}.png", encoded(image, "PNG")


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def make_zip(target: Path, make, count: int) -> Path:
    with ProcessPoolExecutor(CORES) as pool, zipfile.ZipFile(target, "w") as archive:
        for name, content in pool.map(make, range(count), chunksize=64):
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return target


def part_of(source: Path, target: Path, count: int) -> Path:
    with zipfile.ZipFile(source) as whole, zipfile.ZipFile(target, "w") as part:
        for info in whole.infolist()[:count]:
            part.writestr(info.filename, whole.read(info), zipfile.ZIP_DEFLATED)
    return target


def decode(path: str) -> int:
    with Image.open(path) as image:
        image.load()
        return image.width


def plain_seconds(upload: Path, folder: Path) -> float:
    """unzip, then a plain decode of each file."""
    began = time.perf_counter()
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-q", str(upload), "-d", str(folder)], check=True)
    else:
        with zipfile.ZipFile(upload) as archive:
            archive.extractall(folder)
    paths = [str(path) for path in folder.rglob("*.*") if path.is_file()]
    with multiprocessing.Pool(CORES) as pool:
        for _ in pool.imap_unordered(decode, paths, chunksize=64):
            pass
    spent = time.perf_counter() - began
    shutil.rmtree(folder)
    return spent


def program_seconds(upload: Path, folder: Path) -> tuple[float, float]:
    """The ingest program as the portal starts it: its seconds, and its peak memory in MB."""
    folder.mkdir()
    params = {"filename": upload.name, "pack_key": "bench"}
    spec = {"schema": 1, "kind": "ingest", "inputs": {"archive": str(upload)}, "params": params}
    (folder / "spec.json").write_text(json.dumps(spec))
    command = [sys.executable, "-m", "workers.datakit.ingest", str(folder)]
    began = time.perf_counter()
    with (folder / "log.txt").open("wb") as log:
        program = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        peak = 0.0
        while program.poll() is None:
            peak = max(peak, processes.group_rss_mb(program.pid))
            time.sleep(LOOK_SECONDS)
    spent = time.perf_counter() - began
    if program.returncode != 0:
        raise SystemExit((folder / "log.txt").read_text()[-2000:])
    shutil.rmtree(folder)
    return spent, peak


def rates(folder: Path, upload: Path, count: int, rounds: int) -> dict[str, float]:
    turns = []
    for number in range(rounds):
        plain = plain_seconds(upload, folder / f"plain{number}")
        turns.append((plain, program_seconds(upload, folder / f"job{number}")[0]))
    return {
        "ratio": round(statistics.median(plain / ours for plain, ours in turns), 3),
        "plain_images_per_second": round(count / statistics.median(plain for plain, _ in turns)),
        "images_per_second": round(count / statistics.median(ours for _, ours in turns)),
    }


def growth(folder: Path, upload: Path, count: int) -> dict[str, float]:
    found = {}
    for part in (1000, count // 10, count):
        zipped = upload if part == count else part_of(upload, folder / f"part{part}.zip", part)
        found[part] = program_seconds(zipped, folder / f"growth{part}")
    whole, tenth, thousand = found[count][0], found[count // 10][0], found[1000][0]
    exponents = (math.log(whole / tenth, 10), math.log(whole / thousand) / math.log(count / 1000))
    return {
        "growth_exponent": round(max(exponents), 3),
        "seconds": {part: round(seconds, 2) for part, (seconds, _) in found.items()},
        "peak_rss_mb": round(found[count][1], 1),
        "peak_rss_mb_by_images": {part: round(peak, 1) for part, (_, peak) in found.items()},
    }


def measure(folder: Path, photos: int, few: int, many: int, rounds: int) -> dict:
    photo_rates = rates(folder, make_zip(folder / "photos.zip", photo, photos), photos, rounds)
    everything = make_zip(folder / "many.zip", small, many)
    small_rates = rates(folder, part_of(everything, folder / "few.zip", few), few, rounds)
    return {
        "ratio": min(photo_rates["ratio"], small_rates["ratio"]),
        **growth(folder, everything, many),
        "photos": photo_rates,
        "small": small_rates,
        "unpacked_with": "unzip" if shutil.which("unzip") else "zipfile",
        "cores": CORES,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__)[0])
    parser.add_argument("--photos", type=int, default=3000)
    parser.add_argument("--small", type=int, default=20_000)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        found = measure(Path(folder), options.photos, options.small, options.many, options.rounds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
