"""Converts any image to the form that training, calibration and the boards all read equally.

The same function serves images in a dataset and images sent to a device, so that a model sees the same pixels
everywhere. An image that is already in this form is kept byte for byte.
"""

from __future__ import annotations

import dataclasses
import io
import struct
import warnings
from typing import IO

# Imported for their registration: otherwise Pillow would load all its plugins at the first missing one.
from PIL import (
    AvifImagePlugin,  # noqa: F401
    Image,
    ImageOps,
    Jpeg2KImagePlugin,  # noqa: F401
    MpoImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    WebPImagePlugin,  # noqa: F401
)

from workers.contract.messages import join, msg

from .errors import ImageError
from .limits import Limits

# The longest side of the small image used for measuring, and as thumbnail, is from this to twice this: models
# see about as many pixels (224 in PaddleX's classifiers), so that is where blur matters.
SMALL_SIDE = 160
# A photo as PNG is ten times the size of the JPEG, so a large rotated JPEG becomes a JPEG again.
LARGE_JPEG_PIXELS = 1_000_000
_FORMATS = ("JPEG", "MPO", "PNG", "BMP", "DIB", "WEBP", "TIFF", "GIF", "PPM", "JPEG2000", "AVIF")
_KEPT_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "BMP": ".bmp", "WEBP": ".webp"}
_ORIENTATION = 0x0112
_DECODE_ERRORS = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError,
                  AttributeError, OverflowError, struct.error, Image.DecompressionBombError)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Normalised:
    """An image that every later step can read: 8-bit RGB or gray, upright, one frame.

    ``suffix`` is ``.jpg``, ``.png``, ``.bmp`` or ``.webp``. ``note`` says how it was converted, or is None if
    ``content`` is unchanged. ``dark`` is true for 16-bit values that use so little of their range that hardly
    anything is left in 8 bits. ``small`` is the image, reduced to about ``SMALL_SIDE`` pixels if larger.
    """

    content: bytes
    suffix: str
    width: int
    height: int
    small: Image.Image
    note: str | None = None
    dark: bool = False


