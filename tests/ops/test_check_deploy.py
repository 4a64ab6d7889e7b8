import os
import subprocess
import sys

OF_THE_TESTS = ("DJANGO_SETTINGS_MODULE", "DJANGO_ALLOW_ASYNC_UNSAFE")


def test_the_check_before_a_deployment_has_nothing_to_say(tmp_path):
    env = {name: value for name, value in os.environ.items() if name not in OF_THE_TESTS}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env=env | {"SLIPWAY_VAR": str(tmp_path), "HTTPS": "yes"}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
