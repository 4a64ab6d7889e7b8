"""Keeps ``app.py`` running: starts it, restarts it after a crash or a hang, and bounds its log.

    python keeper.py start | stop | status | run

``start`` returns at once and leaves ``run`` behind as a process of its own. Python 3.8+, standard library.
After a crash it pauses, for a second at first and a minute at most; a minute of work makes that short again.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = os.path.join(HERE, "run")
LOG = os.path.join(RUN, "log.txt")
PID = os.path.join(RUN, "keeper.pid")
KEPT = os.path.join(RUN, "keeper.json")
STATE = os.path.join(RUN, "state.json")
LOG_BYTES = 256 * 1024  # of the log, and of the one before it
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
WELL_AFTER = 60.0  # seconds of work after which a crash is a new one
HUNG_AFTER = 120.0  # seconds without a word from the app: loading a model takes some
STOP_SECONDS = 10.0
SWITCHED = 75  # of app.py: another release is current


class Log:
    """A file that never grows beyond its bound: a full one becomes ``log.txt.1``."""

    def __init__(self, path, most=LOG_BYTES):
        self.path, self.most = path, most
        self.stream = open(path, "ab")

    def write(self, data):
        if self.stream.tell() + len(data) > self.most:
            self.stream.close()
            os.replace(self.path, self.path + ".1")
            self.stream = open(self.path, "ab")
        self.stream.write(data)
        self.stream.flush()

    def say(self, text):
        moment = time.strftime("%Y-%m-%d %H:%M:%S")
        self.write(f"{moment} keeper: {text}\n".encode())


class Keeper:
    def __init__(self):
        self.log, self.child, self.stopped = Log(LOG), None, False
        self.restarts, self.pause = 0, FIRST_PAUSE

    def stop(self, *_):
        self.stopped = True
        if self.child is not None:
            with contextlib.suppress(OSError):
                self.child.terminate()

    def run(self):
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        self.log.say("started")
        while not self.stopped:
            self.tell()
            began = time.monotonic()
            status = self.once()
            if self.stopped:
                break
            self.after(status, time.monotonic() - began)
        self.log.say("stopped")

    def after(self, status, seconds):
        """Wait as long as this end deserves."""
        if status == SWITCHED:
            self.log.say("another release is current: starting again")
            self.pause = FIRST_PAUSE
            return
        self.restarts += 1
        if seconds > WELL_AFTER:
            self.pause = FIRST_PAUSE
        self.log.say(f"the app ended with status {status}: starting again in {self.pause:g} s")
        self.tell()
        deadline = time.monotonic() + self.pause
        while not self.stopped and time.monotonic() < deadline:
            time.sleep(0.1)
        self.pause = min(LONGEST_PAUSE, self.pause * 2)

    def once(self):
        """Run the app to its end; its output goes to the log."""
        command = [sys.executable, os.path.join(HERE, "app.py")]
        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=HERE
        )
        if self.stopped:  # just now
            self.child.terminate()
        watched = time.monotonic()
        os.set_blocking(self.child.stdout.fileno(), False)
        ending = None
        while True:
            data = self.child.stdout.read(65536)
            if data:
                self.log.write(data)
            status = self.child.poll()
            if status is not None and not data:
                self.child.stdout.close()
                return status
            if self.stopped:
                ending = ending or time.monotonic()
                if time.monotonic() - ending > STOP_SECONDS:
                    self.child.kill()
            elif self._is_hung(watched):
                self.log.say(f"no word from the app for {HUNG_AFTER:g} s: ending it")
                self.child.kill()
                watched = time.monotonic()
            if not data:
                time.sleep(0.1)

    @staticmethod
    def _is_hung(since):
        """By how long ago the state was written. Of a clock that was set meanwhile, nothing is concluded."""
        if time.monotonic() - since < HUNG_AFTER:
            return False
        try:
            age = time.time() - os.stat(STATE).st_mtime
        except OSError:
            return True
        return HUNG_AFTER < age < 24 * 3600

    def tell(self):
        with open(KEPT + ".new", "w", encoding="utf-8") as stream:
            json.dump({"restarts": self.restarts, "pause": self.pause}, stream)
        os.replace(KEPT + ".new", KEPT)


@contextlib.contextmanager
def only_one():
    """Yield whether no other keeper runs; the lock goes with the process."""
    os.makedirs(RUN, exist_ok=True)
    with open(os.path.join(RUN, "lock"), "w", encoding="ascii") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def running():
    """The keeper's process; None if none runs."""
    with only_one() as free:
        if free:
            return None
    try:
        with open(PID, encoding="ascii") as stream:
            return int(stream.read())
    except (OSError, ValueError):
        return None


def run():
    with only_one() as free:
        if not free:
            print("it runs already")
            return 0
        with open(PID, "w", encoding="ascii") as stream:
            stream.write(str(os.getpid()))
        Keeper().run()
    return 0


def start():
    """Start ``run`` in a session of its own, with nothing of the caller's open."""
    if running():
        print("it runs already")
        return 0
    os.makedirs(RUN, exist_ok=True)
    command = [sys.executable, os.path.abspath(__file__), "run"]
    nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.Popen(command, start_new_session=True, cwd=HERE, **nothing)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        if running():
            print("started")
            return 0
        time.sleep(0.1)
    print("it did not start: see run/log.txt")
    return 1


def stop():
    pid = running()
    if pid is None:
        print("it does not run")
        return 0
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 2 * STOP_SECONDS
    while time.monotonic() < deadline:
        if running() is None:
            print("stopped")
            return 0
        time.sleep(0.1)
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    print("killed")
    return 0


def status():
    pid = running()
    print(f"runs as {pid}" if pid else "does not run")
    return 0 if pid else 3


if __name__ == "__main__":
    commands = {"start": start, "stop": stop, "status": status, "run": run}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit("Usage: python keeper.py start | stop | status | run")
    sys.exit(commands[sys.argv[1]]())
