"""Reads the top left pixel of a PNG of 8 bits."""

import struct
import zlib


class Mat:
    def __init__(self, pixel):
        self.pixel = pixel

    def empty(self):
        return self.pixel is None


def imread(path):
    with open(path, "rb") as stream:
        data = stream.read()
    if not data.startswith(b"\x89PNG"):
        return Mat(None)
    at, packed = 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    row = zlib.decompress(packed)
    return Mat(tuple(row[1:4]))  # after the filter's byte, which changes nothing at the first pixel
