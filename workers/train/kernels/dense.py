"""Convolution over all channels: columns of pixels times weights, by SciPy's BLAS.

It is several times faster than the one in Paddle's package on processors unknown to the latter. Each thread
works on its own images and calls BLAS alone.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange, types

from workers.train.kernels.shapes import SHAPE
from workers.train.kernels.vectors import copy, floats, get, put

# Columns in one product: with fewer, BLAS spends its time on the edges.
COLUMNS = 128


@njit
def _is_plain(shape):
    """Whether an image is its own columns: 1 × 1, no stride, no padding."""
    return shape.kernel_h * shape.kernel_w * shape.stride == 1 and shape.pad_h + shape.pad_w == 0


@njit
def _row_of_columns(target, source, width, out_width, begin, stride):
    """target[w] = source[begin + w * stride], zero outside the image."""
    first = min(out_width, (max(0, -begin) + stride - 1) // stride)
    end = max(first, min(out_width, (width - begin + stride - 1) // stride))
    for w in range(first):
        put(target, w, np.float32(0))
    if stride == 1:
        copy(target + 4 * first, source + 4 * (begin + first), end - first)
    else:
        for w in range(first, end):
            put(target, w, get(source, begin + w * stride))
    for w in range(end, out_width):
        put(target, w, np.float32(0))


@njit
def _add_row(target, source, width, out_width, begin, stride):
    """The inverse: target[begin + w * stride] += source[w]."""
    first = (max(0, -begin) + stride - 1) // stride
    end = min(out_width, (width - begin + stride - 1) // stride)
    for w in range(first, end):
        place = begin + w * stride
        put(target, place, get(target, place) + get(source, w))


@njit
def _to_columns(x, columns, step, shape):
    """Unfold one image: a row of ``columns`` for each channel and tap, ``step`` floats apart."""
    row = 0
    for c in range(shape.channels):
        for i in range(shape.kernel_h):
            for j in range(shape.kernel_w):
                target = columns + 4 * row * step
                row += 1
                for h in range(shape.out_height):
                    y, begin = h * shape.stride + i * shape.far_h - shape.pad_h, j * shape.far_w - shape.pad_w
                    width = shape.width if 0 <= y < shape.height else 0
                    source = x + 4 * (c * shape.height + y) * shape.width
                    _row_of_columns(target, source, width, shape.out_width, begin, shape.stride)
                    target += 4 * shape.out_width


@njit
def _from_columns(dx, columns, step, shape):
    """The inverse: add every column to its source pixels."""
    floats(dx, shape.channels * shape.height * shape.width)[:] = 0
    row = 0
    for c in range(shape.channels):
        for i in range(shape.kernel_h):
            for j in range(shape.kernel_w):
                source = columns + 4 * row * step
                row += 1
                for h in range(shape.out_height):
                    y, begin = h * shape.stride + i * shape.far_h - shape.pad_h, j * shape.far_w - shape.pad_w
                    if 0 <= y < shape.height:
                        target = dx + 4 * (c * shape.height + y) * shape.width
                        _add_row(target, source, shape.width, shape.out_width, begin, shape.stride)
                    source += 4 * shape.out_width


@njit
def _copy_rows(target, target_step, source, source_step, rows, count):
    for row in range(rows):
        copy(target + 4 * row * target_step, source + 4 * row * source_step, count)


@njit
def _sizes(shape):
    """Return (pixels of an output plane, rows of columns, floats of an image, images in one product)."""
    pixels, size = shape.out_height * shape.out_width, shape.channels * shape.height * shape.width
    return pixels, shape.channels * shape.kernel_h * shape.kernel_w, size, (COLUMNS + pixels - 1) // pixels


@njit
def _matrix(address, rows, columns):
    return floats(address, rows * columns).reshape((rows, columns))


@njit
def _lay_out(x, image, count, shape, columns):
    """Return the columns of ``count`` images side by side; for a single one perhaps the image itself."""
    pixels, rows, size, _ = _sizes(shape)
    plain, source = _is_plain(shape), x + 4 * image * size
    if plain and count == 1:
        return _matrix(source, rows, pixels)
    for i in range(count):
        target = columns.ctypes.data + 4 * i * pixels
        if plain:
            _copy_rows(target, count * pixels, source, pixels, rows, pixels)
        else:
            _to_columns(source, target, count * pixels, shape)
        source += 4 * size
    return columns[: rows * count * pixels].reshape((rows, count * pixels))


@njit
def _side_by_side(dy, image, count, shape, slopes):
    """Return the gradients of ``count`` images as one matrix, a row for each channel."""
    pixels, channels = shape.out_height * shape.out_width, shape.out_channels
    source = dy + 4 * image * channels * pixels
    if count == 1:
        return _matrix(source, channels, pixels)
    for i in range(count):
        place = source + 4 * i * channels * pixels
        _copy_rows(slopes.ctypes.data + 4 * i * pixels, count * pixels, place, pixels, channels, pixels)
    return slopes[: channels * count * pixels].reshape((channels, count * pixels))


@njit
def _forward_share(begin, end, x, weights_at, y, shape):
    """Compute the images from ``begin`` to ``end``."""
    pixels, rows, _, together = _sizes(shape)
    channels = shape.out_channels
    weights = _matrix(weights_at, channels, rows)
    columns = np.empty(rows * together * pixels, np.float32)
    products = np.empty(channels * together * pixels, np.float32)
    for image in range(begin, end, together):
        count = min(together, end - image)
        target = y + 4 * image * channels * pixels
        right = _lay_out(x, image, count, shape, columns)
        if count == 1:
            np.dot(weights, right, _matrix(target, channels, pixels))
            continue
        np.dot(weights, right, products[: channels * count * pixels].reshape((channels, count * pixels)))
        for i in range(count):
            place = target + 4 * i * channels * pixels
            _copy_rows(place, pixels, products.ctypes.data + 4 * i * pixels, count * pixels, channels, pixels)


@njit
def _put_back(dx, image, count, shape, columns):
    """Write the gradients of ``count`` images from those of their columns."""
    pixels, rows, size, _ = _sizes(shape)
    for i in range(count):
        target, source = dx + 4 * (image + i) * size, columns.ctypes.data + 4 * i * pixels
        if _is_plain(shape):
            _copy_rows(target, pixels, source, count * pixels, rows, pixels)
        else:
            _from_columns(target, source, count * pixels, shape)


@njit
def _backward_share(begin, end, x, weights_at, dy, dx, dweights, shape):
    """Compute the gradients of the images from ``begin`` to ``end``; add to that of the weights."""
    pixels, rows, size, together = _sizes(shape)
    channels = shape.out_channels
    weights, product = _matrix(weights_at, channels, rows), np.empty((channels, rows), np.float32)
    columns = np.empty(rows * together * pixels, np.float32)
    slopes = np.empty(channels * together * pixels, np.float32)
    for image in range(begin, end, together):
        count = min(together, end - image)
        left = _side_by_side(dy, image, count, shape, slopes)
        np.dot(left, _lay_out(x, image, count, shape, columns).T, product)
        dweights += product
        if dx == 0:
            continue
        if count == 1 and _is_plain(shape):
            np.dot(weights.T, left, _matrix(dx + 4 * image * size, rows, pixels))
        else:
            np.dot(weights.T, left, columns[: rows * count * pixels].reshape((rows, count * pixels)))
            _put_back(dx, image, count, shape, columns)


@njit
def _add_up(parts, total):
    for i in range(parts[0].size):
        value = np.float32(0)
        for part in range(len(parts)):
            value += parts[part].flat[i]
        put(total, i, value)


@njit(types.void(*[types.intp] * 4, SHAPE), parallel=True, cache=True)
def forward(threads, x, weights, y, shape):
    """y = the convolution of x. Addresses are those of contiguous float32."""
    for thread in prange(threads):
        begin, end = shape.images * thread // threads, shape.images * (thread + 1) // threads
        _forward_share(begin, end, x, weights, y, shape)


@njit(types.void(*[types.intp] * 6, SHAPE), parallel=True, cache=True)
def backward(threads, x, weights, dy, dx, dweights, shape):
    """Write the gradients of images (unless ``dx`` is 0) and weights."""
    rows = shape.channels * shape.kernel_h * shape.kernel_w
    parts = np.zeros((threads, shape.out_channels, rows), np.float32)
    for thread in prange(threads):
        begin, end = shape.images * thread // threads, shape.images * (thread + 1) // threads
        _backward_share(begin, end, x, weights, dy, dx, parts[thread], shape)
    _add_up(parts, dweights)
