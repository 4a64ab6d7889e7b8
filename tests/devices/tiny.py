"""Releases for boards with the library in ``tiny_library/``: plain Python, started within milliseconds."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from portal.core.configs import BoardProfile
from portal.deployment.release import Release, build_release
from tests.devices.boards import NAMES, PROFILE, picture

LIBRARY = Path(__file__).resolve().parent / "tiny_library"
HEAD = b"RKNN\0\0\0\0" + (0x1004).to_bytes(8, "little")
TAIL = b'{"target_platform":["rv1106"],"version":"2.3.2"}'


def tiny_python(folder: Path, library: Path = LIBRARY, python: str = sys.executable) -> Path:
    """A command that starts Python with the library."""
    command = folder / "tiny-python"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{library}" exec "{python}" -B "$@"\n', "utf-8")
    command.chmod(0o755)
    return command


def tiny_profile(python: Path | str) -> BoardProfile:
    return replace(PROFILE, python=str(python), needs_simulator=False, free_space_bytes=0)


def tiny_release(folder: Path, name: str, profile: BoardProfile, weights: bytes = b"weights") -> Release:
    model = folder / "model.rknn"
    model.write_bytes(HEAD + weights + TAIL)
    return build_release(
        name,
        profile,
        model=model,
        class_names=NAMES,
        input_size=[16, 8],
        mean=[0, 0, 0],
        std=[1, 1, 1],
        task="classification",
        golden=[(picture(colour), {"label_id": label}) for label, colour in enumerate(NAMES)],
        provenance={"run": "7"},
    )
