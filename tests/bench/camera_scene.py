"""A portal and a virtual board with a camera and a release, for the benches of cameras."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.attacks.scene import connect_database
from tests.bench.net import Proxy
from tests.bench.serving import ROOT, Portal, serving

DIGITS = ROOT / "portal" / "datasets" / "samples" / "digits.zip"


@dataclass
class Scene:
    """``link`` is what the portal reaches the board through."""

    portal: Portal
    client: Any
    board: Any
    device: int
    link: Proxy


@contextlib.contextmanager
def scene() -> Iterator[Scene]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    with tempfile.TemporaryDirectory(prefix="slipway-camera-") as folder, serving() as portal:
        connect_database(portal)
        from tests.devices import boards

        boards.PATIENCE_SECONDS = 300.0
        board = boards.RunningBoard(Path(folder), "--camera", str(DIGITS))
        try:
            yield _registered(portal, board, Path(folder))
        finally:
            board.stop()


def _registered(portal: Portal, board: Any, folder: Path) -> Scene:
    from portal.deployment.steps import deploy
    from tests.devices import boards

    artifacts = folder / "model"
    artifacts.mkdir()
    boards.make_tiny_model(artifacts)
    with board.connect() as connection:
        deploy(connection, boards.PROFILE, boards.make_release(artifacts, "bench"))
    link, client = Proxy(board.state["port"]), portal.client()
    row = client.post(
        "devices/",
        json={
            "name": "Bench", "profile": "virtual", "host": "127.0.0.1", "port": link.port, "username": "root",
            "password": boards.PASSWORD,
        },
    )  # fmt: skip
    return Scene(portal, client, board, row["id"], link)
