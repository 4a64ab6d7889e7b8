"""The kernels as Paddle operators with gradients."""

from __future__ import annotations

import math
from typing import Any

import numba
import paddle
from paddle.autograd import PyLayer

from workers.train.kernels import dense, depthwise, hard_swish, normalisation

# Paddle ships TBB, which takes work off a busy core; OpenMP's threads would wait.
numba.config.THREADING_LAYER_PRIORITY = ["tbb", "workqueue", "omp"]
THREADS = numba.get_num_threads()
_CPU = paddle.CPUPlace()


def _empty(shape: list[int]) -> Any:
    return paddle._C_ops.empty(shape, paddle.float32, _CPU)  # paddle.empty takes twice as long to call


def _convolution(kernel: Any) -> type[PyLayer]:
    """Return the operator of ``dense`` or ``depthwise``; it takes images, weights and a ``Shape``."""

    class Convolution(PyLayer):
        @staticmethod
        def forward(context, x, weights, shape):
            y = _empty([shape.images, shape.out_channels, shape.out_height, shape.out_width])
            kernel.forward(THREADS, x.data_ptr(), weights.data_ptr(), y.data_ptr(), shape)
            context.save_for_backward(x, weights)
            context.shape, context.wants_dx = shape, not x.stop_gradient
            return y

        @staticmethod
        def backward(context, dy):
            x, weights = context.saved_tensor()
            dy = dy.contiguous()
            dx, dweights = _empty(x.shape) if context.wants_dx else None, _empty(weights.shape)
            addresses = [tensor.data_ptr() for tensor in (x, weights, dy)]
            dx_at = dx.data_ptr() if context.wants_dx else 0
            kernel.backward(THREADS, *addresses, dx_at, dweights.data_ptr(), context.shape)
            return dx, dweights

    return Convolution


Dense, Depthwise = _convolution(dense), _convolution(depthwise)


class Normalisation(PyLayer):
    """Takes images, scales, shifts, the running means and variances, momentum and epsilon."""

    @staticmethod
    def forward(context, x, scale, shift, running, momentum, epsilon):
        images, channels, height, width = x.shape
        y, mean, inverse = _empty(x.shape), _empty([channels]), _empty([channels])
        tensors = (x, y, scale, shift, mean, inverse, *running)
        context.sizes = (images, channels, height * width)
        normalisation.forward(*[tensor.data_ptr() for tensor in tensors], context.sizes, momentum, epsilon)
        context.save_for_backward(x, scale, mean, inverse)
        return y

    @staticmethod
    def backward(context, dy):
        x, scale, mean, inverse = context.saved_tensor()
        dy = dy.contiguous()
        dx, dscale, dshift = _empty(x.shape), _empty(scale.shape), _empty(scale.shape)
        tensors = (x, dy, dx, scale, mean, inverse, dscale, dshift)
        normalisation.backward(*[tensor.data_ptr() for tensor in tensors], context.sizes)
        return dx, dscale, dshift


class HardSwish(PyLayer):
    @staticmethod
    def forward(context, x):
        y = _empty(x.shape)
        context.count = math.prod(x.shape)
        hard_swish.forward(THREADS, x.data_ptr(), y.data_ptr(), context.count)
        context.save_for_backward(x)
        return y

    @staticmethod
    def backward(context, dy):
        (x,) = context.saved_tensor()
        dy = dy.contiguous()
        dx = _empty(x.shape)
        hard_swish.backward(THREADS, x.data_ptr(), dy.data_ptr(), dx.data_ptr(), context.count)
        return dx
