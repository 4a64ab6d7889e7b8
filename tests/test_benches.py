"""Every bench can be started: it imports what there is, and nothing of Django before Django is set up."""

import os
import subprocess
import sys

from portal import settings

IMPORT_ALL = """
import importlib, pkgutil, tests.bench
for module in pkgutil.walk_packages(tests.bench.__path__, "tests.bench."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        # Run by the interpreter of a worker.
        assert error.name in ("cv2", "onnx", "paddle"), (module.name, error)
"""


def test_each_bench_can_be_imported_as_python_m_does():
    env = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
