"""Depthwise convolution of float32 planes: forward, and both gradients. One channel is one unit of work.

The planes of several images are copied one after the other into a small buffer, with zeros between rows and
between planes. Then the convolution is a sum of shifted copies of the buffer, one shift per tap. With a
stride of s, rows and columns are first distributed over s × s buffers ("phases").
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange, types

from workers.train.kernels.shapes import SHAPE
from workers.train.kernels.vectors import (
    LANES,
    add_product,
    copy,
    evens,
    floats,
    get,
    high_pairs,
    load,
    load_first,
    low_pairs,
    odds,
    put,
    spread,
    store,
    store_first,
    total,
)

# Floats of a buffer that stay in the first-level cache.
CACHED = 2048
# Read behind the end of a buffer, at most.
SLACK = 4 * LANES


@njit
def _layout(size, out, kernel, stride, pad, dilation):
    """Return the distance between rows, or planes, in a buffer: the zeros between two are padding of both."""
    reach = (kernel - 1) * dilation // stride
    whole = size + pad if stride == 1 else (size + 2 * pad + stride - 1) // stride
    return max(whole, out + max(0, reach - pad // stride))


@njit
def _correlate(target, length, source, shifts, weights, taps):
    """target[i] = sum over taps of weights[tap] * source[i + shifts[tap]], rounded up to whole vectors."""
    at = 0
    while at + 3 * LANES < length:
        a = b = c = d = spread(np.float32(0))
        for tap in range(taps):
            weight, place = spread(weights[tap]), source + 4 * shifts[tap]
            a = add_product(a, weight, load(place, at))
            b = add_product(b, weight, load(place, at + LANES))
            c = add_product(c, weight, load(place, at + 2 * LANES))
            d = add_product(d, weight, load(place, at + 3 * LANES))
        store(target, at, a)
        store(target, at + LANES, b)
        store(target, at + 2 * LANES, c)
        store(target, at + 3 * LANES, d)
        at += 4 * LANES
    while at < length:
        a = spread(np.float32(0))
        for tap in range(taps):
            a = add_product(a, spread(weights[tap]), load(source + 4 * shifts[tap], at))
        store(target, at, a)
        at += LANES


@njit
def _products(sums, length, left, source, shifts, taps):
    """sums[tap] += sum over i of left[i] * source[i + shifts[tap]]; zeros behind the end of ``left``."""
    zero = spread(np.float32(0))
    tap = 0
    while tap + 4 <= taps:
        a = b = c = d = zero
        p, q = source + 4 * shifts[tap], source + 4 * shifts[tap + 1]
        r, s = source + 4 * shifts[tap + 2], source + 4 * shifts[tap + 3]
        for at in range(0, length, LANES):
            value = load(left, at)
            a = add_product(a, value, load(p, at))
            b = add_product(b, value, load(q, at))
            c = add_product(c, value, load(r, at))
            d = add_product(d, value, load(s, at))
        sums[tap] += total(a)
        sums[tap + 1] += total(b)
        sums[tap + 2] += total(c)
        sums[tap + 3] += total(d)
        tap += 4
    while tap < taps:
        a, p = zero, source + 4 * shifts[tap]
        for at in range(0, length, LANES):
            a = add_product(a, load(left, at), load(p, at))
        sums[tap] += total(a)
        tap += 1


@njit
def _geometry(shape):
    """Return (row, plane, together): floats from row to row, from plane to plane; images in one buffer."""
    s = shape
    row = _layout(s.width, s.out_width, s.kernel_w, s.stride, s.pad_w, s.far_w)
    plane = row * _layout(s.height, s.out_height, s.kernel_h, s.stride, s.pad_h, s.far_h)
    return row, plane, max(1, min(s.images, CACHED // (plane * s.stride * s.stride)))


@njit
def _reach(shape, row):
    """Return how many floats the last tap reads behind the first one, at most."""
    return ((shape.kernel_h - 1) * shape.far_h // shape.stride + 1) * row + LANES


@njit
def _phase_starts(buffer, part, pad):
    """Return where the even and the odd columns of an image begin, for a stride of 2."""
    return buffer + 4 * (pad % 2 * part + pad // 2), buffer + 4 * ((pad + 1) % 2 * part + (pad + 1) // 2)


@njit
def _deal_row(target, part, source, width, pad, stride):
    """Distribute one row over the buffers of its phases, ``part`` floats apart."""
    if stride == 1:
        copy(target + 4 * pad, source, width)
    elif stride == 2:
        even, odd = _phase_starts(target, part, pad)
        for at in range(0, width, 2 * LANES):
            count = width - at
            left, right = load_first(source, at, count), load_first(source, at + LANES, count - LANES)
            store_first(even, at // 2, evens(left, right), (count + 1) // 2)
            store_first(odd, at // 2, odds(left, right), count // 2)
    else:
        for w in range(width):
            place = (w + pad) % stride * part + (w + pad) // stride
            put(target, place, get(source, w))


@njit
def _collect_row(target, part, source, width, pad, stride):
    """The inverse: collect one row from the buffers of its phases."""
    if stride == 1:
        copy(target, source + 4 * pad, width)
    elif stride == 2:
        even, odd = _phase_starts(source, part, pad)
        for at in range(0, width, 2 * LANES):
            left, right = load(even, at // 2), load(odd, at // 2)
            store_first(target, at, low_pairs(left, right), width - at)
            store_first(target, at + LANES, high_pairs(left, right), width - at - LANES)
    else:
        for w in range(width):
            place = (w + pad) % stride * part + (w + pad) // stride
            put(target, w, get(source, place))


@njit
def _deal(x, first, count, shape, row, plane, part, buffer):
    """Distribute one channel of ``count`` images over the buffers; ``x`` is where the channel begins."""
    size, stride = shape.height * shape.width, shape.stride
    for image in range(count):
        source = x + 4 * (first + image) * shape.channels * size
        for h in range(shape.pad_h, shape.pad_h + shape.height):
            place = h % stride * stride * part + image * plane + h // stride * row
            _deal_row(buffer + 4 * place, part, source, shape.width, shape.pad_w, stride)
            source += 4 * shape.width


@njit
def _collect(dx, first, count, shape, row, plane, part, buffer):
    """The inverse: write one channel of ``count`` images."""
    size, stride = shape.height * shape.width, shape.stride
    for image in range(count):
        target = dx + 4 * (first + image) * shape.channels * size
        for h in range(shape.pad_h, shape.pad_h + shape.height):
            place = h % stride * stride * part + image * plane + h // stride * row
            _collect_row(target, part, buffer + 4 * place, shape.width, shape.pad_w, stride)
            target += 4 * shape.width


@njit
def _read_out(dy, first, count, shape, row, plane, buffer):
    """Copy one channel of ``count`` gradients into a buffer."""
    height, width = shape.out_height, shape.out_width
    for image in range(count):
        source = dy + 4 * (first + image) * shape.channels * height * width
        for h in range(height):
            copy(buffer + 4 * (image * plane + h * row), source, width)
            source += 4 * width


@njit
def _write_out(y, first, count, shape, row, plane, buffer):
    """Copy ``count`` results of one channel from the buffer to their destination."""
    height, width = shape.out_height, shape.out_width
    for image in range(count):
        target = y + 4 * (first + image) * shape.channels * height * width
        for h in range(height):
            copy(target, buffer + 4 * (image * plane + h * row), width)
            target += 4 * width


@njit
def _shifts(shape, row, part, shifts):
    stride = shape.stride
    for i in range(shape.kernel_h):
        for j in range(shape.kernel_w):
            h, w = i * shape.far_h, j * shape.far_w
            phase = h % stride * stride + w % stride
            shifts[i * shape.kernel_w + j] = phase * part + h // stride * row + w // stride


@njit
def _forward_channel(x, weights_at, y, shape):
    images, stride, taps = shape.images, shape.stride, shape.kernel_h * shape.kernel_w
    weights = floats(weights_at, taps)
    row, plane, together = _geometry(shape)
    part = together * plane
    buffer = np.zeros(stride * stride * part + _reach(shape, row) + SLACK, np.float32)
    sums = np.empty(part + SLACK, np.float32)
    shifts = np.empty(taps, np.intp)
    _shifts(shape, row, part, shifts)
    for first in range(0, images, together):
        count = min(together, images - first)
        _deal(x, first, count, shape, row, plane, part, buffer.ctypes.data)
        length = (count - 1) * plane + (shape.out_height - 1) * row + shape.out_width
        _correlate(sums.ctypes.data, length, buffer.ctypes.data, shifts, weights, taps)
        _write_out(y, first, count, shape, row, plane, sums.ctypes.data)


@njit
def _phase_taps(shape, row, weights, phase_h, phase_w, shifts, chosen):
    """Collect the taps that touch one phase, from the input's point of view: shifts are reversed. Return
    how many.
    """
    taps, stride = 0, shape.stride
    for i in range(shape.kernel_h):
        for j in range(shape.kernel_w):
            h, w = i * shape.far_h, j * shape.far_w
            if h % stride == phase_h and w % stride == phase_w:
                shifts[taps] = -(h // stride * row + w // stride)
                chosen[taps] = weights[i * shape.kernel_w + j]
                taps += 1
    return taps


@njit
def _backward_channel(x, weights_at, dy, dx, dweights_at, shape):
    """``dx`` is 0 if the gradient of the images is not needed."""
    images, stride, taps = shape.images, shape.stride, shape.kernel_h * shape.kernel_w
    weights, dweights = floats(weights_at, taps), floats(dweights_at, taps)
    dweights[:] = 0
    row, plane, together = _geometry(shape)
    part, before = together * plane, _reach(shape, row)
    buffer = np.zeros(stride * stride * part + before + SLACK, np.float32)
    slopes = np.zeros(before + part + SLACK, np.float32)
    slopes_at = slopes.ctypes.data + 4 * before
    shifts, back, chosen = np.empty(taps, np.intp), np.empty(taps, np.intp), np.empty(taps, np.float32)
    _shifts(shape, row, part, shifts)
    for first in range(0, images, together):
        count = min(together, images - first)
        if count < together:
            slopes[before:] = 0
        _deal(x, first, count, shape, row, plane, part, buffer.ctypes.data)
        _read_out(dy, first, count, shape, row, plane, slopes_at)
        length = (count - 1) * plane + (shape.out_height - 1) * row + shape.out_width
        _products(dweights, length, slopes_at, buffer.ctypes.data, shifts, taps)
        if dx == 0:
            continue
        sums = np.empty(stride * stride * part + SLACK, np.float32)
        length = (count - 1) * plane + ((shape.height - 1 + shape.pad_h) // stride + 1) * row
        for phase in range(stride * stride):
            found = _phase_taps(shape, row, weights, phase // stride, phase % stride, back, chosen)
            _correlate(sums.ctypes.data + 4 * phase * part, length, slopes_at, back, chosen, found)
        _collect(dx, first, count, shape, row, plane, part, sums.ctypes.data)


@njit(types.void(*[types.intp] * 4, SHAPE), parallel=True, cache=True)
def forward(threads, x, weights, y, shape):
    """y = the convolution of x, each channel separately. Addresses are those of contiguous float32."""
    for c in prange(shape.channels):
        plane, taps = 4 * c * shape.height * shape.width, 4 * c * shape.kernel_h * shape.kernel_w
        _forward_channel(x + plane, weights + taps, y + 4 * c * shape.out_height * shape.out_width, shape)


@njit(types.void(*[types.intp] * 6, SHAPE), parallel=True, cache=True)
def backward(threads, x, weights, dy, dx, dweights, shape):
    """Write the gradients of images (unless ``dx`` is 0) and weights."""
    for c in prange(shape.channels):
        plane, taps = 4 * c * shape.height * shape.width, 4 * c * shape.kernel_h * shape.kernel_w
        slopes = dy + 4 * c * shape.out_height * shape.out_width
        _backward_channel(x + plane, weights + taps, slopes, dx + plane if dx else 0, dweights + taps, shape)
