"""Every kind of picture comes out as 8-bit RGB or gray, upright, one frame; a plain one is kept as it is."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image
from upload_builders import encoded, png

from workers.datakit.errors import ImageError
from workers.datakit.images import normalise, thumbnail


def picture(mode: str = "RGB", size: tuple[int, int] = (20, 10)) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, (200, 30, 30))
    image.paste((30, 30, 200), (size[0] // 2, 0, size[0], size[1]))
    return image.convert(mode)


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def with_orientation(value: int, kind: str = "JPEG", size: tuple[int, int] = (20, 10)) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return encoded(picture(size=size), kind, exif=exif)


def gray_16(values: list[int]) -> Image.Image:
    return Image.frombytes("I;16", (len(values), 1), struct.pack(f"<{len(values)}H", *values))


KEPT = {
    "RGB JPEG": (encoded(picture(), "JPEG"), ".jpg"),
    "gray JPEG": (encoded(picture("L"), "JPEG"), ".jpg"),
    "progressive JPEG": (encoded(picture(), "JPEG", progressive=True), ".jpg"),
    "JPEG marked upright": (with_orientation(1), ".jpg"),
    "JPEG with a meaningless orientation": (with_orientation(0), ".jpg"),
    "JPEG of a phone with a second picture": (
        encoded(picture(), "MPO", save_all=True, append_images=[picture(size=(4, 2))]), ".jpg"),
    "RGB PNG": (encoded(picture(), "PNG"), ".png"),
    "gray PNG": (encoded(picture("L"), "PNG"), ".png"),
    "BMP": (encoded(picture(), "BMP"), ".bmp"),
    "gray BMP": (encoded(picture("L"), "BMP"), ".bmp"),
    "WebP": (encoded(picture(), "WEBP"), ".webp"),
    "lossless WebP": (encoded(picture(), "WEBP", lossless=True), ".webp"),
    "one pixel": (png(size=(1, 1)), ".png"),
}  # fmt: skip


@pytest.mark.parametrize("content, suffix", KEPT.values(), ids=KEPT.keys())
def test_a_plain_picture_is_kept_byte_for_byte(content, suffix):
    image = normalise(content)
    assert image.content == content and image.note is None and image.suffix == suffix
    assert (image.width, image.height) == opened(content).size


def gif_animation() -> bytes:
    return encoded(picture(), "GIF", save_all=True, append_images=[Image.new("RGB", (20, 10), "green")])


CONVERTED = {
    "16-bit gray PNG": (encoded(gray_16([0, 65535] * 10), "PNG"), "16-bit", "L"),
    "16-bit gray TIFF": (encoded(gray_16([0, 65535] * 10), "TIFF"), "16-bit", "L"),
    "1-bit PNG": (encoded(picture("1"), "PNG"), "1-bit", "L"),
    "CMYK JPEG": (encoded(picture("CMYK"), "JPEG"), "CMYK", "RGB"),
    "CMYK TIFF": (encoded(picture("CMYK"), "TIFF"), "CMYK", "RGB"),
    "palette PNG": (encoded(picture("P"), "PNG"), "palette", "RGB"),
    "palette BMP": (encoded(picture("P"), "BMP"), "palette", "RGB"),
    "PNG with transparency": (encoded(picture("RGBA"), "PNG"), "transparency", "RGB"),
    "gray PNG with transparency": (encoded(picture("LA"), "PNG"), "transparency", "RGB"),
    "PNG with one transparent colour": (
        encoded(picture(), "PNG", transparency=(200, 30, 30)), "transparency", "RGB"),
    "WebP with transparency": (
        encoded(Image.new("RGBA", (20, 10), (9, 9, 9, 99)), "WEBP", lossless=True), "transparency", "RGB"),
    "TIFF": (encoded(picture(), "TIFF"), "TIFF", "RGB"),
    "TIFF of floats": (encoded(picture("F"), "TIFF"), "32-bit", "L"),
    "TIFF of several pages": (
        encoded(picture(), "TIFF", save_all=True, append_images=[picture()]), "several pages", "RGB"),
    "GIF": (encoded(picture(), "GIF"), "GIF", "RGB"),
    "animated GIF": (gif_animation(), "animation", "RGB"),
    "animated WebP": (
        encoded(picture(), "WEBP", save_all=True, append_images=[picture("L").convert("RGB")]),
        "animation", "RGB"),
    "animated PNG": (
        encoded(picture(), "PNG", save_all=True, append_images=[Image.new("RGB", (20, 10))]),
        "animation", "RGB"),
    "JPEG 2000": (encoded(picture(), "JPEG2000"), "JPEG2000", "RGB"),
    "AVIF": (encoded(picture(), "AVIF"), "AVIF", "RGB"),
    "PPM": (encoded(picture(), "PPM"), "PPM", "RGB"),
    "EXIF-rotated PNG": (with_orientation(3, "PNG"), "EXIF rotation", "RGB"),
    "EXIF-rotated WebP": (with_orientation(3, "WEBP"), "EXIF rotation", "RGB"),
}  # fmt: skip


@pytest.mark.parametrize("content, reason, mode", CONVERTED.values(), ids=CONVERTED.keys())
def test_any_other_picture_becomes_an_8_bit_png_and_says_why(content, reason, mode):
    image = normalise(content)
    assert image.suffix == ".png" and reason in image.note
    assert image.content[:4] == b"\x89PNG" and image.content[24] == 8
    assert opened(image.content).mode == mode
    again = normalise(image.content)
    assert again.note is None and again.content == image.content


def is_reddish(pixel: tuple[int, int, int]) -> bool:
    return pixel[0] > 120 and pixel[2] < 90


@pytest.mark.parametrize(
    "orientation, left_is_red, size",
    [(2, False, (20, 10)), (3, False, (20, 10)), (4, True, (20, 10)), (5, None, (10, 20)),
     (6, None, (10, 20)), (7, None, (10, 20)), (8, None, (10, 20))],
)  # fmt: skip
def test_exif_rotation_is_applied(orientation, left_is_red, size):
    image = normalise(with_orientation(orientation))
    assert (image.width, image.height) == size and "EXIF rotation" in image.note
    pixels = opened(image.content)
    if left_is_red is None:
        assert is_reddish(pixels.getpixel((5, 2))) == (orientation in (5, 6))
    else:
        assert is_reddish(pixels.getpixel((2, 5))) == left_is_red
    assert 0x0112 not in pixels.getexif()


def test_a_large_rotated_photo_becomes_a_jpeg_again():
    image = normalise(with_orientation(6, size=(1200, 1000)))
    assert image.suffix == ".jpg" and (image.width, image.height) == (1000, 1200)
    assert 0x0112 not in opened(image.content).getexif()


def test_16_bit_values_keep_their_upper_byte():
    image = opened(normalise(encoded(gray_16([0, 255, 256, 0x7FFF, 0xFFFF]), "PNG")).content)
    assert [image.getpixel((x, 0)) for x in range(5)] == [0, 0, 1, 127, 255]


def test_a_16_bit_picture_that_uses_twelve_bits_is_called_dark():
    assert normalise(encoded(gray_16([0, 4095]), "PNG")).dark
    assert not normalise(encoded(gray_16([0, 40950]), "PNG")).dark


def test_16_bit_colour_is_seen_though_pillow_opens_it_as_8_bit():
    # An RGB PNG of one pixel with 16 bits a channel, written by hand: PNG specification, 5 and 11.2.
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    row = b"\0" + struct.pack(">HHH", 0xFF00, 0x8000, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))
    content += chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    image = normalise(content)
    assert "16-bit" in image.note
    assert opened(image.content).getpixel((0, 0)) == (255, 128, 0)


def test_what_is_transparent_turns_white():
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (10, 20, 30, 255))
    pixels = opened(normalise(encoded(image, "PNG")).content)
    assert pixels.getpixel((0, 0)) == (255, 255, 255) and pixels.getpixel((1, 0)) == (10, 20, 30)


def test_an_animation_gives_its_first_frame():
    assert is_reddish(opened(normalise(gif_animation()).content).convert("RGB").getpixel((2, 5)))


JPEG = encoded(picture(size=(300, 200)), "JPEG")
REFUSED = {
    "nothing": (b"", "is empty"),
    "text": (b"not a picture at all", "no image format known here"),
    "a JPEG cut short": (JPEG[: len(JPEG) // 2], "does not decode"),
    "a PNG cut short": (png(size=(50, 50))[:60], "does not decode"),
    "a JPEG header alone": (JPEG[:30], "does not decode"),
    "a HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
    "a PostScript file": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image format"),
    "an SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image format"),
}


@pytest.mark.parametrize("content, expected", REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_decode_is_an_image_error(content, expected):
    with pytest.raises(ImageError, match=expected):
        normalise(content)


def test_a_picture_over_the_pixel_limit_is_refused_before_it_is_decoded():
    with pytest.raises(ImageError, match="20×10 pixels, more than"):
        normalise(encoded(picture(), "PNG"), max_pixels=199)
    assert normalise(encoded(picture(), "PNG"), max_pixels=200).width == 20


@pytest.mark.parametrize("size, expected", [
    ((640, 480), (160, 120)), ((4000, 3000), (160, 120)), ((500, 300), (167, 100)), ((159, 20), (159, 20)),
    ((8, 8), (8, 8)), ((5000, 1), (162, 1)),
])  # fmt: skip
def test_a_large_picture_comes_with_a_small_one(size, expected):
    small = normalise(encoded(Image.new("RGB", size, (9, 99, 199)), "PNG")).small
    assert small.size == expected
    assert opened(thumbnail(small)).format == "JPEG"


@pytest.mark.parametrize("size", [(640, 480), (500, 300), (4000, 3000), (31, 2000)])
def test_the_small_one_of_a_photo_is_about_as_large(size):
    small = normalise(encoded(Image.new("RGB", size, (9, 99, 199)), "JPEG")).small
    assert 160 <= max(small.size) < 340


def test_a_thumbnail_carries_no_comment_of_the_photo():
    photo = encoded(
        Image.new("RGB", (640, 480)), "JPEG", comment=b"words " * 5000, icc_profile=b"colour" * 5000
    )
    assert len(thumbnail(normalise(photo).small)) < 2000
