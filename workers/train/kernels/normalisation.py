"""Batch normalisation in training: forward and backward. One channel is one unit of work."""

from __future__ import annotations

import numpy as np
from numba import njit, prange, types

from workers.train.kernels.vectors import floats, get, put

# Images, channels, pixels of a plane.
SIZES = types.UniTuple(types.intp, 3)
# Sums may be taken in any order: LLVM vectorizes them.
ANY_ORDER = {"reassoc", "contract", "nsz"}


@njit
def _plane(address, image, c, shape):
    """Return one channel of one image."""
    _, channels, pixels = shape
    return floats(address + 4 * (image * channels + c) * pixels, pixels)


@njit(fastmath=ANY_ORDER)
def _sum(x):
    total = np.float32(0)
    for i in range(len(x)):
        total += x[i]
    return total


@njit(fastmath=ANY_ORDER)
def _sum_of_squares(x, mean):
    total = np.float32(0)
    for i in range(len(x)):
        total += (x[i] - mean) * (x[i] - mean)
    return total


@njit(fastmath=ANY_ORDER)
def _slopes(x, dy, mean):
    """Return the sums of dy and of dy times the distance from the mean."""
    plain = product = np.float32(0)
    for i in range(len(x)):
        plain += dy[i]
        product += dy[i] * (x[i] - mean)
    return plain, product


@njit
def _statistics(x, c, shape, epsilon):
    """Return (mean, variance, 1 / standard deviation) of one channel."""
    images, _, pixels = shape
    total = squares = 0.0
    for image in range(images):
        total += _sum(_plane(x, image, c, shape))
    mean = np.float32(total / (images * pixels))
    for image in range(images):
        squares += _sum_of_squares(_plane(x, image, c, shape), mean)
    variance = squares / (images * pixels)
    return mean, np.float32(variance), np.float32(1 / np.sqrt(variance + epsilon))


@njit
def _normalise_channel(c, x, y, scale, shift, mean, inverse, running, variance, shape, momentum, epsilon):
    middle, spread, deviation = _statistics(x, c, shape, epsilon)
    put(mean, c, middle)
    put(inverse, c, deviation)
    put(running, c, np.float32(get(running, c) * momentum + middle * (1 - momentum)))
    put(variance, c, np.float32(get(variance, c) * momentum + spread * (1 - momentum)))
    factor = get(scale, c) * deviation
    offset = get(shift, c) - middle * factor
    for image in range(shape[0]):
        source, target = _plane(x, image, c, shape), _plane(y, image, c, shape)
        for i in range(len(source)):
            target[i] = source[i] * factor + offset


@njit
def _normalise_channel_back(c, x, dy, dx, scale, mean, inverse, dscale, dshift, shape):
    images, _, pixels = shape
    middle, deviation = get(mean, c), get(inverse, c)
    plain = product = 0.0
    for image in range(images):
        one, other = _slopes(_plane(x, image, c, shape), _plane(dy, image, c, shape), middle)
        plain += one
        product += other
    put(dscale, c, np.float32(product * deviation))
    put(dshift, c, np.float32(plain))
    factor = get(scale, c) * deviation
    tilt = np.float32(-factor * deviation * deviation * product / (images * pixels))
    offset = np.float32(-factor * plain / (images * pixels) - tilt * middle)
    for image in range(images):
        source, slope = _plane(x, image, c, shape), _plane(dy, image, c, shape)
        target = _plane(dx, image, c, shape)
        for i in range(pixels):
            target[i] = slope[i] * factor + source[i] * tilt + offset


@njit(types.void(*[types.intp] * 8, SIZES, types.float64, types.float64), parallel=True, cache=True)
def forward(x, y, scale, shift, mean, inverse, running, variance, shape, momentum, epsilon):
    """Normalise each channel over all images; store its ``mean`` and 1 / deviation, update the running
    ones.
    """
    for c in prange(shape[1]):
        _normalise_channel(c, x, y, scale, shift, mean, inverse, running, variance, shape, momentum, epsilon)


@njit(types.void(*[types.intp] * 8, SIZES), parallel=True, cache=True)
def backward(x, dy, dx, scale, mean, inverse, dscale, dshift, shape):
    """Write the gradients of images, scales and shifts."""
    for c in prange(shape[1]):
        _normalise_channel_back(c, x, dy, dx, scale, mean, inverse, dscale, dshift, shape)
