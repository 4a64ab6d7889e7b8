"""The files of the application: for a board, and as a package to download."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from portal.core.configs import BoardProfile
from portal.devices.remote_runner import program

TEXTS = Path(__file__).parent / "texts"
PROGRAMS = ("app.py", "keeper.py", "mqtt.py", "outputs.py", "service.sh")
README = "README.txt"
VIRTUAL_BOOT = "init.d"  # of the virtual board, in its login folder


def files_of(profile: BoardProfile, config: dict[str, Any]) -> dict[str, bytes]:
    """By name, the files of ``<root>/app`` on a board."""
    return {
        **{name: program(f"board/app/{name}") for name in PROGRAMS},
        "camera.py": program("board/camera.py"),
        "config.json": json.dumps(config, ensure_ascii=False, indent=1).encode(),
        "python": f"{profile.python}\n".encode(),
        README: (TEXTS / README).read_bytes(),
    }


def boot_folder(profile: BoardProfile) -> str:
    """Where the board's init scripts are: for ``app_manager.py``."""
    return VIRTUAL_BOOT if profile.virtual else "auto"
