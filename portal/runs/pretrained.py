"""Pretrained weights: from a local folder, or by URL with a checksum, or from scratch with a notice."""

from __future__ import annotations

import hashlib
import logging
import os
import uuid
from pathlib import Path

import requests
from django.conf import settings

logger = logging.getLogger(__name__)
CONNECT_SECONDS, READ_SECONDS = 5, 30


def find(recipe: dict) -> tuple[Path | None, str | None]:
    """Return the weights' path, or None and one sentence that says why training starts from scratch."""
    book = recipe.get("pretrained") or {}
    name, wanted = book.get("file"), book.get("sha256")
    if not name:
        return None, f"There are no pretrained weights for {recipe['title']}: trained from scratch."
    for folder in (settings.PRETRAINED_DIR, Path(settings.CACHE_DIR) / "pretrained"):
        if folder and (folder / name).is_file():
            if wanted and _sha256(folder / name) != wanted:
                return None, (
                    f"The file {name} in the folder of pretrained weights is not the expected one "
                    "(its SHA-256 differs): trained from scratch. Replace the file and run again."
                )
            return folder / name, None
    if not settings.PRETRAINED_DOWNLOAD:
        return None, (
            f"Downloads are switched off and {name} is not in PRETRAINED_DIR: trained from scratch. "
            "Put the file there to start from pretrained weights."
        )
    return _download(book["url"], name, wanted)


def _download(url: str, name: str, wanted: str | None) -> tuple[Path | None, str | None]:
    target = Path(settings.CACHE_DIR) / "pretrained" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{name}.{uuid.uuid4().hex[:8]}")
    try:
        with requests.get(url, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as answer:
            answer.raise_for_status()
            with temporary.open("wb") as file:
                for block in answer.iter_content(1024 * 1024):
                    file.write(block)
        if wanted and _sha256(temporary) != wanted:
            return None, (
                f"The pretrained weights downloaded for {name} are damaged or changed (their SHA-256 "
                "differs): trained from scratch."
            )
        os.replace(temporary, target)
        return target, None
    except (requests.RequestException, OSError) as error:
        logger.info("no pretrained weights from %s: %s", url, error)
        return None, (
            f"The pretrained weights could not be downloaded from {url}: trained from scratch. "
            f"Put {name} into PRETRAINED_DIR to start from them without a network."
        )
    finally:
        temporary.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
