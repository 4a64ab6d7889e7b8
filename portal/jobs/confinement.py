"""Confines and starts worker programs: environment, readable files, limits.

Programs read untrusted uploads. Each starts through ``workers/launcher``: with an environment built from an
allow-list, resource limits, no sockets and, where the kernel has Landlock, access to its own inputs and its
job folder only.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from portal.jobs.kinds import Invocation
from workers.contract import ToolchainError
from workers.contract.messages import msg

LAUNCHER = "workers/launcher/__main__.py"
DESCRIBE_SECONDS = 30

ALLOWED = {
    "PATH", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "OMP_THREAD_LIMIT",
    "OMP_PROC_BIND", "OMP_PLACES", "CPU_NUM", "PYTHONDONTWRITEBYTECODE",
}  # fmt: skip
ALLOWED_PREFIXES = ("LC_", "CUDA_", "NVIDIA_", "FLAGS_")
ALLOWED_SUFFIX = "_NUM_THREADS"  # of OpenMP, OpenBLAS, MKL, NumExpr …
# Never pass a secret, even if its prefix is allowed.
SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH", "COOKIE", "URL", "DSN")

# Parts of the project that programs need. ``tests`` holds the fakes, where it is installed.
CODE = ("workers", "configs", "tests")
SYSTEM = (
    "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/opt", "/nix/store", "/proc", "/sys",
    # These hold no secrets; other parts of /etc may.
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/etc/localtime",
    "/etc/timezone", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/etc/host.conf",
    "/etc/fonts", "/etc/mime.types", "/etc/alternatives", "/etc/OpenCL", "/etc/vulkan", "/etc/os-release",
    "/etc/lsb-release", "/etc/locale.alias", "/etc/magic", "/etc/ssl/openssl.cnf", "/etc/ssl/certs",
    "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies",
)  # fmt: skip
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
GPU_DEVICES = ("/dev/nvidia*", "/dev/nvidia-caps", "/dev/dri", "/dev/kfd", "/dev/dxg")
BIGGEST_FILE_LEAST = 16 * 1024**3


def environment(folder: Path, source: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the complete environment of a program with this job folder. It never holds a secret of the
    portal.
    """
    source = os.environ if source is None else source
    scratch = folder / "scratch"
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        **{name: value for name, value in source.items() if _is_allowed(name)},
        "HOME": str(scratch / "home"),
        "TMPDIR": str(scratch / "tmp"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": str(folder / "code"),
    }


def _is_allowed(name: str) -> bool:
    if name in ALLOWED:
        return True
    fits = name.startswith(ALLOWED_PREFIXES) or name.endswith(ALLOWED_SUFFIX)
    return fits and not any(word in name.upper() for word in SECRET_WORDS)


def launch(invocation: Invocation, folder: Path, output: Any, time_limit: int) -> subprocess.Popen:
    """Start a program in its own session, with its output in the file ``output``.

    Returns the program's warden (``workers/launcher``), which exits when the program does. Raises
    ToolchainError if the program is not installed.
    """
    command = [*invocation.argv, str(folder)]
    if not Path(command[0]).exists():
        raise ToolchainError(
            msg("{command} is not installed on this worker: run `make setup` there.", command=command[0])
        )
    _make_folders(folder)
    order = {
        "command": command,
        "environment": environment(folder),
        "folder": str(folder / "code"),
        "parent": os.getpid(),
        "limits": limits(invocation, time_limit),
        "confine": confinement(invocation, folder) if settings.PROGRAM_SANDBOX else None,
    }
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(settings.BASE_DIR / LAUNCHER)],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=settings.BASE_DIR,
        env={},
        start_new_session=True,
    )
    # Through a pipe: every user of the machine can read arguments.
    with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(json.dumps(order).encode())
    return process


