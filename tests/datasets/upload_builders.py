"""Uploads made for tests, and the ingest program run on them."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

from PIL import Image

from workers.contract import InputError, JobFolder
from workers.contract.messages import Decoder
from workers.datakit import ingest
from workers.datakit.index import ImageRow, Index
from workers.datakit.staging import ReadPacks

ROOT = Path(__file__).resolve().parents[2]


def png(shade: int = 0, size: tuple[int, int] = (8, 8), mode: str = "L", **options) -> bytes:
    """A small picture whose content depends on ``shade`` alone, any whole number."""
    image = Image.new("RGB", size, (shade % 256, shade // 256 % 256, shade // 65536))
    return encoded(image.convert(mode) if mode != "L" else image, "PNG", **options)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def zipped(
    files: dict[str, bytes] | list[tuple[str, bytes]], compression: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """Pack files as they are named; a list may name one twice."""
    buffer = io.BytesIO()
    pairs = files.items() if isinstance(files, dict) else files
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in pairs:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a name twice is what some tests want
                archive.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()


def raw_named(names: list[tuple[bytes, bytes]], flag: int = 0) -> bytes:
    """A zip whose names are stored as the given bytes."""
    upload = zipped([(f"{i:04d}" + "_" * (len(raw) - 4), content) for i, (raw, content) in enumerate(names)])
    for i, (raw, _) in enumerate(names):
        upload = upload.replace(f"{i:04d}".encode() + b"_" * (len(raw) - 4), raw)
    return upload


def two_classes(count: int = 5, prefix: str = "") -> dict[str, bytes]:
    """Class folders cat and dog with ``count`` different pictures each."""
    files = {f"{prefix}cat/{i}.png": png(i) for i in range(count)}
    return files | {f"{prefix}dog/{i}.png": png(1000 + i) for i in range(count)}


def job_folder(tmp_path: Path, upload: bytes, inputs: dict | None = None, **params) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    (tmp_path / "upload.bin").write_bytes(upload)
    spec = {"schema": 1, "kind": "ingest", "inputs": {"archive": str(tmp_path / "upload.bin")}}
    spec["inputs"].update(inputs or {})
    spec["params"] = {
        "filename": "upload.zip",
        "pack_key": "key",
        "val_fraction": 0.2,
        "seed": 0,
        "limits": {},
        **params,
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    return folder


def ingested(tmp_path: Path, upload: bytes, **params) -> tuple[dict, Path]:
    """Run the program's main in this process; return its result and its artifacts folder."""
    folder = JobFolder(job_folder(tmp_path, upload, **params))
    return ingest.main(folder, folder.spec()), folder.artifacts


def refused(tmp_path: Path, upload: bytes, **params) -> str:
    """Return the sentence with which an upload is refused; check that nothing of it is left."""
    folder = JobFolder(job_folder(tmp_path, upload, **params))
    message = None
    try:
        ingest.main(folder, folder.spec())
    except InputError as error:
        message = str(error)
    assert message is not None, "the upload was accepted"
    left = {path.name for path in folder.path.iterdir()}
    assert left <= {"spec.json", "events.jsonl"}, f"left behind: {left}"
    return message


def run_program(folder: Path, memory: int = 1024**3, file_bytes: int = 512 * 1024**2) -> tuple[dict, str]:
    """Run the real program under memory and file-size limits; return its result and what it printed."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    done = subprocess.run(
        [sys.executable, "-m", "workers.datakit.ingest", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=120,
    )
    path = folder / "result.json"
    result = json.loads(path.read_text(), cls=Decoder) if path.exists() else {}
    return result, done.stdout + done.stderr


def images_of(artifacts: Path) -> list[ImageRow]:
    with Index(artifacts / "index.sqlite") as index:
        return list(index.all())


def content_of(artifacts: Path, image: ImageRow) -> bytes:
    """The image as the program packed it."""
    return (artifacts / "packs" / image.pack).read_bytes()[image.start : image.start + image.size]


def pack_reader(artifacts: Path) -> ReadPacks:
    """What reads the images that the program packed, as the portal reads them from storage."""

    def read(images):
        for image in images:
            yield image, content_of(artifacts, image)

    return read


def thumb_of(artifacts: Path, image: ImageRow) -> bytes:
    content = (artifacts / "packs" / image.pack).read_bytes()
    return content[image.thumb_start : image.thumb_start + image.thumb_size]


def index(artifacts: Path) -> list[dict]:
    """What a test wants to know of each image."""
    fields = ("original", "class_id", "split", "width", "height", "sha256", "note")
    return [
        {field: getattr(image, field) for field in fields} | {"name": image.name, "boxes": image.box_rows()}
        for image in images_of(artifacts)
    ]


def noticed(result: dict) -> list[str]:
    """The codes of what was found, but for what is true of every set of a handful."""
    of_few = {"small-classes", "no-val-images", "unequal-classes"}
    return [item["code"] for item in result["findings"] if item["code"] not in of_few]


def examples(result: dict, code: str) -> list[str]:
    return [example["text"] for example in finding(result, code)["examples"]]


def finding(result: dict, code: str) -> dict:
    found = [item for item in result["findings"] if item["code"] == code]
    assert found, f"no finding {code!r} in {[item['code'] for item in result['findings']]}"
    return found[0]
