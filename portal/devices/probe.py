"""Finds out a board's details and what is on it, without putting a file there."""

from __future__ import annotations

import time
from typing import Any

from portal.core.untrusted import clean_text
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError, MalformedAnswer, NoPython, RemoteFailed, RemoteTimeout
from portal.devices.health import HEAT, MEMORY, parse_celsius, parse_meminfo, read_files
from portal.devices.remote_runner import Profile, run_sent
from portal.devices.transfer import MAX_DIGITS, parse_df
from workers.contract.messages import msg

COMMAND_SECONDS = 20.0
MAX_OUTPUT_BYTES = 64 * 1024
COMPATIBLE = "/proc/device-tree/compatible"
MOUNTS = "/proc/mounts"
SYSTEM = "/etc/os-release"
# Which of them exists depends on the kernel's configuration.
NPU_DRIVERS = ("/proc/rknpu/version", "/sys/kernel/debug/rknpu/version", "/sys/module/rknpu/version")
MOST_COMPATIBLE = 10


def probe(
    connection: BoardConnection, profile: Profile, status: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Probe a board; unknown details are None. ``status`` is that of its release manager, if it was asked
    already.

    Returns ``os``, ``kernel``, ``machine``, ``hostname``, ``memory_total``, ``memory_free``,
    ``disk_total``, ``disk_free`` (bytes), ``writable``, ``compatible`` (names of the board and its chip),
    ``npu_driver``, ``celsius``, ``clock_offset`` (seconds ahead of ours), ``sftp``, ``ssh_server``,
    ``banner``, ``python``, ``library``, ``library_version``, ``runtime``, ``engine``, ``virtual``,
    ``current`` (release id), ``releases``, and ``warnings`` and ``problems``: sentences; with a problem,
    the board cannot predict. Raises ConnectionLost, RemoteTimeout, and MalformedAnswer for impossible output.
    """
    said = _files(connection)
    place, total, free = _disk(connection, profile.root)
    facts: dict[str, Any] = {
        **_names(connection),
        **_hardware(said),
        "os": parse_os_release(said[SYSTEM]),
        "disk_total": total,
        "disk_free": free,
        "writable": _writable(connection, profile.root, place, said[MOUNTS]),
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
    _programs(connection, profile, facts, status)
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


def _files(connection: BoardConnection) -> dict[str, str]:
    paths = (SYSTEM, MEMORY, COMPATIBLE, *NPU_DRIVERS, HEAT, MOUNTS)
    try:
        return read_files(connection, paths)
    except (RemoteTimeout, MalformedAnswer):
        raise
    except RemoteFailed:
        return dict.fromkeys(paths, "")


def _names(connection: BoardConnection) -> dict[str, Any]:
    """``uname`` prints them in this order, whatever the order of its options."""
    said = clean_text(_output_of(connection, "uname", "-snrm")).split()
    if len(said) != 4:
        return dict.fromkeys(("kernel", "machine", "hostname"))
    system, hostname, release, machine = said
    return {"kernel": f"{system} {release}", "machine": machine, "hostname": hostname}


def _disk(connection: BoardConnection, root: str) -> tuple[str, int | None, int | None]:
    """Where the root folder's file system is mounted, its size and its free space."""
    # The root folder does not exist before the first deployment; its parent does.
    for folder in (root, _parent(root)):
        said = _output_of(connection, "df", "-k", folder)
        total, free = parse_df(said)
        if total is not None:
            break
    return (said.split() or [""])[-1], total, free


def _parent(root: str) -> str:
    return root.rpartition("/")[0] or "."


def _hardware(said: dict[str, str]) -> dict[str, Any]:
    names = [clean_text(name, 80) for name in said[COMPATIBLE].split("\0")[:MOST_COMPATIBLE]]
    driver = next(filter(None, (said[path] for path in NPU_DRIVERS)), "")
    total, free = parse_meminfo(said[MEMORY])
    return {
        "memory_total": total,
        "memory_free": free,
        "compatible": list(filter(None, names)),
        "npu_driver": clean_text(driver, 80) or None,
        "celsius": parse_celsius(said[HEAT]),
    }


def _writable(connection: BoardConnection, root: str, place: str, mounts: str) -> bool | None:
    """Whether the root folder's file system, mounted at ``place``, is writable and its user may write there.

    ``test -w`` alone is not enough: busybox says yes to root on a read-only file system.
    """
    if not place:
        return None
    options = [line.split()[3].split(",") for line in mounts.splitlines() if line.split()[1:2] == [place]]
    if options and "ro" in options[-1]:
        return False
    either = 'if [ -e "$1" ]; then test -w "$1"; else test -w "$2"; fi'
    argv = ["sh", "-c", either, "sh", root, _parent(root)]
    try:
        return connection.run(argv, timeout=COMMAND_SECONDS).ok
    except (RemoteTimeout, MalformedAnswer):
        raise
    except RemoteFailed:
        return None


def _clock_offset(connection: BoardConnection) -> int | None:
    """How many seconds the board's clock is ahead; None if unknown."""
    said = _output_of(connection, "date", "+%s")
    return int(said) - round(time.time()) if said.isdecimal() and len(said) <= MAX_DIGITS else None


def _programs(
    connection: BoardConnection, profile: Profile, facts: dict[str, Any], status: dict[str, Any] | None
) -> None:
    try:
        asked = ("probe", "--driver", profile.driver)
        found = run_sent(connection, profile, "drivers.py", *asked, fields=("python",))
        arguments = ("release_manager.py", "status", profile.root)
        kept = status or run_sent(connection, profile, *arguments, fields=("current", "releases"))
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
