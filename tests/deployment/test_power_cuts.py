"""A few rounds of the bench of power cuts: whatever a cut takes, one whole release answers."""

import os
import shutil
import subprocess

import pytest

from tests.bench import powercut
from tests.devices.boards import needs_convert_environment


def can_mount(folder) -> bool:
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        return False
    image = folder / "probe.img"
    with image.open("wb") as stream:
        stream.truncate(4 * 1048576)
    subprocess.run(["mkfs.ext4", "-q", image], check=True, capture_output=True)
    done = subprocess.run(["mount", "-o", "loop", image, folder], capture_output=True)
    if done.returncode:
        return False
    subprocess.run(["umount", "--lazy", folder], check=True)
    return True


@pytest.mark.ssh
@needs_convert_environment
def test_after_a_power_cut_one_whole_release_answers(tmp_path, monkeypatch):
    (tmp_path / "card").mkdir()
    if not can_mount(tmp_path / "card"):  # then nothing unflushed is lost, but what was sent is still cut off
        monkeypatch.setattr(powercut, "Card", powercut.PlainFolder)
    found = powercut.measure(rounds=4, seed=7)
    assert (found["rounds"], found["whole"], found["lost"]) == (4, 4, 0)
