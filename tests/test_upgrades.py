"""A database of the first numbered state comes to today's with its rows."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_a_database_of_the_first_state_is_upgraded_with_its_rows(tmp_path):
    env = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
    env |= {"SLIPWAY_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "portal.settings"}
    argv = [sys.executable, "-m", "tests.upgrade_from_first_state"]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "upgraded" in done.stdout, done.stderr[-3000:]
