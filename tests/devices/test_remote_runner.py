import types

import pytest

from portal.core import configs
from portal.devices.errors import (
    DiskFull,
    NoPython,
    NothingDeployed,
    NoVendorLibrary,
    RemoteFailed,
    WrongAnswer,
)
from portal.devices.remote_runner import parse_line, raise_reported
from portal.devices.results import RunResult

CONNECTION = types.SimpleNamespace(address="10.1.1.144:22")
PROFILE = configs.boards()["virtual"]


def messages_of(text):
    return [message for message in map(parse_line, text.splitlines()) if message is not None]


def told(stdout="", status=0, stderr=""):
    result = RunResult(["python"], status, stdout, stderr)
    raise_reported(CONNECTION, PROFILE, result, messages_of(stdout))


def test_messages_are_found_among_the_noise():
    text = (
        "opencv-mobile MIPI CSI camera with v4l2 rkaiq\n"
        'E RKNN: [12:00:01.000] something\n\n@@SLIPWAY@@{"type": "answer", "label_id": 3}\n'
        '@@SLIPWAY@@{"type": "done"}'
    )
    assert [message["type"] for message in messages_of(text)] == ["answer", "done"]


@pytest.mark.parametrize("line", ['@@SLIPWAY@@{"type": "ans', "@@SLIPWAY@@[1]", "@@SLIPWAY@@{}", "plain"])
def test_a_line_cut_short_or_without_a_type_is_noise(line):
    assert parse_line(line) is None


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("no-library", NoVendorLibrary),
        ("disk-full", DiskFull),
        ("golden-mismatch", WrongAnswer),
        ("bad-model", RemoteFailed),
    ],
)
def test_a_reported_error_becomes_its_own_class_with_its_own_sentence(code, error):
    with pytest.raises(error, match="^Do this.$"):
        told(f'@@SLIPWAY@@{{"type": "error", "code": "{code}", "message": "Do this."}}', 1)


def test_a_missing_python_names_the_command():
    with pytest.raises(NoPython, match="has no command python: install Python"):
        told(status=127, stderr="sh: python: not found")


def test_a_killed_program_is_told_as_want_of_memory():
    with pytest.raises(RemoteFailed, match="probably for want of memory"):
        told(status=-1)


def test_a_missing_runner_means_that_nothing_is_deployed():
    with pytest.raises(NothingDeployed, match="deploy a model to it first"):
        told(status=2, stderr="python: can't open file '/root/slipway/current/runner.py': [Errno 2]")


def test_silence_is_an_error_that_quotes_the_last_words():
    with pytest.raises(RemoteFailed, match="status 139: Segmentation fault"):
        told(status=139, stderr="Segmentation fault\n")
    with pytest.raises(RemoteFailed, match="without a word"):
        told(status=0)
