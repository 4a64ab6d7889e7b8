"""Starts the demo's virtual board: the password comes from the environment, the key stays in its folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    password = os.environ.pop("VIRTUAL_BOARD_PASSWORD", "")
    if not password:
        raise SystemExit("VIRTUAL_BOARD_PASSWORD is not set: run make compose-env first.")
    folder = Path(os.environ["SLIPWAY_VAR"]) / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    os.umask(0o077)
    password_file = folder / "virtual-board-password"
    password_file.write_text(password, encoding="ascii")
    argv = [
        sys.executable, "-m", "workers.virtual_board", "--root", str(folder.parent / "virtual-board"),
        "--bind", "0.0.0.0", "--port", "2222", "--user", "root",  # noqa: S104 - of the container's networks
        "--password-file", str(password_file), "--host-key-file", str(folder / "virtual-board-host-key"),
        "--camera", "camera.zip",
    ]  # fmt: skip
    os.execv(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main()
