import os
import subprocess
import sys


def test_the_check_before_a_deployment_has_nothing_to_say(tmp_path):
    env = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env=env | {"SLIPWAY_VAR": str(tmp_path), "HTTPS": "yes"}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
