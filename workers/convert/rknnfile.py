"""Checks a .rknn file without the toolkit. Standard library only.

The format, as observed in files of rknn-toolkit2 2.3.2 and 2.5.0: the magic ``RKNN`` and four zero bytes, a
version number, the compiled graph with the custom string in clear text, and at the end one JSON object that
names the target.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from workers.contract import ToolchainError
from workers.contract.messages import msg

# rknn-toolkit2 2.5.0 rejects a custom string of 1024 characters or more.
CUSTOM_STRING_LIMIT = 1023
MAGIC = b"RKNN\0\0\0\0"
_TAIL_START = b'{"connection"'


def custom_string(class_names: list[str], provenance: dict[str, str]) -> str:
    """Return the JSON, plain ASCII, that goes into the .rknn: labels and provenance.

    What does not fit into 1023 characters is left out, the longest part first: of the labels, their number
    and the SHA-256 of labels.txt remain.
    """
    labels_file = "".join(f"{name}\n" for name in class_names).encode("utf-8")
    short = {"classes": len(class_names), "labels_sha256": hashlib.sha256(labels_file).hexdigest()}
    candidates: list[dict[str, Any]] = [
        {"labels": class_names, "provenance": provenance},
        {**short, "provenance": provenance},
        short,
    ]
    texts = [json.dumps(candidate, separators=(",", ":")) for candidate in candidates]
    return next(text for text in texts if len(text) <= CUSTOM_STRING_LIMIT)


def read_tail(data: bytes) -> dict[str, Any]:
    """Return the JSON object at the end of a .rknn file; raise ToolchainError if there is none."""
    if not data.startswith(MAGIC):
        raise ToolchainError(msg("rknn-toolkit2 wrote a file that is not an RKNN model: convert again."))
    start = data.rfind(_TAIL_START)
    try:
        text = data[start:].decode("utf-8", "ignore")
        tail, _ = json.JSONDecoder().raw_decode(text) if start >= 0 else (None, 0)
    except ValueError:
        tail = None
    if not isinstance(tail, dict):
        raise ToolchainError(
            msg("The RKNN file is cut short, it has no description at its end: convert again.")
        )
    return tail


def check_rknn(path: Path, target_platform: str, custom_string: str) -> dict[str, Any]:
    """Return the description at the end of the file if it was built for this target with this text.

    The file must contain ``custom_string`` byte for byte. Raises ToolchainError otherwise.
    """
    data = path.read_bytes()
    tail = read_tail(data)
    if target_platform.lower() not in [str(name).lower() for name in tail.get("target_platform", [])]:
        raise ToolchainError(
            msg(
                "The RKNN file was built for {found} and not for {chip}: convert again.",
                found=tail.get("target_platform"),
                chip=target_platform,
            )
        )
    if custom_string.encode("ascii") not in data:
        raise ToolchainError(msg("The RKNN file does not carry its labels and provenance: convert again."))
    return tail
