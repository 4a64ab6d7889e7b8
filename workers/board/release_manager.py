"""The release manager: manages the folder of releases on a board. Python 3.8+, standard library only.

The portal pipes this file into ``python -`` for each command and never leaves it on the board. It prints one
``@@SLIPWAY@@`` line whose ``type`` is ``result``; on failure the type is ``error`` and the exit status 1.
Several commands with ``+`` between them are carried out in turn, up to the first that fails, for one result.

    status ROOT                    list the releases and name the current one
    sweep ROOT ID UPLOAD           remove leftovers of failed deployments; keep ID and UPLOAD.part
    held ROOT UPLOAD               list the files of an interrupted upload
    verify ROOT ID SHA256 [part]   compare the files with the manifest, whose own hash is SHA256
    accept ROOT ID UPLOAD SHA256   verify UPLOAD.part, and rename it to ID if it is whole
    activate ROOT ID [TOKEN]       point `current` to ID by one rename; needs the lock if TOKEN is given
    confirm ROOT ID                end ID's trial: it stays current
    restore ROOT ID [TOKEN]        end ID's trial: what was current before it is current again
    discard ROOT ID UPLOAD         remove an incomplete release, but never one that was current
    prune ROOT COUNT               keep COUNT releases: the current one and the newest others
    lock ROOT OWNER TOKEN SECONDS  lock the releases for OWNER; call again to renew
    unlock ROOT TOKEN              release the lock

A release that was confirmed holds a file ``.activated``; one without it that is not current is incomplete.
While a release is on trial, its file ``.trial`` names the one before it.
"""

import contextlib
import errno
import fcntl
import json
import os
import re
import sys
import time

MARK = "@@SLIPWAY@@"
MARKER = ".activated"
INBOX_SECONDS = 3600
LOCK = "lock.json"
TRIAL = ".trial"
MAX_LOCK_SECONDS = 900  # a client that disappeared blocks the others no longer than this
LOCK_TIMEOUT_SECONDS = 10
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")


def msg(id, **params):
    """A sentence with its parameters, in the format of ``workers/contract/messages.py``."""
    return {"id": id, "params": params}


class Refused(Exception):
    pass


def releases_of(root):
    return os.path.join(root, "releases")


def folder_of(root, name):
    if not NAME.match(name) or name.endswith((".part", ".old")):
        raise Refused(msg("{name} cannot be the name of a release: use letters, digits, dot, dash and "
                          "underscore.", name=repr(name)))  # fmt: skip
    return os.path.join(releases_of(root), name)


def current_of(root):
    """The id of the current release; None if there is none or its folder is missing."""
    link = os.path.join(root, "current")
    return os.path.basename(os.readlink(link)) if os.path.islink(link) and os.path.isdir(link) else None


def names_in(folder):
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def activated_at(folder):
    marker = os.path.join(folder, MARKER)
    return os.path.getmtime(marker) if os.path.exists(marker) else None


def remove(path):
    if os.path.islink(path) or os.path.isfile(path):
        os.remove(path)
    elif os.path.isdir(path):
        import shutil  # slow to import on a small board

        shutil.rmtree(path)


