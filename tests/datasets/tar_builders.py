"""Tar archives made for tests, honest and other."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile

import zstandard
from upload_builders import two_classes


def tarred(files: dict[str, bytes] | list[tuple[str, bytes]], **options) -> bytes:
    """Pack files as they are named."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **options) as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            if name.endswith("/"):
                member.type = tarfile.DIRTYPE
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


PACKINGS = {
    "tar": lambda content: content,
    "tar.gz": gzip.compress,
    "tar.zst": zstandard.compress,
    "tar.xz": lzma.compress,
    "tar.gz of two parts": lambda content: gzip.compress(content[:3000]) + gzip.compress(content[3000:]),
    "tar.xz of two parts": lambda content: (
        lzma.compress(content[:3000]) + bytes(8) + lzma.compress(content[3000:]) + bytes(4)
    ),
    "tar.zst of two parts": lambda content: (
        zstandard.compress(content[:3000]) + zstandard.compress(content[3000:])
    ),
}


def with_member(name: str = "cat/special.png", kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0):
    """Two classes and one more member of a kind."""
    buffer = io.BytesIO(tarred(two_classes()))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, link, size
        archive.addfile(member, io.BytesIO(bytes(size)) if kind == tarfile.REGTYPE else None)
    return buffer.getvalue()


def header(content: bytes, number: int) -> int:
    """Return where the header of the member of this number begins; its content takes one block."""
    return number * 1024 if content[number * 1024 :] else 0


def with_size(content: bytes, number: int, field: bytes) -> bytes:
    """Change the size in the header of a member, and correct its checksum."""
    data = bytearray(content)
    start = header(content, number)
    data[start + 124 : start + 136] = field.ljust(12, b"\0")
    data[start + 148 : start + 156] = b" " * 8
    checksum = sum(data[start : start + 512])
    data[start + 148 : start + 156] = b"%06o\0 " % checksum
    return bytes(data)


def raw_header(name: bytes, kind: bytes, size: int) -> bytes:
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108], block[124:136] = b"0000644\0", b"%011o\0" % size
    block[156:157], block[257:265] = kind, b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)
