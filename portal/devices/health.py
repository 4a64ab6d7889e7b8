"""A board's current health: its boot, free memory and temperature."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portal.devices.connection import BoardConnection
from portal.devices.errors import RemoteFailed
from portal.devices.transfer import MAX_DIGITS

BOOT = "/proc/sys/kernel/random/boot_id"
MEMORY = "/proc/meminfo"
HEAT = "/sys/class/thermal/thermal_zone0/temp"
# One command for all files, without Python: a link may be slow, and a board full.
READ_SCRIPT = 'for file; do echo "file $file"; cat "$file" 2>/dev/null; echo; done'
READ_SECONDS = 20.0
MAX_READ_BYTES = 256 * 1024
MAX_BOOT = 64
COLDEST, HOTTEST = -60.0, 200.0


@dataclass(frozen=True)
class Health:
    """``boot`` differs after each boot; "" and None mean unknown."""

    boot: str
    memory_free: int | None  # bytes
    celsius: float | None


def read(connection: BoardConnection) -> Health:
    """Raises ConnectionLost, RemoteTimeout, RemoteFailed."""
    files = read_files(connection, (BOOT, MEMORY, HEAT))
    return Health(files[BOOT][:MAX_BOOT], parse_meminfo(files[MEMORY])[1], parse_celsius(files[HEAT]))


def boot_of(connection: BoardConnection) -> str:
    """The id of the board's current boot; "" if unknown."""
    return read_files(connection, (BOOT,))[BOOT][:MAX_BOOT]


def read_files(connection: BoardConnection, paths: Iterable[str]) -> dict[str, str]:
    """Small files of the board by path; "" for a missing one."""
    paths = list(paths)
    argv = ["sh", "-c", READ_SCRIPT, "sh", *paths]
    result = connection.run(argv, timeout=READ_SECONDS, limit=MAX_READ_BYTES)
    if result.not_found:
        raise RemoteFailed(result.last_words())
    found, lines = dict.fromkeys(paths, ""), {f"file {path}": path for path in paths}
    path = ""
    for line in result.stdout.split("\n"):
        if line in lines:
            path = lines[line]
        elif path:
            found[path] += line + "\n"
    return {path: text.strip() for path, text in found.items()}


def parse_meminfo(text: str) -> tuple[int | None, int | None]:
    """Total and available memory in bytes from /proc/meminfo (which counts in kB)."""
    fields = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        number = value.split()[:1]
        if number and number[0].isdecimal() and len(number[0]) <= MAX_DIGITS:
            fields[name.strip()] = int(number[0]) * 1024
    return fields.get("MemTotal"), fields.get("MemAvailable", fields.get("MemFree"))


def parse_celsius(text: str) -> float | None:
    """Degrees from a thermal zone's file, which counts thousandths; older kernels count whole degrees."""
    number = text.removeprefix("-")
    if not number.isdecimal() or len(number) > MAX_DIGITS:
        return None
    degrees = int(text) / 1000 if len(number) > 3 else float(text)
    return degrees if COLDEST < degrees < HOTTEST else None
