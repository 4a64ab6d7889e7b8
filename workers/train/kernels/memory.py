"""What the C library does with freed memory. Only glibc can be configured; others are left alone."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, MMAP_MAX = -1, -2, -3, -4  # of malloc.h
MB = 1024 * 1024


def retain() -> None:
    """Keep it for the next step: requesting it from the kernel again takes a quarter of a step's time."""
    _set({MMAP_MAX: 0, TRIM_THRESHOLD: 2047 * MB, TOP_PAD: 16 * MB})


def release() -> None:
    """Restore the limits that the library adapts by itself when it frees large blocks."""
    _set({MMAP_MAX: 65536, MMAP_THRESHOLD: 32 * MB, TRIM_THRESHOLD: 64 * MB, TOP_PAD: 0})


def _set(options: dict[int, int]) -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        for option, value in options.items():
            mallopt(option, value)
