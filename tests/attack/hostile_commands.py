"""What the hostile board runs: the commands that Slipway sends, in a temporary folder, with false answers."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import paramiko

MARK = "\n@@SLIPWAY@@"
ALLOWED = {
    "uname",
    "cat",
    "df",
    "mkdir",
    "rm",
    "sha256sum",
    "sh",
    "tar",
    "base64",
    "test",
    "readlink",
    "true",
}
GOOD = {"type": "answer", "label_id": 0, "label": "blue", "score": 0.9, "ms": 1.5}
DONE = {"type": "done", "answered": 1, "failed": 0, "load_ms": 3.0, "engine": "hostile board"}


def _answer(**changes) -> str:
    return json.dumps(GOOD | {"image": "000000.png"} | changes)


# The one answer of an inference, by mode: text, since some of it is not JSON.
ANSWERS = {
    "nan": _answer(score=float("nan")),
    "infinity": _answer(ms=float("inf")),
    "over-range": _answer().replace("0.9", "1e999"),
    "label-number": _answer(label=7),
    "label-list": _answer(label=["blue"]),
    "label-long": _answer(label="blue" * 100_000),
    "label-huge": _answer(label_id=2**70),
    "label-digits": _answer().replace('"label_id": 0', '"label_id": ' + "9" * 5000),
    "label-negative": _answer(label_id=-1),
    "label-fraction": _answer(label_id=0.5),
    "label-none": _answer(label_id=None),
    "score-text": _answer(score="0.9"),
    "score-large": _answer(score=7.0),
    "score-bool": _answer(score=True),
    "deep": '{"type": "answer", "image": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "control": _answer(label="\x1b[31mred\x00\u202e\ud800 alert"),
    "error-number": _answer(error=7),
    "type-list": _answer(type=["answer"]),
    "other-image": _answer(image="../../etc/passwd"),
    "image-number": _answer(image=3),
    "twice": _answer() + MARK + _answer(),
    "no-answer": "{}",
    "not-json": '{"type": "answer", "image"',
    "many-answers": MARK.join([_answer()] * 2000),
}


class Commands:
    """Runs a command line of Slipway's, or answers in its programs' place."""

    def __init__(self, home: Path):
        self._home = home

    def run(self, channel: paramiko.Channel, line: str, mode: str) -> int:
        """Send what the command says; return its exit status. ``mode`` falsifies an answer."""
        argv = shlex.split(line)
        if argv[0] == "python" and len(argv) > 1:
            return self._python(channel, argv, mode)
        if argv[0] not in ALLOWED:
            return 127
        return self._really(channel, argv)

    def _python(self, channel: paramiko.Channel, argv: list[str], mode: str) -> int:
        if argv[1] == "-" and argv[2] == "probe":
            facts = {"type": "probe", "python": "3.11.1", "runtime": None, "driver": "lockzhiner"}
            facts |= {"library": "hostile", "library_version": "1", "virtual": True, "engine": "hostile"}
            return self._say(channel, json.dumps(facts) if mode not in ANSWERS else ANSWERS[mode])
        if argv[1].endswith("runner.py"):
            return self._answer(channel, argv, mode)
        return self._really(channel, [sys.executable, *argv[1:]])

    def _answer(self, channel: paramiko.Channel, argv: list[str], mode: str) -> int:
        folder = self._home / argv[argv.index("--release") + 1]
        if not (folder / "manifest.json").exists() and "check" in argv:
            return self._say(
                channel, json.dumps({"type": "error", "code": "bad-release", "message": "No."}), 1
            )
        if "check" in argv:
            manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
            lines = [
                GOOD | {"image": one["image"], "label_id": one["label_id"]} for one in manifest["golden"]
            ]
        else:
            names = (self._home / argv[argv.index("--list") + 1]).read_text("utf-8").split()
            lines = [GOOD | {"image": name} for name in names]
        said = [json.dumps(one) for one in lines] if mode not in ANSWERS else [ANSWERS[mode]]
        return self._say(channel, MARK.join([*said, json.dumps(DONE)]))

    def _say(self, channel: paramiko.Channel, text: str, status: int = 0) -> int:
        while channel.recv(65536):
            pass
        channel.sendall((MARK + text + "\n").encode("utf-8", "surrogatepass"))
        return status

    def _really(self, channel: paramiko.Channel, argv: list[str]) -> int:
        given = bytearray()
        while piece := channel.recv(65536):
            given += piece
        done = subprocess.run(argv, input=bytes(given), capture_output=True, cwd=self._home, check=False)
        channel.sendall(done.stdout)
        channel.sendall_stderr(done.stderr)
        return done.returncode
