"""Finds out a board's details and what is on it, without putting a file there."""

from __future__ import annotations

import time
from typing import Any

from portal.core.untrusted import clean_text
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError, MalformedAnswer, NoPython, RemoteFailed, RemoteTimeout
from portal.devices.health import HEAT, parse_celsius, parse_meminfo, read_files
from portal.devices.remote_runner import Profile, run_sent
from portal.devices.transfer import MAX_DIGITS, parse_df
from workers.contract.messages import msg

COMMAND_SECONDS = 20.0
MAX_OUTPUT_BYTES = 64 * 1024
COMPATIBLE = "/proc/device-tree/compatible"
MOUNTS = "/proc/mounts"
# Which of them exists depends on the kernel's configuration.
NPU_DRIVERS = ("/proc/rknpu/version", "/sys/kernel/debug/rknpu/version", "/sys/module/rknpu/version")
MOST_COMPATIBLE = 10


def probe(connection: BoardConnection, profile: Profile) -> dict[str, Any]:
    """Probe a board; unknown details are None.

    Returns ``os``, ``kernel``, ``machine``, ``hostname``, ``memory_total``, ``memory_free``,
    ``disk_total``, ``disk_free`` (bytes), ``writable``, ``compatible`` (names of the board and its chip),
    ``npu_driver``, ``celsius``, ``clock_offset`` (seconds ahead of ours), ``sftp``, ``ssh_server``,
    ``banner``, ``python``, ``library``, ``library_version``, ``runtime``, ``engine``, ``virtual``,
    ``current`` (release id), ``releases``, and ``warnings`` and ``problems``: sentences; with a problem,
    the board cannot predict. Raises ConnectionLost, RemoteTimeout, and MalformedAnswer for impossible output.
    """
    facts: dict[str, Any] = {
        **_system(connection),
        **_memory(connection),
        **_disk(connection, profile.root),
        **_hardware(connection, profile.root),
        "clock_offset": _clock_offset(connection),
        "sftp": connection.sftp() is not None,
        "ssh_server": connection.server_version,
        "banner": connection.banner,
        "problems": [],
        "warnings": [],
        **dict.fromkeys(("python", "library", "library_version", "runtime", "engine", "current")),
        "virtual": False,
        "releases": [],
    }
    _programs(connection, profile, facts)
    _warn(profile, facts)
    return facts


def _output_of(connection: BoardConnection, *argv: str) -> str:
    """A command's output; empty if it failed. A silent or endlessly printing board ends the probe."""
    try:
        result = connection.run(list(argv), timeout=COMMAND_SECONDS, limit=MAX_OUTPUT_BYTES)
    except (RemoteTimeout, MalformedAnswer):
        raise
    except RemoteFailed:
        return ""
    return result.stdout.strip() if result.ok else ""


def _system(connection: BoardConnection) -> dict[str, Any]:
    kernel, machine, hostname = (
        clean_text(_output_of(connection, "uname", flag)) or None for flag in ("-sr", "-m", "-n")
    )
    return {
        "os": parse_os_release(_output_of(connection, "cat", "/etc/os-release")),
        "kernel": kernel,
        "machine": machine,
        "hostname": hostname,
    }


def _memory(connection: BoardConnection) -> dict[str, Any]:
    total, free = parse_meminfo(_output_of(connection, "cat", "/proc/meminfo"))
    return {"memory_total": total, "memory_free": free}


def _disk(connection: BoardConnection, root: str) -> dict[str, Any]:
    # The root folder does not exist before the first deployment; its parent does.
    for folder in (root, root.rpartition("/")[0] or "."):
        total, free = parse_df(_output_of(connection, "df", "-k", folder))
        if total is not None:
            break
    return {"disk_total": total, "disk_free": free}


def _hardware(connection: BoardConnection, root: str) -> dict[str, Any]:
    try:
        said = read_files(connection, (COMPATIBLE, *NPU_DRIVERS, HEAT, MOUNTS))
    except (RemoteTimeout, MalformedAnswer):
        raise
    except RemoteFailed:
        said = dict.fromkeys((COMPATIBLE, *NPU_DRIVERS, HEAT, MOUNTS), "")
    names = [clean_text(name, 80) for name in said[COMPATIBLE].split("\0")[:MOST_COMPATIBLE]]
    driver = next(filter(None, (said[path] for path in NPU_DRIVERS)), "")
    return {
        "compatible": list(filter(None, names)),
        "npu_driver": clean_text(driver, 80) or None,
        "celsius": parse_celsius(said[HEAT]),
        "writable": _writable(connection, root, said[MOUNTS]),
    }


def _writable(connection: BoardConnection, root: str, mounts: str) -> bool | None:
    """Whether the root folder's file system is mounted for writing and its user may write there.

    ``test -w`` alone is not enough: busybox says yes to root on a read-only file system.
    """
    for folder in (root, root.rpartition("/")[0] or "."):
        place = _output_of(connection, "df", "-k", folder).split()[-1:]
        if place:
            break
    else:
        return None
    options = [line.split()[3].split(",") for line in mounts.splitlines() if line.split()[1:2] == place]
    if options and "ro" in options[-1]:
        return False
    try:
        return connection.run(["test", "-w", folder], timeout=COMMAND_SECONDS).ok
    except (RemoteTimeout, MalformedAnswer):
        raise
    except RemoteFailed:
        return None


def _clock_offset(connection: BoardConnection) -> int | None:
    """How many seconds the board's clock is ahead; None if unknown."""
    said = _output_of(connection, "date", "+%s")
    return int(said) - round(time.time()) if said.isdecimal() and len(said) <= MAX_DIGITS else None


def _programs(connection: BoardConnection, profile: Profile, facts: dict[str, Any]) -> None:
    try:
        asked = ("probe", "--driver", profile.driver)
        found = run_sent(connection, profile, "drivers.py", *asked, fields=("python",))
        kept = run_sent(
            connection, profile, "release_manager.py", "status", profile.root, fields=("current", "releases")
        )
    except NoPython as error:
        facts["problems"].append(str(error))
        return
    except (RemoteTimeout, MalformedAnswer):
        raise
    except BoardError as error:
        if connection.gone():
            raise
        facts["problems"].append(str(error))
        return
    for name in ("python", "library", "library_version", "runtime", "engine", "virtual"):
        facts[name] = found.get(name, facts[name])
    facts.update(current=kept["current"], releases=kept["releases"])
    if found.get("library_problem"):
        facts["library_problem"] = found["library_problem"]
        facts["problems"].append(found["library_problem"])


def _warn(profile: Profile, facts: dict[str, Any]) -> None:
    if facts["virtual"] != profile.virtual and not facts["problems"]:
        facts["warnings"].append(
            msg("This is a virtual board, a program and not a device: register it with the profile virtual.")
            if facts["virtual"]
            else msg("This device is registered as a virtual board but is not one: choose its own profile.")
        )
    free, wanted = facts["disk_free"], profile.free_space_bytes
    if free is not None and free < wanted:
        facts["warnings"].append(
            msg(
                "Only {free} MB are free on the board: delete files or old releases on it.",
                free=free // 1048576,
            )
        )


def parse_os_release(text: str) -> str | None:
    """``PRETTY_NAME`` of /etc/os-release, else ``NAME`` and ``VERSION``; None without either."""
    fields = {}
    for line in text.splitlines():
        name, found, value = line.partition("=")
        if found:
            fields[name.strip()] = value.strip().strip("\"'")
    named = " ".join(filter(None, (fields.get("NAME"), fields.get("VERSION"))))
    return clean_text(fields.get("PRETTY_NAME") or named) or None
