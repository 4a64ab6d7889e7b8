"""The files that a virtual board's ``cat`` shows instead of the machine's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def show(folder: Path, files: Mapping[str, str]) -> None:
    """Let ``folder`` hold these texts by path, and no others.

    A command may read them meanwhile: each is replaced whole.
    """
    places = {folder / path.lstrip("/"): content for path, content in files.items()}
    for place, content in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_name(f"{place.name}.tmp")
        temporary.write_text(content + "\n", "utf-8")
        os.replace(temporary, place)
    for old in set(folder.rglob("*")) - places.keys():
        if old.is_file():
            old.unlink()
