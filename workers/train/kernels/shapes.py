"""The sizes that the kernels take."""

from __future__ import annotations

from typing import NamedTuple

from numba import types


class Shape(NamedTuple):
    """Sizes of a convolution. ``pad`` is the padding on either side, ``far`` the dilation."""

    images: int
    channels: int
    out_channels: int
    height: int
    width: int
    out_height: int
    out_width: int
    kernel_h: int
    kernel_w: int
    stride: int
    pad_h: int
    pad_w: int
    far_h: int
    far_w: int


SHAPE = types.NamedUniTuple(types.intp, len(Shape._fields), Shape)
