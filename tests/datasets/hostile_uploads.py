"""Hostile and broken uploads that are not in the tables beside the formats: pictures, names, zips."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import struct
import zipfile
import zlib

from annotation_builders import coco_set, labelme_set, pictures, voc_set, yolo_set
from PIL import Image
from tar_builders import raw_header, tarred
from upload_builders import (
    encoded,
    png,
    raw_named,
    two_classes,
    zipped,
)

MB = 1024 * 1024


def with_file(content: bytes, name: str = "cat/odd.png") -> bytes:
    return zipped({**two_classes(), name: content})


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png_of(width: int, height: int, data: bytes, *extra: bytes, depth: int = 8, kind: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = [chunk(b"IHDR", head), *extra, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def text_bomb() -> bytes:
    bomb = zlib.compress(bytes(100 * MB), 9)
    return png_of(8, 8, zlib.compress(bytes(72)), chunk(b"zTXt", b"Comment\0\0" + bomb))


def profile_bomb() -> bytes:
    return png_of(
        8, 8, zlib.compress(bytes(72)), chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(100 * MB), 9))
    )


def pixel_bomb() -> bytes:
    """49 million pixels, as many as are allowed, in some kilobytes."""
    return png_of(7000, 7000, zlib.compress(bytes(7001 * 7000), 9))


def many_frames() -> bytes:
    frames = [Image.new("P", (4, 4), number % 200) for number in range(3000)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], optimize=False)


def tiff_loop() -> bytes:
    """A TIFF whose directory says that it is followed by itself."""
    data = bytearray(encoded(Image.new("L", (8, 8)), "TIFF"))
    start = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, start)[0]
    struct.pack_into("<I", data, start + 2 + 12 * count, start)
    return bytes(data)


def tiff_bomb() -> bytes:
    data = bytearray(encoded(Image.new("L", (8, 8)), "TIFF"))
    start = struct.unpack_from("<I", data, 4)[0]
    for number in range(struct.unpack_from("<H", data, start)[0]):
        place = start + 2 + 12 * number
        if struct.unpack_from("<H", data, place)[0] in (256, 257):
            struct.pack_into("<HI", data, place + 2, 4, 1)
            struct.pack_into("<I", data, place + 8, 100_000)
    return bytes(data)


def torn_jpeg() -> bytes:
    return encoded(Image.effect_noise((200, 200), 90), "JPEG")[:6000]


def jpeg_without_size() -> bytes:
    data = bytearray(encoded(Image.new("RGB", (16, 16)), "JPEG"))
    place = data.find(b"\xff\xc0")
    struct.pack_into(">HH", data, place + 5, 0, 0)
    return bytes(data)


def bmp_upside_down() -> bytes:
    data = bytearray(encoded(Image.new("RGB", (16, 16)), "BMP"))
    struct.pack_into("<i", data, 22, -(2**31))
    return bytes(data)


def moved(field: int, value: int, kind: str = "<I") -> bytes:
    """The good zip with one field of the first entry in its table of contents changed."""
    data = bytearray(zipped(two_classes()))
    struct.pack_into(kind, data, data.find(b"PK\x01\x02") + field, value)
    return bytes(data)


def other_local_name() -> bytes:
    data = zipped(two_classes())
    place = data.find(b"cat/0.png")
    return data[:place] + b"../../etc" + data[place + 9 :]


def stored_short() -> bytes:
    data = bytearray(zipped(two_classes(), zipfile.ZIP_STORED))
    place = data.find(b"PK\x01\x02")
    struct.pack_into("<I", data, place + 20, 10)
    return bytes(data)


def zip_of_folders() -> bytes:
    return zipped({f"{'d/' * 400}{number}/": b"" for number in range(200)} | two_classes())


def zip_of_class_folders() -> bytes:
    """Ten thousand class folders, each with folders of their own."""
    picture = png(9)
    return zipped({f"set/c{n:05}/{side}/{n}.png": picture for n in range(10_000) for side in "ab"})


def with_table(content: bytes) -> bytes:
    files = {f"images/{n}.png": png(n) for n in range(6)} | {"labels.csv": content}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def table_of_rows(count: int) -> bytes:
    rows = (b"images/%d.png,%s\n" % (n, (b"cat", b"dog")[n % 2]) for n in range(count))
    return with_table(b"filename,label\n" + b"".join(rows))


def table_of_columns(count: int, rows: int) -> bytes:
    head = b"filename,label," + b",".join(b"c%d" % n for n in range(count))
    row = b"images/%d.png,%s" + b",0.5" * count
    lines = (row % (n, (b"cat", b"dog")[n % 2]) for n in range(rows))
    return with_table(b"\n".join([head, *lines]))


def gbk_zip() -> bytes:
    names = [f"{kind}/{number}.png".encode("gbk") for kind in ("猫猫", "小狗") for number in range(3)]
    return raw_named([(name, png(number)) for number, name in enumerate(names)])


def gzip_bomb() -> bytes:
    return gzip.compress(raw_header(b"cat/bomb.png", b"0", 300 * MB) + bytes(300 * MB) + bytes(1024), 9)


def bzip2_bomb() -> bytes:
    packed = bz2.compress(bytes(150 * MB))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("cat/bomb.png", bytes(150 * MB))
    assert len(packed) < MB
    return buffer.getvalue()


def embedded(content: str) -> bytes:
    files = labelme_set()
    files["train/z.json"] = json.dumps(
        {"imagePath": "z.png", "imageData": content, "shapes": [
            {"label": "cat", "shape_type": "rectangle", "points": [[1, 1], [5, 5]]}], "flags": {}}
    ).encode()  # fmt: skip
    return zipped(files)


def quadratic_xml() -> bytes:
    entity = b'<!DOCTYPE a [<!ENTITY a "' + b"x" * 100_000 + b'">]>'
    return entity + b"<annotation><filename>" + b"&a;" * 10_000 + b"</filename></annotation>"


def coco_with(text: str) -> bytes:
    return zipped({**pictures(), "x.json": text.encode()})


def coco_of(count: int) -> bytes:
    """Annotations enough to fill memory, were they all held."""
    row = json.dumps({"image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5], "segmentation": [[1.5] * 100]})
    text = (
        '{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "cat"}], '
        '"annotations": [' + ", ".join([row] * count) + "]}"
    )
    return coco_with(text)


# An upload, or what makes it where it is large; and "refused: part of the sentence", a finding's code, or
# "read" where nothing need be said.
def supervisely_with(annotation: bytes) -> bytes:
    """A Supervisely project of four images, one of whose annotations is ``annotation``."""
    box = {"classTitle": "nut", "geometryType": "rectangle", "points": {"exterior": [[1, 2], [9, 9]]}}
    whole = json.dumps({"tags": [], "size": {"width": 40, "height": 30}, "objects": [box]}).encode()
    files = pictures("ds/img/") | {f"ds/ann/{name}.png.json": whole for name in "abc"}
    return zipped({**files, "meta.json": b"[1, [2]]", "ds/ann/d.png.json": annotation})


def manifest_with(line: bytes) -> bytes:
    """A SageMaker manifest of four images, one of whose lines is ``line``."""
    about = {"type": "groundtruth/image-classification"}
    rows = [{"source-ref": f"s3://b/{name}.png", "k": 0, "k-metadata": {**about, "class-name": name > "b"}}
            for name in "abcd"]  # fmt: skip
    lines = [json.dumps(row).replace("true", '"x"').replace("false", '"y"').encode() for row in rows]
    return zipped({**pictures(), "output.manifest": b"\n".join([*lines, line])})


HOSTILE = {
    "a Supervisely file nested without end": (supervisely_with(b"[" * 100_000), "bad-json"),
    "a Supervisely file of numbers for everything": (
        supervisely_with(b'{"tags": [1, {"value": []}], "size": 3, "objects": [4, {"classTitle": {}}]}'),
        "read"),
    "a Supervisely outline of texts": (
        supervisely_with(b'{"tags": [], "size": {}, "objects": [{"classTitle": "nut", "geometryType": '
                         b'"polygon", "points": {"exterior": [["x"], 1, null]}}]}'), "box-not-a-number"),
    "a manifest with a line that is cut off": (manifest_with(b'{"source-ref": "s3://b/a'), "refused: again"),
    "a manifest with a line nested without end": (manifest_with(b"[" * 100_000), "refused: again"),
    "a manifest of wrong types": (
        manifest_with(b'{"source-ref": "s3://b/a.png", "k": [], "k-metadata": {"type": 7}}'), "read"),
    "names in GBK": (gbk_zip(), "names-decoded"),
    "a tar of GBK names": (
        tarred({f"{n}/{i}.png": png(10 * k + i) for k, n in enumerate(("猫猫", "小狗")) for i in range(3)},
               encoding="gbk", format=1), "names-decoded"),
    "a gzip bomb of ratio 1000": (gzip_bomb, "refused: tar bomb"),
    "a zip bomb of ratio 1000": (lambda: with_file(bytes(200 * MB)), "refused: zip bomb"),
    "a bzip2 bomb": (bzip2_bomb, "refused: zip bomb"),
    "deep folders": (zipped({"d/" * 400 + name: data for name, data in two_classes().items()}), "read"),
    "thousands of empty folders": (zip_of_folders, "empty-folders"),
    "ten thousand class folders": (zip_of_class_folders, "refused: hold folders"),
    "a table of five million rows": (lambda: table_of_rows(5_000_000), "missing-images"),
    "a table of a thousand columns": (lambda: table_of_columns(1000, 20_000), "missing-images"),
    "a table of one line of commas": (
        lambda: with_table(b"filename,label" + b"," * 60 * MB), "refused: is no table that can be read"),
    "names of control characters": (with_file(png(9), "cat/\x1b[31m\x07.png"), "read"),
    "a name written from the right": (with_file(png(9), "cat/\u202egnp.exe.png"), "read"),
    "names that differ in case": (with_file(png(9), "cat/0.PNG"), "read"),
    "a class of white space": (with_file(png(9), "   /0.png"), "refused: empty name"),
    "another name in the entry than in the table": (other_local_name(), "read"),
    "an entry that begins past the end": (moved(42, 0x7FFFFFF0), "refused: damaged"),
    "an entry that begins in another": (moved(42, 7), "refused: damaged"),
    "an entry larger than the file": (moved(20, 0x7FFFFFF0), "refused: overlap"),
    "a stored entry cut short": (stored_short(), "refused: damaged"),
    "an empty picture": (with_file(b""), "undecodable"),
    "a picture of zeros": (with_file(bytes(50_000)), "undecodable"),
    "a text called PNG": (with_file(b"hello"), "undecodable"),
    "an SVG called PNG": (with_file(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "undecodable"),
    "a zip called PNG": (with_file(zipped(two_classes())), "undecodable"),
    "a HEIC called JPEG": (with_file(b"\0\0\0\x18ftypheic" + bytes(99), "cat/a.jpg"), "undecodable"),
    "a JPEG cut short": (with_file(torn_jpeg(), "cat/a.jpg"), "truncated"),
    "a PNG cut short": (with_file(encoded(Image.effect_noise((99, 99), 90), "PNG")[:5000]), "truncated"),
    "a PNG with a wrong checksum": (with_file(png(9)[:-20] + b"\0" * 20), "undecodable"),
    "a PNG without pixels": (with_file(png_of(8, 8, b"")), "truncated"),
    "a PNG of no size": (with_file(png_of(0, 0, zlib.compress(b""))), "undecodable"),
    "a PNG of a billion pixels": (with_file(png_of(40_000, 40_000, zlib.compress(bytes(99)))), "undecodable"),
    "a PNG wider than numbers go": (with_file(png_of(2**31 - 1, 1, zlib.compress(bytes(9)))), "undecodable"),
    "a PNG of 49 million pixels": (lambda: with_file(pixel_bomb()), "read"),
    "a PNG whose text is a bomb": (lambda: with_file(text_bomb()), "undecodable"),
    "a PNG whose profile is a bomb": (lambda: with_file(profile_bomb()), "read"),
    "a GIF of 3,000 frames": (lambda: with_file(many_frames(), "cat/a.gif"), "converted"),
    "a TIFF that follows itself": (with_file(tiff_loop(), "cat/a.tif"), "converted"),
    "a TIFF that says 100,000 pixels a side": (with_file(tiff_bomb(), "cat/a.tif"), "undecodable"),
    "a JPEG of no size": (with_file(jpeg_without_size(), "cat/a.jpg"), "undecodable"),
    "a BMP of a height below nothing": (with_file(bmp_upside_down(), "cat/a.bmp"), "undecodable"),
    "a WebP that is none": (with_file(b"RIFF\xff\xff\xff\xffWEBPVP8 " + bytes(99), "a.webp"), "read"),
    "an embedded picture that is none": (embedded("%%%"), "undecodable"),
    "an embedded picture of zeros": (embedded("A" * 100_000), "undecodable"),
    "an XML of one large entity": (
        zipped({**voc_set(), "VOC2007/Annotations/a.xml": quadratic_xml()}), "refused: XML bombs"),
    "an XML nested without end": (
        zipped({**voc_set(), "VOC2007/Annotations/a.xml": b"<annotation>" + b"<a>" * 100_000}), "bad-xml"),
    "COCO with a box of infinity": (
        coco_with(coco_set()["annotations/instances_val2017.json"].decode().replace("[10,", "[Infinity,")),
        "box-not-a-number"),
    "COCO with a box of NaN": (
        coco_with(coco_set()["annotations/instances_val2017.json"].decode().replace("[10,", "[NaN,")),
        "box-not-a-number"),
    "COCO of a hundred thousand outlines": (lambda: coco_of(100_000), "box-twice"),
    "COCO of one endless text": (
        lambda: coco_with('{"images": [], "categories": [], "annotations": ["' + "x" * 40 * MB),
        "refused: not valid JSON"),
    "COCO that is a list": (coco_with('["images", "annotations", "categories"]'), "refused: not valid JSON"),
    "YOLO ids of 30 digits": (
        zipped({**yolo_set(), "labels/train/a.txt": b"9" * 30 + b" .5 .5 .1 .1\n"}), "class-id-out-of-range"),
    "YOLO lines without end": (
        zipped({**yolo_set(), "labels/train/a.txt": b"0 .5 .5 .1 .1\n" * 250_000}), "box-twice"),
}  # fmt: skip
