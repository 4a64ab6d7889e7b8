"""Manages the application on a board. Python 3.8+, standard library only.

The portal pipes this file into ``python -`` and never leaves it on the board. ``ROOT`` is the folder of the
releases; the application lies in ``ROOT/app``. It prints one ``@@SLIPWAY@@`` line: ``app`` with the state, or
``error``.

    install ROOT BOOT    make ROOT/app.new the application, start it, and let the board start it at boot
    start ROOT           start it
    stop ROOT            stop it; at the next boot it starts again
    status ROOT BOOT     tell what it does
    remove ROOT BOOT     stop and remove it

``BOOT`` is the folder of init scripts, or ``auto``: systemd's, if the board runs it, else ``/etc/init.d``.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys

MARK = "@@SLIPWAY@@"
SCRIPT, UNIT = "S99slipway-app", "slipway-app.service"
SYSTEMD, WANTS = "/etc/systemd/system", "/etc/systemd/system/multi-user.target.wants"
INIT = "/etc/init.d"
LOG_BYTES, LOG_LINES = 12_000, 60
SECONDS = 40
KEPT = ("run",)  # of an application that is replaced: its log and what it has written


def msg(id, **params):
    return {"id": id, "params": params}


class Refused(Exception):
    pass


def folder(root):
    return os.path.join(os.path.abspath(root), "app")


def keeper(root, command):
    path = os.path.join(folder(root), "keeper.py")
    if not os.path.isfile(path):
        raise Refused(msg("There is no application on this board: install it first."))
    found = subprocess.run(
        [sys.executable, path, command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=SECONDS,
    )  # fmt: skip
    return found.returncode, found.stdout.decode("utf-8", "replace").strip()


def must(root, command):
    status, words = keeper(root, command)
    if status:
        raise Refused(msg("The application on the board did not {command} ({words}): see its log.",
                          command=command, words=words[-200:]))  # fmt: skip


def install(root, boot):
    here, fresh = folder(root), folder(root) + ".new"
    if not os.path.isfile(os.path.join(fresh, "app.py")):
        raise Refused(msg("The application was not copied completely: install it again."))
    if os.path.isdir(here):
        keeper(root, "stop")
        for name in KEPT:
            old = os.path.join(here, name)
            if os.path.isdir(old):
                os.rename(old, os.path.join(fresh, name))
        shutil.rmtree(here)
    os.rename(fresh, here)
    os.chmod(os.path.join(here, "config.json"), 0o600)  # it may hold a password
    os.chmod(os.path.join(here, "service.sh"), 0o755)
    at_boot(here, boot)
    must(root, "start")
    return status(root, boot)


def at_boot(here, boot):
    """Let the board start the application; a board whose system folders are read-only starts none."""
    with contextlib.suppress(OSError):
        if boot == "auto" and os.path.isdir("/run/systemd/system"):
            write(os.path.join(SYSTEMD, UNIT), unit(here))
            os.makedirs(WANTS, exist_ok=True)
            link = os.path.join(WANTS, UNIT)
            with contextlib.suppress(FileNotFoundError):
                os.remove(link)
            os.symlink(os.path.join(SYSTEMD, UNIT), link)
            return
        place = INIT if boot == "auto" else boot
        if boot != "auto":
            os.makedirs(place, exist_ok=True)
        write(os.path.join(place, SCRIPT), script(here))
        os.chmod(os.path.join(place, SCRIPT), 0o755)


def write(path, text):
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def script(here):
    """Started by BusyBox's rcS and by SysV init: ``S99… start`` at boot, ``stop`` at shutdown."""
    return f'#!/bin/sh\nexec sh {quoted(here + "/service.sh")} "$@"\n'


def unit(here):
    python = sys.executable
    return (
        "[Unit]\nDescription=Slipway application\nAfter=network.target\n\n"
        f"[Service]\nExecStart={python} {here}/keeper.py run\nRestart=always\nRestartSec=5\n\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def boot_files(boot):
    if boot == "auto":
        return [os.path.join(WANTS, UNIT), os.path.join(SYSTEMD, UNIT), os.path.join(INIT, SCRIPT)]
    return [os.path.join(boot, SCRIPT)]


def remove(root, boot):
    here = folder(root)
    if os.path.isdir(here):
        keeper(root, "stop")
        shutil.rmtree(here)
    for path in boot_files(boot):
        with contextlib.suppress(OSError):
            os.remove(path)
    return status(root, boot)


def start(root, boot="auto"):
    must(root, "start")
    return status(root, boot)


def stop(root, boot="auto"):
    must(root, "stop")
    return status(root, boot)


def status(root, boot="auto"):
    here = folder(root)
    if not os.path.isfile(os.path.join(here, "keeper.py")):
        return {"installed": False, "running": False}
    code, _words = keeper(root, "status")
    run = os.path.join(here, "run")
    state, kept = read(os.path.join(run, "state.json")), read(os.path.join(run, "keeper.json"))
    boots = [path for path in boot_files(boot) if os.path.exists(path)]
    names = ("release", "frames", "failed", "rate", "ms", "problem", "outputs", "recent", "began", "at")
    return {
        "installed": True, "running": code == 0, "boot": boots[0] if boots else None,
        "restarts": kept.get("restarts", 0), "log": log_of(run),
        **{name: state[name] for name in names if name in state},
    }  # fmt: skip


def read(path):
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def log_of(run):
    """The last lines of the log, without a line that is cut off at its beginning."""
    try:
        with open(os.path.join(run, "log.txt"), "rb") as stream:
            stream.seek(0, os.SEEK_END)
            start = max(0, stream.tell() - LOG_BYTES)
            stream.seek(start)
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [re.sub(r"[^\x20-\x7e\u00a0-\uffff]", " ", line)[:400] for line in lines[1 if start else 0 :]][
        -LOG_LINES:
    ]


COMMANDS = {"install": install, "start": start, "stop": stop, "status": status, "remove": remove}


def main(argv):
    try:
        fields = dict(COMMANDS[argv[0]](*argv[1:]), type="app")
    except Refused as error:
        fields = {"type": "error", "code": "app", "message": error.args[0]}
    except subprocess.TimeoutExpired:
        fields = {"type": "error", "code": "app", "message": msg(
            "The application on the board does not respond: restart the board.")}  # fmt: skip
    except OSError as error:
        fields = {"type": "error", "code": "app", "message": msg(
            "The board could not change its application ({error}): check its storage and the owner of its "
            "folder.", error=str(error))}  # fmt: skip
    print("\n" + MARK + json.dumps(fields), flush=True)
    return 0 if fields["type"] == "app" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
