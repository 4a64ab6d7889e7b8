"""Hard swish, x * clip(x + 3, 0, 6) / 6: forward and backward."""

from __future__ import annotations

import numpy as np
from numba import njit, prange, types

from workers.train.kernels.vectors import floats


@njit
def _part(address, count, thread, threads):
    begin, end = count * thread // threads, count * (thread + 1) // threads
    return floats(address + 4 * begin, end - begin)


@njit
def _forward(x, y):
    for i in range(len(x)):
        y[i] = x[i] * min(max(x[i] + np.float32(3), np.float32(0)), np.float32(6)) * np.float32(1 / 6)


@njit
def _backward(x, dy, dx):
    for i in range(len(x)):
        inside = x[i] * np.float32(1 / 3) + np.float32(0.5)
        slope = inside if x[i] > np.float32(-3) else np.float32(0)
        dx[i] = dy[i] * (slope if x[i] < np.float32(3) else np.float32(1))


@njit(types.void(*[types.intp] * 4), parallel=True, cache=True)
def forward(threads, x, y, count):
    for thread in prange(threads):
        _forward(_part(x, count, thread, threads), _part(y, count, thread, threads))


@njit(types.void(*[types.intp] * 5), parallel=True, cache=True)
def backward(threads, x, dy, dx, count):
    for thread in prange(threads):
        source, slope = _part(x, count, thread, threads), _part(dy, count, thread, threads)
        _backward(source, slope, _part(dx, count, thread, threads))
