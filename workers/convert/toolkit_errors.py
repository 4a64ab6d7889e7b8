"""Turns what rknn-toolkit2 printed into one sentence for a person. Standard library only."""

from __future__ import annotations

import re

_ERROR_LINE = re.compile(r"^E (?:RKNN: \[[\d:.]+\] )?(?P<text>.*\S)")
_NOISE = re.compile(r"^[=\-*# ]*(?:WARN|ERROR)?[=\-*# ]*$")

# What the toolkit says, and what that means for the person. Seen with 2.3.2 and 2.5.0.
KNOWN = [
    (r"not support do_quantization = False", "this chip runs int8 models only: choose int8"),
    (r"Invalid target_platform", "this version of the toolkit does not know the chip: choose another chip"),
    (r"(?:std::bad_alloc|MemoryError|Cannot allocate memory)", "the machine ran out of memory: free some"),
    (r"No space left on device", "the disk is full: free some space"),
    (
        r"(?:[Uu]nsupport\w* onnx opset|opset_version|opset version)",
        "the ONNX file's opset is too new: export with 12",
    ),
    (
        r"(?:[Uu]nsupport\w* op|not support\w* op|Not support\w* op)",
        "the model has an operator it cannot convert",
    ),
    (
        r"(?:[Uu]nsupport|not support)\w*.*quantized_(?:dtype|algorithm|method)",
        "the quantisation is not for this chip",
    ),
]


def error_lines(log: str) -> list[str]:
    """Return the text of the lines that the toolkit marked as errors, oldest first."""
    found = (_ERROR_LINE.match(line) for line in log.splitlines())
    return [match["text"] for match in found if match and not _NOISE.match(match["text"])]


def explain(step: str, log: str, raised: str = "") -> str:
    """Return one sentence: which step failed, why as far as it is known, where to look.

    ``raised`` is the exception's text where the toolkit raised one instead of returning -1.
    """
    errors = error_lines(log) + ([raised] if raised else [])
    text = "\n".join(errors)
    for pattern, meaning in KNOWN:
        if re.search(pattern, text):
            return f"rknn-toolkit2 could not {step}: {meaning} ({_line_with(pattern, errors)})."
    if errors:
        return f"rknn-toolkit2 could not {step}: {_short(errors[-1])} (see the job's log for all it said)."
    return f"rknn-toolkit2 could not {step} and did not say why: see the job's log."


def _line_with(pattern: str, lines: list[str]) -> str:
    return _short(next(line for line in lines if re.search(pattern, line)))


def _short(line: str) -> str:
    return line.strip().rstrip(".!") if len(line) <= 200 else line[:199].strip() + "…"
