"""Unpacks an upstream training suite into an image: ``fetch_suite.py ADDRESS#sha256=… FOLDER``.

Without an address it only makes the folder. The archive (zip or tar) must have the checksum that the address
names; its single top folder, as GitHub and Gitee make one, is left out. Standard library only.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path

SECONDS = 120


def fetch(address: str, folder: Path) -> None:
    """Fill ``folder`` with the archive's files. Exits with a sentence if it is not the one that was meant."""
    folder.mkdir(parents=True)
    if not address:
        return
    where, _, checksum = address.partition("#sha256=")
    if not checksum:
        sys.exit(f"Name the checksum of the suite: {where}#sha256=…")
    with tempfile.TemporaryDirectory() as name:
        archive = Path(name) / ("suite.zip" if where.endswith(".zip") else "suite.tar.gz")
        with urllib.request.urlopen(where, timeout=SECONDS) as source, archive.open("wb") as target:  # noqa: S310
            shutil.copyfileobj(source, target)
        with archive.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != checksum.lower():
            sys.exit(f"The suite at {where} has the checksum {found}, not {checksum}: it is another one.")
        unpacked = Path(name) / "unpacked"
        shutil.unpack_archive(archive, unpacked, **({} if archive.suffix == ".zip" else {"filter": "data"}))
        tops = list(unpacked.iterdir())
        shutil.copytree(tops[0] if len(tops) == 1 else unpacked, folder, dirs_exist_ok=True)


if __name__ == "__main__":
    fetch(sys.argv[1], Path(sys.argv[2]))
