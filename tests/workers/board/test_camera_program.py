"""What the camera program leaves on a board."""

import os
import tempfile

from workers.board import camera


def test_folders_of_killed_programs_are_removed_and_those_of_running_ones_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = tmp_path / "slipway-camera-999999999-abc"
    running = tmp_path / f"slipway-camera-{os.getpid()}-abc"
    other = tmp_path / "slipway-camera-of-somebody"
    for folder in (killed, running, other):
        folder.mkdir()
    made = camera.temporary_folder()
    camera.FOLDERS.remove(made)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {running.name, other.name, os.path.basename(made)}
