"""Turns the last lines of a tool's log into one sentence for the person. Pure functions."""

from __future__ import annotations

import math
import re

from workers.contract import InputError, ProgramError, ToolchainError, diskspace
from workers.contract.messages import msg
from workers.train.progress import TOO_SMALL

_OUT_OF_MEMORY = re.compile(
    r"MemoryError|bad_alloc|ResourceExhausted|Out of memory|Cannot allocate memory", re.IGNORECASE
)
_KILLED = re.compile(r"Signals\.SIGKILL|exit status -9|return(?:ed|code)\D{0,10}-9\b")
_NO_GPU = re.compile(r"not compiled with CUDA|no CUDA-capable device|CUDA error|cudaError", re.IGNORECASE)
_BAD_SHAPE = re.compile(
    r"InvalidArgument|output size.{0,40}(?:negative|less than|greater than 0)", re.IGNORECASE
)
_BAD_WEIGHTS = re.compile(r"pretrain path|UnpicklingError|load_dygraph_pretrain", re.IGNORECASE)
_LAST_ERROR = re.compile(r"^(?:\w+\.)*(\w*(?:Error|Exception)): (.+)$")


def explain(
    tail: list[str],
    returncode: int,
    input_size: tuple[int, int],
    device: str,
    memory_ran_out: bool = False,
) -> ProgramError:
    """Return the error that explains why PaddleX stopped with ``returncode``, from its last lines.

    ``memory_ran_out``: the kernel killed a process for lack of memory meanwhile.
    """
    text = "\n".join(tail)
    if diskspace.says_no_space(text):
        return ToolchainError(diskspace.SENTENCE)
    killed = returncode == -9 or _KILLED.search(text)
    if _OUT_OF_MEMORY.search(text) or (killed and memory_ran_out):
        return ToolchainError(
            msg("Training ran out of memory: choose a smaller batch or input size, or give the worker more.")
        )
    if killed:
        return ToolchainError(
            msg(
                "Training was killed from outside (signal 9). Often the system is out of memory "
                "then: choose a smaller batch or input size, or look into the worker's system log."
            )
        )
    if _NO_GPU.search(text):
        return ToolchainError(
            msg(
                "The training worker cannot use {device}: install PaddlePaddle's GPU build, or train on cpu.",
                device=device,
            )
        )
    if _BAD_WEIGHTS.search(text):
        return InputError(
            msg("The pretrained weights cannot be read: give a .pdparams file of this very model.")
        )
    if _BAD_SHAPE.search(text):
        width, height = input_size
        return InputError(
            msg(
                "The network does not accept images of {width}x{height}: choose another input size.",
                width=width,
                height=height,
            )
        )
    return ToolchainError(msg("PaddleX stopped: {error} The log has the details.", error=last_error(tail)))


def diverged(epoch: int, learning_rate: float) -> InputError:
    """Return the error for a loss that is not a number; a retry would end the same way."""
    return InputError(
        msg(
            "The training diverged: the loss is no longer a number in epoch {epoch}. Run it "
            "again with a learning rate well under {learning_rate}.",
            epoch=epoch,
            learning_rate=f"{learning_rate:g}",
        )
    )


def not_pruned(text: str) -> InputError:
    """Return the error for a network that cannot be pruned, from the suite's mark."""
    mark, detail = text.split()
    if mark == TOO_SMALL:
        least = math.ceil(100 * float(detail))
        return InputError(msg("At least {least} % of its cost remains: choose a larger share.", least=least))
    return InputError(
        msg(
            "This network cannot be pruned, because its layer {layer} reads channels in another order: "
            "train a smaller recipe instead.",
            layer=detail,
        )
    )


def last_error(tail: list[str]) -> str:
    """Return the last exception in the log as a sentence, without PaddleX's own wrapping ones."""
    for line in reversed(tail):
        match = _LAST_ERROR.match(line.strip())
        if match and match.group(1) not in ("CalledProcessError", "AssertionError"):
            return f"{match.group(1)}, {match.group(2).rstrip('.')}."
    return msg("it ended without saying why.")
