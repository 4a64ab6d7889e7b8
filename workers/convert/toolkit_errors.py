"""Turns rknn-toolkit2's output into one sentence for a person. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from workers.contract.messages import msg

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ERROR_LINE = re.compile(r"^E (?:RKNN: \[[\d:.]+\] )?(?:(?:config|load_onnx|build|\w+): )?(?P<text>.*\S)")
_NOISE = re.compile(r"^(?:rknn-toolkit2 version:|[=\-*# ]*$|Traceback )")
_TRACEBACK = "Traceback (most recent call last):"
_EXCEPTION = re.compile(r"^[\w.]+: (?P<text>.*\S)")

# The toolkit's messages and their meaning for the person. All were provoked with 2.5.0 except memory and
# disk.
KNOWN = [
    (r"not support do_quantization = False", msg("this chip runs int8 models only, choose int8")),
    (r"Invalid target_platform", msg("this version of the toolkit does not know the chip, choose another")),
    (
        r"quantized_dtype|quantized_algorithm",
        msg("this quantisation cannot be had here, choose int8 and normal"),
    ),
    (r"TorchIsAStubError|stand-in for PyTorch", msg("this quantiser needs PyTorch, choose normal or mmse")),
    (r"Unsupport onnx opset", msg("the ONNX file's opset is too new, export it with opset 12")),
    (r"Error parsing message", msg("the ONNX file is damaged, train the model again")),
    (r"ONNXRuntimeError|[Uu]nsupport\w* (?:op|conv|cpu)", msg("the model has an operator it cannot convert")),
    (r"The image of .* is invalid", msg("a calibration image cannot be read, remove it")),
    (
        r"bad_alloc|MemoryError|Cannot allocate memory",
        msg("the machine ran out of memory, free some and retry"),
    ),
    (r"No space left on device", msg("the disk is full, free some space and retry")),
]


def error_lines(log: str) -> list[str]:
    """Return the text of each error that the toolkit printed, oldest first.

    Those are its lines marked E and, of a Python traceback in between, the line with the exception.
    """
    return list(_errors(_ANSI.sub("", log).splitlines()))


def _errors(lines: list[str]) -> Iterator[str]:
    in_traceback = False
    for line in lines:
        if _TRACEBACK in line:
            in_traceback = True
        elif in_traceback and line[:1] not in (" ", "", "\t"):
            in_traceback = False
            if exception := _EXCEPTION.match(line):
                yield exception["text"]
        elif not in_traceback and (match := _ERROR_LINE.match(line)) and not _NOISE.match(match["text"]):
            yield match["text"]


def explain(step: str, log: str, raised: str = "") -> str:
    """Return one sentence: which step failed, why as far as known, where to look.

    ``raised`` is the exception's text if the toolkit raised one instead of returning -1.
    """
    errors = error_lines(log) or ([raised.splitlines()[0]] if raised else [])
    for pattern, meaning in KNOWN:
        for line in errors:
            if re.search(pattern, line):
                return msg(
                    "rknn-toolkit2 could not {step}: {meaning} ({line}).",
                    step=step,
                    meaning=meaning,
                    line=_short(line),
                )
    if errors:
        return msg(
            "rknn-toolkit2 could not {step}: {error} (see the job's log for all it said).",
            step=step,
            error=_short(errors[-1]),
        )
    return msg("rknn-toolkit2 could not {step} and did not say why: see the job's log.", step=step)


def explain_crash(signal_name: str, log: str, memory_ran_out: bool = False) -> str:
    """Return one sentence for a toolkit that crashed its process, with its last output if any.

    ``memory_ran_out``: the kernel killed a process for lack of memory meanwhile.
    """
    if signal_name == "SIGKILL" and memory_ran_out:
        return msg(
            "The conversion was killed because the machine ran out of memory: free some and start it again."
        )
    if signal_name == "SIGKILL":
        return msg(
            "The conversion was killed from outside (signal 9). Often the machine is out of memory then: "
            "free some and start it again."
        )
    if error_lines(log):
        return explain(msg("convert the model and stopped the program"), log)
    return msg("rknn-toolkit2 crashed ({signal_name}): see the job's log.", signal_name=signal_name)


def _short(line: str) -> str:
    line = line.strip().rstrip(".!")
    return line if len(line) <= 200 else line[:199].rstrip() + "…"
