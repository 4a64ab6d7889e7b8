"""What the person reads when PaddleX stops."""

from __future__ import annotations

import pytest

from workers.contract import InputError, ToolchainError
from workers.train.errors import diverged, explain, last_error


@pytest.mark.parametrize(
    ("tail", "returncode", "kind", "says"),
    [
        (
            ["numpy.core._exceptions._ArrayMemoryError: Unable to allocate"],
            1,
            ToolchainError,
            "out of memory",
        ),
        (
            ["CalledProcessError: Command [...] died with <Signals.SIGKILL: 9>."],
            1,
            ToolchainError,
            r"killed from outside \(signal 9\)\. Often the system is out of memory",
        ),
        ([], -9, ToolchainError, "killed from outside"),
        (["OSError: [Errno 28] No space left on device"], 1, ToolchainError, "disk is full"),
        (["ValueError: paddle is not compiled with CUDA"], 1, ToolchainError, "cannot use gpu:0"),
        (["InvalidArgumentError: The output size should be positive"], 1, InputError, "images of 64x48"),
        (["_pickle.UnpicklingError: invalid load key"], 1, InputError, "pretrained weights cannot be read"),
        (["KeyError: 'x'"], 1, ToolchainError, r"PaddleX stopped: KeyError, 'x'\. The log"),
        ([], 1, ToolchainError, "without saying why"),
    ],
)
def test_it_says_in_one_sentence_why_the_training_stopped(tail, returncode, kind, says):
    error = explain(tail, returncode, (64, 48), "gpu:0")
    assert type(error) is kind
    with pytest.raises(kind, match=says):
        raise error


@pytest.mark.parametrize("tail", [[], ["CalledProcessError: Command [...] died with <Signals.SIGKILL: 9>."]])
def test_it_calls_a_killed_training_out_of_memory_only_when_the_system_says_so(tail):
    assert "ran out of memory" in str(explain(tail, -9, (64, 48), "cpu", memory_ran_out=True))
    assert "ran out of memory" not in str(explain(tail, -9, (64, 48), "cpu", memory_ran_out=False))


def test_a_diverged_training_is_the_persons_to_fix():
    assert diverged(3, 0.5).kind == "input"
    assert "epoch 3" in str(diverged(3, 0.5))


def test_it_looks_past_the_errors_that_only_report_another():
    tail = ["RuntimeError: the cause.", "paddlex.utils.errors.others.CalledProcessError: Command returned 1."]
    assert last_error(tail) == "RuntimeError, the cause."
