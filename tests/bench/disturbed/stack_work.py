"""The work of the chaos bench: uploads in small chunks, runs one after the other, and what the board does."""

from __future__ import annotations

import hashlib
import io
import random
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from slipway import Client

import portal.datasets
from tests.bench.archives import small_zip
from tests.bench.disturbed.work import FINAL, Work
from tests.bench.tusclient import TusClient

DIGITS = Path(portal.datasets.__file__).parent / "samples" / "digits.zip"
KEPT_DIGITS = 120
CHUNK = 1024 * 1024
PATIENCE_SECONDS = 300
RUN_SECONDS = 1200
PLAN = {"epochs": 2, "input_size": [64, 64], "calibration_images": 10, "board_images": 10}


def few_digits() -> bytes:
    """Some images of each class of the sample."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(DIGITS) as digits, zipfile.ZipFile(buffer, "w") as few:
        names = sorted(name for name in digits.namelist() if name.endswith(".png"))
        step = len(names) // KEPT_DIGITS
        for name in names[::step]:
            few.writestr(name, digits.read(name))
    return buffer.getvalue()


def large_zip(seed: int, images: int = 9, side: int = 590) -> bytes:
    """About a megabyte an image, which no packing makes smaller."""
    noise, buffer = random.Random(seed), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(images):
            picture = io.BytesIO()
            pixels = noise.randbytes(side * side * 3)
            Image.frombytes("RGB", (side, side), pixels).save(picture, "PNG", compress_level=0)
            archive.writestr(f"{('cat', 'dog')[number % 2]}/{seed}-{number}.png", picture.getvalue())
    return buffer.getvalue()


@dataclass
class Sent:
    """One upload that was accepted. ``ended`` is whether all its bytes were acknowledged."""

    archive: int
    ended: bool = False
    interruptions: int = 0
    forgotten: int = 0
    resent: int = 0


class StackWork(Work):
    """Uploads one of ``archives`` again and again, each under a name of its own."""

    def __init__(self, portal, device: int, run: int, seed: int):
        super().__init__(portal, device, run, seed)
        self.archives = [small_zip(1, 6), large_zip(2), small_zip(3, 8), large_zip(4)]
        self.hashes: list[str] = []  # of the versions that they become
        self.sent: dict[str, Sent] = {}

    def tasks(self) -> tuple[Callable, ...]:
        return (self._upload, self._upload, self._edit, self._export, self._deploy, self._train_on)

    def learn_hashes(self, client: Client) -> None:
        """Upload each once, undisturbed."""
        for number, archive in enumerate(self.archives):
            file = {"file": ("small.zip", archive, "application/zip")}
            made = client.post("datasets/", data={"name": f"Reference {number}"}, files=file)
            address, end = f"dataset-versions/{made['id']}/", time.monotonic() + PATIENCE_SECONDS
            while not (found := client.get(address))["content_hash"] and time.monotonic() < end:
                time.sleep(0.5)
            if not found["content_hash"]:
                raise RuntimeError("An upload that nothing disturbs is not ready; the others say nothing.")
            self.hashes.append(found["content_hash"])

    def _upload(self, client: Client, chance: random.Random) -> None:
        number = chance.randrange(len(self.archives))
        file = self.archives[number]
        tus = TusClient(client, patience=PATIENCE_SECONDS)
        name = f"Small {chance.randrange(10**9)}"
        try:
            path = tus.create(len(file), filename="small.zip", dataset=name)
            upload = path.rstrip("/").rpartition("/")[2]
            sent = self.sent[upload] = Sent(number)
            self.record.uploads[upload] = len(zipfile.ZipFile(io.BytesIO(file)).namelist())
            try:
                tus.send(path, len(file), lambda offset, size: file[offset : offset + size], CHUNK)
                sent.ended = True
            finally:
                sent.interruptions, sent.forgotten, sent.resent = (
                    tus.interruptions, tus.forgotten, tus.resent,
                )  # fmt: skip
        finally:
            tus.close()
        if self._wait(lambda: client.get(f"uploads/{upload}/")["state"] in ("ready", "refused")):
            version = client.get(f"uploads/{upload}/")["dataset_version"]
            self.ready.append(version)

    def _train_on(self, client: Client, chance: random.Random) -> None:
        run = self._train(client)
        self._wait(lambda: client.get(f"runs/{run}/")["status"] in FINAL, RUN_SECONDS)


def pictures(archive: bytes) -> list[str]:
    """A digest of the pixels of each picture of an archive: what is exported is written anew."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        names = [name for name in opened.namelist() if name.endswith((".png", ".jpg"))]
        files = [Image.open(io.BytesIO(opened.read(name))).convert("RGB") for name in names]
    return sorted(hashlib.sha256(f"{one.size}".encode() + one.tobytes()).hexdigest() for one in files)