def normalise(content: bytes, max_pixels: int = Limits.max_image_pixels) -> Normalised:
    """Return ``content`` in normal form. Raises ImageError if it cannot be decoded or is too large."""
    if not content:
        raise ImageError(msg("is empty"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with _open(content, max_pixels) as image:
                return _normalised(content, image)
        except ImageError:
            raise
        except MemoryError:
            raise ImageError(msg("needs more memory to decode than is allowed")) from None
        except _DECODE_ERRORS as error:
            raise ImageError(msg("does not decode ({error})", error=_reason(error))) from error


def measure(stream: IO[bytes], max_pixels: int = Limits.max_image_pixels) -> tuple[int, int, str]:
    """Return width, height and file suffix from the header alone: no pixel is decoded.

    ``suffix`` is the usual one of the format, ``.img`` for one that is always converted. Raises ImageError if
    it is not an image or too large. A file with a valid header may still fail to decode.
    """
    stream.seek(0)
    head = stream.read(16)
    stream.seek(0)
    if not head:
        raise ImageError(msg("is empty"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with _open_stream(stream, head, max_pixels) as image:
                return image.width, image.height, _KEPT_SUFFIXES.get(image.format or "", ".img")
        except ImageError:
            raise
        except _DECODE_ERRORS as error:
            raise ImageError(msg("does not decode ({error})", error=_reason(error))) from error
        finally:
            # Pillow closes only files that it opened itself.
            stream.seek(0)


def _open(content: bytes, max_pixels: int) -> Image.Image:
    return _open_stream(io.BytesIO(content), content[:16], max_pixels)


def _open_stream(stream: IO[bytes], head: bytes, max_pixels: int) -> Image.Image:
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1"):
        raise ImageError(msg("is a HEIC image, which cannot be read here: export it as JPEG"))
    formats = [name for name in _FORMATS if name in Image.OPEN or name in ("JPEG", "PNG", "BMP", "GIF")]
    image = Image.open(stream, formats=formats)
    if image.width * image.height > max_pixels:
        raise ImageError(
            msg(
                "has {width}×{height} pixels, more than the {most} million allowed",
                width=image.width,
                height=image.height,
                most=f"{max_pixels / 1e6:g}",
            )
        )
    return image


def _reason(error: BaseException) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return msg("it is no image format known here")
    if isinstance(error, Image.DecompressionBombError):
        return msg("it has far too many pixels")
    return str(error).splitlines()[0][:100] if str(error) else type(error).__name__


def _normalised(content: bytes, image: Image.Image) -> Normalised:
    reasons = _reasons_to_convert(content, image)
    if not reasons:
        width, height = image.size
        # Decoding a JPEG at reduced size costs a fraction and still reads every byte, so it detects damage.
        factor = _reduction(width, height)
        image.draft(image.mode, (max(1, width // factor), max(1, height // factor)))
        image.load()
        return Normalised(content, _KEPT_SUFFIXES[image.format], width, height, _small(image))
    source, pixels = image.format, image.width * image.height
    image.load()
    upright = ImageOps.exif_transpose(image)
    plain, dark = _to_8_bit(upright)
    plain.info.clear()
    buffer = io.BytesIO()
    if source in ("JPEG", "MPO") and pixels > LARGE_JPEG_PIXELS:
        plain.save(buffer, "JPEG", quality=95, subsampling=0)
        suffix = ".jpg"
    else:
        plain.save(buffer, "PNG", compress_level=3)
        suffix = ".png"
    note = msg("converted from {reasons}", reasons=join(reasons, ", "))
    return Normalised(buffer.getvalue(), suffix, plain.width, plain.height, _small(plain), note, dark)


def _reduction(width: int, height: int) -> int:
    return max(1, max(width, height) // SMALL_SIDE)


def _small(image: Image.Image) -> Image.Image:
    """Return an image that outlives the opened one, without its comments and profiles."""
    factor = _reduction(image.width, image.height)
    small = image.reduce(factor) if factor > 1 else image.copy()
    small.info.clear()
    return small


def exif_orientation(content: bytes) -> int:
    """Return the EXIF orientation, 1 to 8, of an image that is known to decode."""
    with Image.open(io.BytesIO(content)) as image:
        orientation = image.getexif().get(_ORIENTATION, 1)
    return orientation if orientation in range(1, 9) else 1


def _reasons_to_convert(content: bytes, image: Image.Image) -> list[str]:
    """Return why the image cannot be used unchanged, in words; empty if it can."""
    reasons = []
    if image.format not in _KEPT_SUFFIXES:
        reasons.append(image.format)
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        reasons.append(
            msg("animation (first frame)") if image.format != "TIFF" else msg("several pages (first one)")
        )
    bits = _bits_per_channel(content, image)
    if bits != 8:
        reasons.append(msg("{bits}-bit", bits=bits))
    if image.mode in ("P", "PA"):
        reasons.append(msg("palette"))
    if image.mode in ("RGBA", "LA", "La", "RGBa", "PA") or "transparency" in image.info:
        reasons.append(msg("transparency (white behind)"))
    if image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        reasons.append(image.mode)
    if image.getexif().get(_ORIENTATION, 1) in range(2, 9):
        reasons.append(msg("EXIF rotation"))
    if not reasons and image.mode not in ("RGB", "L"):
        reasons.append(msg("mode {mode}", mode=image.mode))
    return reasons


def _bits_per_channel(content: bytes, image: Image.Image) -> int:
    """Return the bits per channel as stored: Pillow opens 16-bit RGB and 4-bit gray PNGs as 8-bit."""
    if image.format == "PNG":
        return content[24]  # IHDR: PNG specification, 11.2.2
    if image.format == "TIFF":
        stored = image.tag_v2.get(258, (8,))  # BitsPerSample: TIFF 6.0, section 8
        return max(stored) if isinstance(stored, tuple) else int(stored)
    if image.format == "BMP":
        bits, compression = struct.unpack_from("<HI", content, 28) if content[14] >= 40 else (8, 0)
        return 5 if bits == 16 else 1 if bits == 1 else 4 if bits == 4 else 8
    return {"1": 1, "I": 16, "F": 32}.get(image.mode, 16 if image.mode.startswith("I;16") else 8)


def _to_8_bit(image: Image.Image) -> tuple[Image.Image, bool]:
    """Return the image as RGB or L, and whether a 16-bit one became nearly black."""
    if image.mode == "F":
        return _from_float(image), False
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _from_16_bit(image)
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return image.convert("L"), False
    if image.mode in ("RGBA", "LA", "La", "RGBa", "P", "PA") or "transparency" in image.info:
        opaque = image.convert("RGBA")
        white = Image.new("RGB", opaque.size, (255, 255, 255))
        white.paste(opaque, mask=opaque.getchannel("A"))
        return white, False
    return image.convert("RGB"), False


def _from_16_bit(image: Image.Image) -> tuple[Image.Image, bool]:
    """Keep the upper byte of each value, as PNG's own rule and OpenCV's reader do."""
    wide = image if image.mode == "I" else image.convert("I")
    low, high = wide.getextrema()
    if low < 0 or high > 0xFFFF:
        return _from_float(wide.convert("F")), False
    order = slice(1, None, 4) if struct.pack("=I", 1)[0] == 1 else slice(2, None, 4)
    return Image.frombytes("L", wide.size, wide.tobytes()[order]), 0 < high < 0x1000


def _from_float(image: Image.Image) -> Image.Image:
    """Map 0..1 to 0..255, keep 0..255, and stretch any other range."""
    low, high = image.getextrema()
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    scale = 255.0 / (high - low) if high > low else 0.0
    return image.point(lambda value: value * scale + (-low * scale)).convert("L")


def thumbnail(small: Image.Image) -> bytes:
    """Return a small image as the JPEG that pages show."""
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
