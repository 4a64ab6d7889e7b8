"""Finds black images: a sensor that is covered, not ready, or broken."""

from __future__ import annotations

import io

from PIL import Image

from portal.devices.camera_stream import CameraStream, Frame
from portal.devices.errors import CameraFailed
from workers.contract.messages import msg

BRIGHTEST = 16  # gray value of the brightest pixel of a black image
MOST_PIXELS = 50_000_000
WARM_UP = 10  # images that a sensor may need for its exposure
SMALL = (80, 60)


def is_black(jpeg: bytes) -> bool:
    """Whether no part of the image is brighter than noise. Decodes it at an eighth of its size.

    An image that cannot be read, or is too large to be one of a camera, is not.
    """
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            if image.width * image.height > MOST_PIXELS:
                return False
            image.draft("L", SMALL)
            return image.convert("L").getextrema()[1] < BRIGHTEST
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def sentence() -> str:
    return msg(
        "The camera delivers black images: remove its lens cap, add light, and check its ribbon "
        "cable; then restart the board."
    )


def first_frame(stream: CameraStream) -> Frame:
    """The first image that is not black. Raises CameraFailed."""
    for _ in range(WARM_UP):
        frame = stream.next()
        if not is_black(frame.jpeg):
            return frame
    raise CameraFailed(sentence())
