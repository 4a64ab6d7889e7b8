"""Reads and resizes an image exactly as training, calibration and the board do."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from workers.contract import InputError
from workers.contract.messages import msg


def load_image(path: Path, input_size: tuple[int, int], channel_order: str) -> np.ndarray:
    """Return the image as uint8, height × width × 3, stretched bilinearly to ``input_size`` (w, h).

    A gray image gets three equal channels. Raises InputError if it cannot be decoded.
    """
    # From memory: OpenCV cannot report why it could not open a file, and prints instead.
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise InputError(
            msg("The data set names {name}, which is not there: upload it again.", name=path.name)
        ) from error
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise InputError(
            msg("{name} is not an image that can be read: remove it and start again.", name=path.name)
        )
    return order_channels(resize(image, input_size), "bgr", channel_order)


def resize(image: np.ndarray, input_size: tuple[int, int]) -> np.ndarray:
    """Stretch to (width, height), bilinear, no crop and no padding."""
    if (image.shape[1], image.shape[0]) == tuple(input_size):
        return image
    return cv2.resize(image, tuple(input_size), interpolation=cv2.INTER_LINEAR)


def order_channels(image: np.ndarray, have: str, want: str) -> np.ndarray:
    """Return the image with its channels in the order ``want``, contiguous in memory."""
    return np.ascontiguousarray(image if have == want else image[:, :, ::-1])