def flush_to_disk(*paths):
    """Flush files and folders, so that they survive a power cut. Some file systems cannot flush a folder."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(handle)


def all_in(folder):
    """A folder, with all folders and files in it."""
    return [os.path.join(place, name) for place, _, names in os.walk(folder) for name in ("", *names)]


def status(root):
    releases = []
    for name in names_in(releases_of(root)):
        folder = os.path.join(releases_of(root), name)
        if name.endswith((".part", ".old")) or not os.path.isdir(folder):
            continue
        try:
            with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as stream:
                manifest = json.load(stream)
        except (OSError, ValueError):
            manifest = {}
        size = sum(os.path.getsize(path) for path in all_in(folder) if os.path.isfile(path))
        facts = {"id": name, "activated": activated_at(folder), "bytes": size}
        classes = len(manifest.get("class_names", []))
        releases.append(dict(facts, classes=classes, provenance=manifest.get("provenance", {})))
    releases.sort(key=lambda release: release["activated"] or 0, reverse=True)
    return {"current": current_of(root), "releases": releases}


def sweep(root, keep, upload):
    kept = (current_of(root), keep, upload + ".part")
    removed = []
    for name in names_in(releases_of(root)):
        folder = os.path.join(releases_of(root), name)
        half_made = name.endswith((".part", ".old")) or activated_at(folder) is None
        if half_made and name not in kept:
            remove(folder)
            removed.append(name)
    for name in names_in(os.path.join(root, "inbox")):
        folder = os.path.join(root, "inbox", name)
        if time.time() - os.stat(folder).st_mtime > INBOX_SECONDS:
            remove(folder)
    remove(os.path.join(root, "current.new"))
    return {"removed": removed}


def sha256_of(path):
    import hashlib  # slow to import on a small board

    digest = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            for chunk in iter(lambda: stream.read(1 << 20), b""):
                digest.update(chunk)
    except OSError:
        return None
    return digest.hexdigest()


def held(root, upload):
    folder = folder_of(root, upload) + ".part"
    files = []
    for path in sorted(filter(os.path.isfile, all_in(folder))):
        name = os.path.relpath(path, folder).replace(os.sep, "/")
        files.append({"name": name, "bytes": os.path.getsize(path), "sha256": sha256_of(path)})
    return {"files": files}


def verify(root, name, manifest_hash, part=""):
    folder = folder_of(root, name) + (".part" if part else "")
    if not os.path.isdir(folder):
        return {"there": False, "bad": []}
    manifest = os.path.join(folder, "manifest.json")
    if sha256_of(manifest) != manifest_hash:
        return {"there": True, "bad": ["manifest.json"]}
    with open(manifest, encoding="utf-8") as stream:
        files = json.load(stream)["files"]
    found = {name: sha256_of(os.path.join(folder, *name.split("/"))) for name in sorted(files)}
    return {"there": True, "bad": [name for name in found if found[name] != files[name]["sha256"]]}


def promote(root, name, upload):
    folder, part = folder_of(root, name), folder_of(root, upload) + ".part"
    if os.path.isdir(part):
        flush_to_disk(*all_in(part))
        remove(folder + ".old")
        if os.path.isdir(folder):
            # Only a damaged release is sent again, so this one can be removed.
            os.rename(folder, folder + ".old")
        os.rename(part, folder)
        remove(folder + ".old")
        flush_to_disk(releases_of(root))
    return {}


def accept(root, name, upload, manifest_hash):
    found = verify(root, upload, manifest_hash, "part")
    if found["there"] and not found["bad"]:
        promote(root, name, upload)
    return found


def boot_id():
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return stream.read().strip()
    return ""


@contextlib.contextmanager
def lock_file(root):
    """Open the lock file exclusively; yield it with the lock's holder, ``{}`` if nobody holds the lock.

    Times are seconds since boot, because a board's clock jumps when it is set. A lock from before the last
    boot has expired.
    """
    os.makedirs(root, exist_ok=True)
    handle = os.open(os.path.join(root, LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+", encoding="utf-8") as stream:
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.1)
        else:
            raise Refused(msg("The lock of the board's releases hangs: restart the board, then try again."))
        yield stream, holder_of(stream)


def holder_of(stream):
    try:
        held = json.load(stream)
        left = held["until"] - time.monotonic()
        alive = held["boot"] == boot_id() and 0 < left <= MAX_LOCK_SECONDS
        return {"owner": held["owner"], "token": held["token"], "left": left} if alive else {}
    except (ValueError, KeyError, TypeError):
        return {}


def write_lock(stream, fields):
    stream.seek(0)
    stream.truncate()
    print(json.dumps(fields), file=stream, flush=True)


def lock(root, owner, token, seconds):
    """Take or renew the lock. A new token of the same owner replaces the old one, which is then void."""
    with lock_file(root) as (stream, held):
        if held and held["owner"] != owner:
            return {"locked": False, "left": round(held["left"])}
        until = time.monotonic() + min(int(seconds), MAX_LOCK_SECONDS)
        write_lock(stream, {"owner": owner, "token": token, "boot": boot_id(), "until": until})
    return {"locked": True}


def unlock(root, token):
    with lock_file(root) as (stream, held):
        if held.get("token") == token:
            write_lock(stream, {})
    return {}


@contextlib.contextmanager
def holding(root, token):
    """Hold the lock file while releases change; Refused unless ``token``, if given, holds the lock."""
    if not token:
        yield
        return
    with lock_file(root) as (_stream, held):
        if held.get("token") != token:
            raise Refused(msg("Another deployment has taken this board over: look what runs on it, then "
                              "deploy again."))  # fmt: skip
        yield


def activate(root, name, token=""):
    with holding(root, token):
        return switch(root, name)


def switch(root, name):
    folder, before = folder_of(root, name), current_of(root)
    if not os.path.isdir(folder):
        raise Refused(msg("The release {name} is not on the board: deploy it again.", name=name))
    if before == name:
        return {"before": tried_after(folder) or None}
    # The trial of the current release was interrupted: confirm it, as the one to go back to.
    if before and activated_at(folder_of(root, before)) is None:
        mark(root, before)
    # Written before the switch: after a power cut, the next contact knows what ran before.
    with open(os.path.join(folder, TRIAL), "w", encoding="utf-8") as stream:
        stream.write(before or "")
    flush_to_disk(*all_in(folder), root, os.path.dirname(os.path.abspath(root)))
    point(root, name)
    flush_to_disk(root)
    return {"before": before}


def tried_after(folder):
    """What was current before the release in this folder, "" for nothing; None if it is not on trial."""
    trial = os.path.join(folder, TRIAL)
    if not os.path.exists(trial):
        return None
    with open(trial, encoding="utf-8") as stream:
        return stream.read()


def point(root, name):
    """Point ``current`` to a release, by one rename."""
    fresh = os.path.join(root, "current.new")
    remove(fresh)
    os.symlink(os.path.join("releases", name), fresh)
    os.replace(fresh, os.path.join(root, "current"))


def mark(root, name):
    """Mark a release as the most recently confirmed, whatever the board's clock says; end its trial."""
    folder = folder_of(root, name)
    marks = [activated_at(folder_of(root, each["id"])) or 0 for each in status(root)["releases"]]
    moment = max([time.time(), *(newest + 1 for newest in marks)])
    open(os.path.join(folder, MARKER), "w").close()
    os.utime(os.path.join(folder, MARKER), (moment, moment))
    remove(os.path.join(folder, TRIAL))
    flush_to_disk(os.path.join(folder, MARKER), folder)


