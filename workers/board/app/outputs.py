"""Where predictions go: a file, MQTT, a serial port, HTTP or the log. Python 3.8+, standard library.

Each output has a thread and a queue with a bound, so one that is away delays neither the camera nor the
others: it is tried again, its lines wait, and the oldest are dropped and counted once there are too many.
"""

import collections
import os
import sys
import threading
import time
import urllib.error
import urllib.request

from mqtt import Publisher

MOST_WAITING = 1000  # lines of an output
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds between tries
IDLE_SECONDS = 5.0
TIMEOUT = 10.0
FILE_BYTES = 4 * 1024 * 1024  # of the file, and of the one before it


class File:
    """A file of lines. A full one is renamed, and the one before it removed."""

    def __init__(self, settings, folder):
        self.path = os.path.join(folder, settings.get("path") or "predictions.jsonl")
        self.most = int(settings.get("most_bytes") or FILE_BYTES)
        self.stream = open(self.path, "ab")

    def send(self, line):
        if self.stream.tell() + len(line) + 1 > self.most:
            self.stream.close()
            os.replace(self.path, self.path + ".1")
            self.stream = open(self.path, "ab")
        self.stream.write(line + b"\n")
        self.stream.flush()

    def idle(self):
        pass

    def close(self):
        self.stream.close()


class Log:
    """Standard output, which goes to the log."""

    def __init__(self, settings, folder):
        pass

    def send(self, line):
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.flush()

    def idle(self):
        pass

    def close(self):
        pass


def words_of(error):
    """What an error says, without its number: Connection refused."""
    error = getattr(error, "reason", None) or error
    strerror = getattr(error, "strerror", None)
    if not strerror:
        return str(error) or type(error).__name__
    return f"{error.filename}: {strerror}" if error.filename else strerror


def port_of(settings):
    return int(settings.get("port") or (8883 if settings.get("tls") else 1883))


class Mqtt:
    """A topic of an MQTT broker."""

    def __init__(self, settings, folder):
        self.topic, self.qos = settings["topic"], int(settings.get("qos") or 0)
        client = settings.get("client_id") or f"slipway-{os.uname().nodename[:20]}-{os.getpid()}"
        self.publisher = Publisher(
            settings["host"],
            port_of(settings),
            client,
            settings.get("user") or "",
            settings.get("password") or "",
            timeout=TIMEOUT,
            tls=bool(settings.get("tls")),
            ca=settings.get("ca") or "",
        )

    def send(self, line):
        self.publisher.publish(self.topic, line, self.qos)

    def idle(self):
        self.publisher.keep_alive()

    def close(self):
        self.publisher.close(politely=True)


class Serial:
    """A serial port: one line for each prediction, 8 data bits, no parity, one stop bit."""

    def __init__(self, settings, folder):
        import termios
        import tty

        speed = getattr(termios, f"B{int(settings.get('baud') or 115200)}", None)
        if speed is None:
            raise OSError(f"the speed {settings.get('baud')} is not known here")
        flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK
        self.handle = os.open(settings["device"], flags)
        try:
            tty.setraw(self.handle)
            state = termios.tcgetattr(self.handle)
            state[4] = state[5] = speed
            termios.tcsetattr(self.handle, termios.TCSANOW, state)
        except termios.error as error:
            os.close(self.handle)
            raise OSError(f"{settings['device']} is no serial port: {error}") from error

    def send(self, line):
        data, deadline = line + b"\n", time.monotonic() + TIMEOUT
        while data:
            try:
                data = data[os.write(self.handle, data) :]
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    words = "the serial port takes nothing: what it is connected to does not read"
                    raise OSError(words) from error
                time.sleep(0.02)

    def idle(self):
        pass

    def close(self):
        os.close(self.handle)


class Http:
    """An address that gets each prediction by POST."""

    def __init__(self, settings, folder):
        self.url = settings["url"]
        if not self.url.startswith(("http://", "https://")):
            raise OSError("the address begins with neither http:// nor https://")

    def send(self, line):
        request = urllib.request.Request(
            self.url, data=line, headers={"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                answer.read(1024)
        except urllib.error.HTTPError as error:
            # The request itself is refused: the same line would be refused for ever.
            if 400 <= error.code < 500 and error.code not in (408, 429):
                raise Refused(f"{self.url} answers {error.code}") from error
            raise OSError(f"{self.url} answers {error.code}") from error

    def idle(self):
        pass

    def close(self):
        pass


class Refused(Exception):
    """The receiver refuses this line for good; the next one may be taken."""


KINDS = {"file": File, "log": Log, "mqtt": Mqtt, "serial": Serial, "http": Http}


def place_of(settings):
    """What an output is connected to, for a person. Never its password."""
    kind = settings["kind"]
    if kind == "mqtt":
        scheme = "mqtts://" if settings.get("tls") else ""
        return f"{scheme}{settings['host']}:{port_of(settings)} {settings['topic']}"
    return str(settings.get({"serial": "device", "http": "url", "file": "path"}.get(kind, "")) or "")


class Output(threading.Thread):
    """One output with its queue."""

    def __init__(self, settings, folder, most=MOST_WAITING, pause=FIRST_PAUSE):
        super().__init__(daemon=True)
        self.settings, self.folder, self.first_pause = settings, folder, pause
        self.lines = collections.deque()
        self.most, self.changed, self.ended = most, threading.Condition(), False
        self.sent = self.dropped = self.refused = 0
        self.problem, self.since = "", None

    def put(self, line):
        with self.changed:
            if len(self.lines) >= self.most:
                self.lines.popleft()
                self.dropped += 1
            self.lines.append(line)
            self.changed.notify()

    def finish(self, seconds):
        """Send what waits for some seconds at most, then end."""
        with self.changed:
            self.ended = True
            self.changed.notify()
        self.join(seconds)

    def state(self):
        return {
            "kind": self.settings["kind"], "place": place_of(self.settings)[:200], "sent": self.sent,
            "waiting": len(self.lines), "dropped": self.dropped, "refused": self.refused,
            "problem": self.problem[:300],
        }  # fmt: skip

    def run(self):
        pause = self.first_pause
        while not self._is_done():
            try:
                target = KINDS[self.settings["kind"]](self.settings, self.folder)
            except Exception as error:
                self._fail(error)
            else:
                try:
                    pause = self.first_pause
                    self._serve(target)
                    return
                except Exception as error:
                    self._fail(error)
                finally:
                    target.close()
            if not self.ended:
                time.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
            if self.ended and self.problem:
                return

    def _is_done(self):
        return self.ended and not self.lines

    def _fail(self, error):
        text = words_of(error)
        if text != self.problem:
            print(f"{self.settings['kind']} {place_of(self.settings)}: {text}; trying again", flush=True)
        self.problem = text

    def _serve(self, target):
        """Send lines until the end. A line leaves the queue once it is sent."""
        while True:
            line = self._next(target)
            if line is None:
                return
            try:
                target.send(line)
                self.sent += 1
                self.problem = ""
            except Refused as error:
                self.refused += 1
                self.problem = str(error)
            with self.changed:
                # It may have been dropped for newer ones while it was being sent.
                if self.lines and self.lines[0] is line:
                    self.lines.popleft()

    def _next(self, target):
        """The oldest line; None at the end."""
        while True:
            with self.changed:
                if not self.lines and not self.ended:
                    self.changed.wait(IDLE_SECONDS)
                if self.lines:
                    return self.lines[0]
                if self.ended:
                    return None
            target.idle()
            self.problem = ""
