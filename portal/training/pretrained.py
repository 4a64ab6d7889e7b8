"""Pretrained weights: from a local folder, or by URL with a checksum; without them, training starts from
scratch.

If the publisher gives no checksum, the first download is trusted and its SHA-256 stored for all workers:
later downloads from the same URL must match it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import time
from pathlib import Path

import requests
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from portal.core.configs import Pretrained, Recipe
from workers.contract import InputError
from workers.contract.messages import Message, msg

logger = logging.getLogger(__name__)
CONNECT_SECONDS, READ_SECONDS = 5, 30
DOWNLOAD_SECONDS = 900
LARGEST = 4 * 1024**3  # bytes; workers/train/unpickling.py opens nothing larger
BLOCK = 1024 * 1024


class Unusable(Exception):
    """The file is not usable as weights; the message says in a few words why."""


def find(recipe: Recipe) -> tuple[Path | None, str | None]:
    """Return the weights' path, or None with a sentence that says why training starts from scratch.

    SSLD weights come first; where only the plain ones are found, the sentence says that they were used.
    Several processes may call it at once: one downloads, the others wait for it.
    """
    if recipe.pretrained is None:
        return None, msg(
            "There are no pretrained weights for {title}: trained from scratch.", title=recipe.title
        )
    if recipe.ssld is None:
        return _find(recipe.pretrained)
    path, reason = _find(recipe.ssld)
    if path is not None:
        return path, None
    logger.info("no SSLD weights for %s: %s", recipe.title, reason)
    path, reason = _find(recipe.pretrained)
    return path, reason if path is None else _less_accurate(recipe)


def _less_accurate(recipe: Recipe) -> Message:
    return msg(
        "The distilled weights {ssld}, which are more accurate, were not found or cannot be used: started "
        "from the plain ones, {plain}. Put {ssld} into PRETRAINED_DIR to start from them.",
        ssld=recipe.ssld.file,
        plain=recipe.pretrained.file,
    )


def _find(weights: Pretrained) -> tuple[Path | None, str | None]:
    name, wanted, url = weights.file, weights.sha256, weights.url
    own = settings.PRETRAINED_DIR and Path(settings.PRETRAINED_DIR) / name
    if own and own.is_file():
        try:
            _check(own, wanted)
        except (Unusable, OSError) as error:
            return None, (
                msg(
                    "The file {name} in PRETRAINED_DIR cannot be used ({error}): trained from "
                    "scratch. Replace the file and run again.",
                    name=name,
                    error=_words(error),
                )
            )
        return own, None
    cached = Path(settings.CACHE_DIR) / "pretrained" / name
    known = wanted or first_digest(url)
    if _usable(cached, known):
        if known is None:  # downloaded before digests were stored
            _trust_first(url, cached)
        return cached, None
    if not settings.PRETRAINED_DOWNLOAD:
        return None, (
            msg(
                "Downloads are switched off and {name} is not in PRETRAINED_DIR: trained from "
                "scratch. Put the file there to start from pretrained weights.",
                name=name,
            )
        )
    return _download(url, cached, wanted)


def required(recipe: Recipe) -> Path:
    """Return the weights' path. Raises InputError if there are none."""
    path, reason = find(recipe)
    if path is None:
        logger.info("no pretrained weights for %s: %s", recipe.title, reason)
        sentence = msg(
            "A recipe teaches from its pretrained weights, and those of {title} were not found: put them "
            "into PRETRAINED_DIR, or choose a model as the teacher.",
            title=recipe.title,
        )
        raise InputError(sentence)
    return path


def _download(url: str, target: Path, wanted: str | None) -> tuple[Path | None, str | None]:
    # One name is enough: only the lock holder writes it, replacing what a killed process left.
    temporary = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.with_name(f".{target.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _usable(target, wanted or first_digest(url)):
                return target, None  # another process downloaded it meanwhile
            try:
                _fetch(url, temporary)
                _check(temporary, wanted)
                _trust_first(url, temporary)
                os.replace(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
        return target, None
    except Unusable as error:
        return None, (
            msg(
                "What {url} sends is not the pretrained weights ({error}): trained from scratch. "
                "Put {name} into PRETRAINED_DIR to start from them.",
                url=url,
                error=error,
                name=target.name,
            )
        )
    except (requests.RequestException, OSError) as error:
        logger.info("no pretrained weights from %s: %s", url, error)
        return None, (
            msg(
                "The pretrained weights could not be downloaded from {url} ({error}): trained "
                "from scratch. Put {name} into PRETRAINED_DIR to start from them without a "
                "network.",
                url=url,
                error=_words(error),
                name=target.name,
            )
        )


def _fetch(url: str, target: Path) -> None:
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    with requests.get(url, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as answer:
        answer.raise_for_status()
        with target.open("wb") as file:
            for block in answer.iter_content(BLOCK):
                file.write(block)
                if file.tell() > LARGEST:
                    raise Unusable(msg("it is larger than any weights"))
                if time.monotonic() > deadline:
                    raise requests.Timeout


def first_digest(url: str) -> str | None:
    """The SHA-256 of the first file from a URL; None before the first download."""
    try:
        with default_storage.open(_record(url)) as file:
            return json.loads(file.read())["sha256"]
    except FileNotFoundError:
        return None


def _record(url: str) -> str:
    return f"pretrained/{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"


def _trust_first(url: str, path: Path) -> None:
    """Store the SHA-256 of a URL's first file; raise Unusable if this file has another."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    first = first_digest(url)
    if first is None:
        record = {"url": url, "sha256": digest, "bytes": path.stat().st_size, "time": int(time.time())}
        default_storage.save(_record(url), ContentFile(json.dumps(record).encode()))
        logger.info("pretrained weights from %s: SHA-256 %s, trusted from now on", url, digest)
    elif first != digest:
        raise Unusable(
            msg("its SHA-256 is {digest} and was {first} at the first download", digest=digest, first=first)
        )


def _usable(path: Path, wanted: str | None) -> bool:
    try:
        _check(path, wanted)
    except (Unusable, OSError):
        return False
    return True


def _check(path: Path, wanted: str | None) -> None:
    """Raise Unusable unless the file has the checksum or, if the publisher gives none, is a complete pickle.

    ``paddle.save`` writes a pickle: it begins with the opcode PROTO and ends with STOP (pickletools). A
    proxy's error page does not, nor does a truncated file.
    """
    with path.open("rb") as stream:
        if wanted:
            if hashlib.file_digest(stream, "sha256").hexdigest() != wanted:
                raise Unusable(msg("its SHA-256 is another"))
            return
        begin = stream.read(1)
        stream.seek(-1 if begin else 0, os.SEEK_END)
        if begin != b"\x80" or stream.read(1) != b".":
            raise Unusable(msg("it is not a Paddle parameter file, or it is incomplete"))


def _words(error: Exception) -> str:
    """The reason for the failure, shortened for a notice; the log has the rest."""
    if isinstance(error, Unusable):
        return str(error)
    if isinstance(error, requests.HTTPError):
        return msg("the server answers {status}", status=error.response.status_code)
    if isinstance(error, requests.Timeout):
        return msg("the server takes too long")
    if isinstance(error, requests.ConnectionError):
        return msg("the server cannot be reached, or stopped answering")
    if isinstance(error, requests.RequestException):
        return msg("the transfer broke off")
    return getattr(error, "strerror", None) or type(error).__name__
