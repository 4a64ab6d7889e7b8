"""The processes of a one-machine installation, as a supervisord configuration.

supervisord starts them, restarts them when they die, and stops each with its whole process group. Each is
tied to it (``tied.py``): they die with the supervisor, however that dies. It holds the lock on the data
folder.
"""

from __future__ import annotations

import configparser
import os
import sys
from pathlib import Path
from typing import NoReturn

from django.conf import settings

from portal import tied
from portal.core import datalock

# supervisord closes every descriptor from 5 on when it starts, and its children close those from 3 on.
KEPT_DESCRIPTOR = 4


def programs(board_port: int | None) -> dict[str, list[str]]:
    """Argument lists by name. ``board_port`` is None without a virtual board."""
    celery = [sys.executable, "-m", "celery", "-A", "portal.celery"]
    worker = [*celery, "worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    # Threads, where the work mostly waits for others: a slot costs next to nothing.
    threads = [*worker, "-P", "threads"]
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    found = {
        "web": [sys.executable, "-m", "portal.ops.web"],
        "worker": [*worker, "-Q", "default", "-c", "2", "-n", "worker@%h"],
        "deploy": [*threads, "-Q", "deploy", "-c", str(settings.DEPLOY_SLOTS), "-n", "deploy@%h"],
        "camera": [*threads, "-Q", "camera", "-c", str(settings.CAMERA_SLOTS), "-n", "camera@%h"],
        "train": [*worker, "-Q", "train", "-c", str(len(settings.TRAIN_DEVICES)), "-n", "train@%h"],
        "convert": [*worker, "-Q", "convert", "-c", "1", "-n", "convert@%h"],
        # Never blocked: its tasks only query the database.
        "upkeep": [*threads, "-Q", "upkeep", "-c", "2", "-n", "upkeep@%h"],
        "errands": [*threads, "-Q", "errands", "-c", str(settings.ERRANDS_SLOTS), "-n", "errands@%h"],
        "beat": [*celery, "beat", "--loglevel", "WARNING", "--pidfile="],
    }  # fmt: skip
    if settings.CELERY_BROKER_URL.startswith("redis+socket"):
        found = {"broker": [*manage, "broker"], **found}
    if board_port is not None:
        found["virtual-board"] = virtual_board(board_port)
    return found


def virtual_board(port: int) -> list[str]:
    home = settings.VAR_DIR / "virtual-board"
    return [
        str(settings.CONVERT_PYTHON), "-m", "workers.virtual_board", "--root", str(home),
        "--port", str(port), "--user", "root",
        "--password-file", str(settings.SECRETS_DIR / "virtual-board-password"),
        "--host-key-file", str(settings.SECRETS_DIR / "virtual-board-host-key"),
        "--camera", str(settings.BASE_DIR / "portal" / "datasets" / "samples" / "digits.zip"),
    ]  # fmt: skip


def write_config(path: Path, host: str, port: int, board_port: int | None) -> Path:
    """Write supervisord's configuration and return its path."""
    run, logs = settings.VAR_DIR / "run", settings.VAR_DIR / "logs"
    config = configparser.RawConfigParser()
    config["supervisord"] = {
        "nodaemon": "true",
        "logfile": _escaped(logs / "supervisord.log"),
        "pidfile": _escaped(run / "supervisord.pid"),
        "directory": _escaped(settings.BASE_DIR),
        "loglevel": "warn",
        "silent": "true",
        "umask": "077",
    }
    for order, (name, argv) in enumerate(programs(board_port).items()):
        section = f"program:{name}" if name != "web" else f"fcgi-program:{name}"
        config[section] = {
            "command": " ".join(_quoted(part) for part in tied_to_parent(argv)),
            "priority": str(order),
            "autorestart": "true",
            "startsecs": "1",
            "startretries": "1000000",
            "stopasgroup": "true",
            "killasgroup": "true",
            "stopwaitsecs": "20",
            "redirect_stderr": "true",
            "stdout_logfile": _escaped(logs / f"{name}.log"),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "2",
        }
        if name == "web":
            config[section].update(web_options(host, port, logs))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        config.write(file)
    return path


def web_options(host: str, port: int, logs: Path) -> dict[str, str]:
    """Two processes that share a socket, which outlives each of them; there is no master process to lose."""
    return {
        "socket": f"tcp://{host}:{port}",
        "socket_backlog": "1024",
        "numprocs": "2",
        "process_name": "%(program_name)s_%(process_num)d",
        "stdout_logfile": _escaped(logs / "web_") + "%(process_num)d.log",
        "stopwaitsecs": "8",  # slightly more than active requests get
        "stopasgroup": "false",
    }


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")


def _quoted(part: str) -> str:
    """Quote an argument for supervisord, whose quoting is a shell's."""
    escaped = _escaped(part).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def tied_to_parent(argv: list[str]) -> list[str]:
    """The same program, but it dies with its parent process."""
    return [sys.executable, tied.__file__, *argv]


def lock(what: str) -> int:
    """Lock the data folder for an installation, and end what an earlier one left running.

    Returns the lock's descriptor. Raises Held.
    """
    descriptor = datalock.take(settings.VAR_DIR / "run" / "serve.lock", what)
    datalock.end_left_over(settings.VAR_DIR)
    datalock.end_holder(settings.VAR_DIR / "run" / "broker.lock")  # its environment is hidden
    return descriptor


def become(config: Path, lock_descriptor: int) -> NoReturn:
    """Become the supervisor, which keeps the lock."""
    os.dup2(lock_descriptor, KEPT_DESCRIPTOR, inheritable=True)
    argv = command(config)
    os.execve(argv[0], argv, environment() | {tied.PARENT: str(os.getpid())})  # noqa: S606


def command(config: Path) -> list[str]:
    return [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(config)]


def environment() -> dict[str, str]:
    """The environment of the started processes: this one's, with the project on the path."""
    marks = {datalock.MARK: str(settings.VAR_DIR), "PYTHONPATH": str(settings.BASE_DIR)}
    inherited = {name: value for name, value in os.environ.items() if name != tied.PARENT}
    return inherited | marks | {"PYTHONUNBUFFERED": "1"}
