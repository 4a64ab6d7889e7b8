import io

import pytest
from PIL import Image

from portal.devices.pictures import as_png, readable
from tests.devices.boards import picture


def saved(kind, **options):
    out = io.BytesIO()
    Image.new("RGB", (9, 7), (1, 2, 3)).save(out, kind, **options)
    return out.getvalue()


def test_pictures_become_png_without_changing_a_pixel():
    with Image.open(io.BytesIO(as_png(saved("WEBP", lossless=True)))) as again:
        assert (again.format, again.tobytes()) == ("PNG", bytes((1, 2, 3)) * 63)
    assert as_png(picture("red")) == picture("red")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_what_a_board_reads_is_sent_as_it_is(kind):
    assert readable("a.any", saved(kind)) == ("a.any", saved(kind))


def test_webp_is_sent_as_png_from_memory_and_from_a_file(tmp_path):
    path = tmp_path / "a.webp"
    path.write_bytes(saved("WEBP"))
    for content in (path, path.read_bytes()):
        name, sent = readable("a.webp", content)
        assert name == "a.webp.png" and sent.startswith(b"\x89PNG")


def test_what_is_no_picture_is_left_for_the_board_to_refuse():
    assert readable("a.png", b"not a picture") == ("a.png", b"not a picture")
