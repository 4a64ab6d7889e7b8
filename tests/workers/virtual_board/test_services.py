"""What runs on the virtual board by itself."""

import os
import subprocess
import sys
from pathlib import Path

from tests.devices.boards import until
from workers.virtual_board import services


def test_an_application_does_not_outlive_a_board_that_was_killed(tmp_path):
    keeper = tmp_path / "slipway" / "app" / "keeper.py"
    (keeper.parent / "run").mkdir(parents=True)
    keeper.write_text("import time\ntime.sleep(60)")
    left = subprocess.Popen([sys.executable, keeper], start_new_session=True)
    (keeper.parent / "run" / "keeper.pid").write_text(str(left.pid))
    command = Path(f"/proc/{left.pid}/cmdline")
    until(lambda: os.fsencode(keeper) in command.read_bytes(), "it to start")
    services.boot(tmp_path, {})
    assert left.wait(timeout=30) == -9