def _make_folders(folder: Path) -> None:
    """The job's home and temporary folder, and one with links to the code.

    The project folder itself would not do: Python would list it, and the data folder is often inside it.
    """
    for name in ("scratch/home", "scratch/tmp", "code"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in CODE:
        link = folder / "code" / name
        if (settings.BASE_DIR / name).is_dir() and not link.is_symlink():
            link.symlink_to(settings.BASE_DIR / name, target_is_directory=True)


def limits(invocation: Invocation, time_limit: int) -> dict[str, int | None]:
    """Return the limits (``workers/launcher/limits.py``) of a program with this time limit in seconds."""
    cores = os.cpu_count() or 1
    return {
        "address_space": invocation.memory_bytes,
        "data": invocation.data_bytes,
        "file": max(BIGGEST_FILE_LEAST, 2 * settings.UPLOAD_MAX_BYTES),
        # More CPU time than all cores can give within the time limit; it ends a program whose worker died.
        "cpu_seconds": time_limit * cores + 60,
        "more_processes": 1024 + 64 * cores,
    }


def confinement(invocation: Invocation, folder: Path) -> dict[str, Any]:
    """Return what the program may read, write and connect to, in the format of ``workers/launcher``."""
    read = [*SYSTEM, *_code(), *_interpreter(invocation.argv), *_inputs(invocation), *_libraries()]
    devices = [*DEVICES]
    for pattern in GPU_DEVICES if invocation.gpu else ():
        devices += [str(path) for path in Path("/").glob(pattern[1:])]
    return {
        "read": sorted({path for path in read if not _holds_private(path)}),
        "write": [str(folder)],
        "devices": devices,
        "sockets": invocation.sockets,
    }


def _code() -> Iterator[str]:
    for name in CODE:
        yield str(settings.BASE_DIR / name)
    # Files that set-up fetched into the workers' folders may be links to elsewhere.
    for path in (settings.BASE_DIR / "workers").glob("*/.[!.]*"):
        if path.is_symlink():
            yield str(path)


def _interpreter(argv: list[str]) -> Iterator[str]:
    """The interpreter's files: its environment, the installation behind it, its own files."""
    program = Path(argv[0])
    for place in (program, program.resolve()):
        home = place.parent.parent
        if (home / "pyvenv.cfg").is_file() or any(home.glob("lib*/python3*")):
            yield str(home)
        yield str(place)
    yield from (word for word in argv[1:] if os.path.isabs(word) and os.path.isfile(word))


def _inputs(invocation: Invocation) -> Iterator[str]:
    for value in invocation.inputs.values():
        yield from [value] if isinstance(value, str) else value or []
    yield from invocation.reads


def _libraries() -> Iterator[str]:
    for name in ("LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH"):
        yield from (part for part in os.environ.get(name, "").split(":") if os.path.isabs(part))
    yield from map(str, settings.PROGRAM_READ_DIRS)


def _holds_private(path: str) -> bool:
    """Whether a folder contains private data of the portal, so that programs must not read all of it."""
    place = Path(os.path.realpath(path))
    return any(_inside(Path(private), place) for private in _private())


def _private() -> Iterable[Path | str]:
    found: list[Path | str] = [settings.VAR_DIR, settings.SECRETS_DIR, settings.JOBS_DIR, settings.CACHE_DIR]
    for options in (storage.get("OPTIONS", {}) for storage in settings.STORAGES.values()):
        found += [options["location"]] if options.get("location") else []
    for database in settings.DATABASES.values():
        found += [database["NAME"]] if os.path.isabs(str(database["NAME"])) else []
    return found


def _inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(folder)


@functools.cache
def missing() -> tuple[str, ...]:
    """Return one sentence for each part of the confinement that this system lacks."""
    if not settings.PROGRAM_SANDBOX:
        return (msg("Worker programs are not confined: PROGRAM_SANDBOX is no."),)
    argv = [sys.executable, "-I", "-S", str(settings.BASE_DIR / LAUNCHER), "--describe"]
    try:
        done = subprocess.run(argv, env={}, capture_output=True, check=True, timeout=DESCRIBE_SECONDS)
        found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return (msg("Worker programs cannot be started on this system: the launcher fails."),)
    sentences = []
    if not found["landlock"]:
        sentences.append(
            msg(
                "Worker programs can read the portal's files: the kernel offers no Landlock here. "
                "Use Linux 5.13 or newer, and let containers use it."
            )
        )
    if not found["seccomp"]:
        sentences.append(
            msg(
                "Worker programs can open network connections: the kernel offers no seccomp filter here. "
                "Use Linux on x86_64 or aarch64."
            )
        )
    return tuple(sentences)