def confirm(root, name):
    if current_of(root) == name:
        mark(root, name)
    return {}


def restore(root, name, token=""):
    with holding(root, token):
        folder = folder_of(root, name)
        before = tried_after(folder) if current_of(root) == name else None
        if before == "":
            remove(os.path.join(root, "current"))
        elif before and os.path.isdir(folder_of(root, before)):
            point(root, before)
        flush_to_disk(root)
        current = current_of(root)
        return {"restored": before is not None and current != name, "current": current}


def discard(root, name, upload):
    folder = folder_of(root, name)
    remove(folder_of(root, upload) + ".part")
    if current_of(root) != name and activated_at(folder) is None:
        remove(folder)
    return {}


def prune(root, count):
    found = status(root)
    others = [release["id"] for release in found["releases"] if release["id"] != found["current"]]
    removed = []
    try:
        for name in others[max(0, int(count) - (1 if found["current"] else 0)) :]:
            remove(folder_of(root, name))
            removed.append(name)
    except OSError as error:
        return {"removed": removed, "untidy": str(error)}
    return {"removed": removed}


COMMANDS = {function.__name__: function for function in (
    status, sweep, held, verify, accept, activate, confirm, restore, discard, prune, lock, unlock,
)}  # fmt: skip


def carry_out(argv):
    """The fields of a command's result; of several with ``+`` between them, one after the other."""
    fields = {}
    while argv:
        end = argv.index("+") if "+" in argv else len(argv)
        fields.update(COMMANDS[argv[0]](*argv[1:end]))
        argv = argv[end + 1 :]
    return fields


FULL = msg("The board's storage is full: delete files or old releases on it, or use a larger SD card.")


def error_fields(error):
    if error.errno == errno.ENOSPC:
        return {"type": "error", "code": "disk-full", "message": FULL}
    message = msg("The board could not change its releases ({error}): check its SD card and the owner of its "
                  "folder.", error=str(error))  # fmt: skip
    return {"type": "error", "code": "remote-failed", "message": message}


def main(argv):
    try:
        fields = dict(carry_out(argv), type="result")
    except Refused as error:
        fields = {"type": "error", "code": "bad-release", "message": error.args[0]}
    except OSError as error:
        fields = error_fields(error)
    print("\n" + MARK + json.dumps(fields), flush=True)
    return 0 if fields["type"] == "result" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
