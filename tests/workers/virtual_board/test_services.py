"""What runs on the virtual board by itself."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.devices.boards import PROJECT, until
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


def test_the_init_script_of_an_application_needs_little_of_a_board(tmp_path):
    application, tools = tmp_path / "slipway" / "app", tmp_path / "bin"
    for folder in (application, tools, tmp_path / "init.d"):
        folder.mkdir(parents=True)
    shutil.copy(PROJECT / "workers" / "board" / "app" / "service.sh", application)
    (application / "python").write_text(sys.executable)
    (application / "keeper.py").write_text("import os, sys\nos.mkdir(f'{__file__}-{sys.argv[1]}')")
    (tmp_path / "init.d" / "S99slipway-app").write_text(f"exec sh '{application}/service.sh' \"$@\"")
    for name in ("sh", "cat"):
        (tools / name).symlink_to(shutil.which(name))
    services.boot(tmp_path, {"PATH": str(tools)})
    until((application / "keeper.py-start").is_dir, "the application to start")
