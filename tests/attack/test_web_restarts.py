"""Killing processes of the web server takes the web away for a moment at most."""

from __future__ import annotations

import configparser
import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import requests

from portal.ops import supervision
from tests.attack.web_server import START_SECONDS, environment, set_up
from tests.bench import processes
from tests.bench.serving import ROOT, free_port


def only_web(path: Path, var: Path, port: int) -> Path:
    """``make serve``'s configuration without the other programs, for the folder ``var``."""
    config = configparser.RawConfigParser()
    config.read(supervision.write_config(path, "127.0.0.1", port, None))
    for section in config.sections():
        if section.startswith("program:"):
            config.remove_section(section)
        for name, value in config[section].items() if config.has_section(section) else ():
            config[section][name] = value.replace(str(supervision.settings.VAR_DIR), str(var))
    with path.open("w", encoding="utf-8") as file:
        config.write(file)
    return path


@pytest.fixture
def served(tmp_path):
    """The address, and a function that gives the web server's processes."""
    set_up(tmp_path)
    port = free_port()
    for folder in ("run", "logs"):
        (tmp_path / folder).mkdir(exist_ok=True)
    config = only_web(tmp_path / "web.conf", tmp_path, port)
    supervisor = subprocess.Popen(supervision.command(config), cwd=ROOT, env=environment(tmp_path))
    address = f"http://127.0.0.1:{port}/static/core/slipway.css"
    try:
        yield address, lambda: processes.of_portal(tmp_path, "portal.ops.web")
    finally:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait(40)


def is_up(address: str, patience: float = 5) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(address, timeout=patience).status_code == 200
    return False


def wait_until(condition) -> None:
    ends = time.monotonic() + START_SECONDS
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_a_killed_process_is_not_missed_and_comes_again(served):
    address, web = served
    wait_until(lambda: is_up(address))
    wait_until(lambda: len(web()) == 2)
    time.sleep(1)
    for victim in web():
        os.kill(victim, signal.SIGKILL)
        assert all(is_up(address, patience=START_SECONDS) for _ in range(20))
        wait_until(lambda: len(web()) == 2)
        time.sleep(2)  # until it has loaded its code and takes its share
