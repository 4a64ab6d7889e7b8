"""Names: of files inside an archive, and of classes."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Sequence

from workers.contract.messages import msg

from .errors import InputError

IMAGE_SUFFIXES = frozenset(
    (
        ".jpg .jpeg .jpe .jfif .png .bmp .dib .webp .gif .tif .tiff "
        ".heic .heif .avif .jp2 .pgm .ppm .pbm .pnm"
    ).split()
)
MAX_CLASS_NAME = 100
MAX_PATH = 1000

_JUNK_NAMES = {"thumbs.db", "desktop.ini", "icon\r", "ehthumbs.db"}
# An empty part, "." or "..".
_ODD_PART = re.compile(r"(?:^|/)\.{0,2}(?:/|$)")
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
# Hangul fillers, the empty Braille pattern, the grapheme joiner, and invisible Khmer vowels.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_JOINERS = "\u200c\u200d"  # Persian and Indian scripts spell with them
_DRIVE = re.compile(r"^[A-Za-z]:")


def decode_names(raw_names: Sequence[bytes]) -> tuple[list[str], str]:
    """Decode file names stored without the UTF-8 flag; return them with their encoding.

    The encoding is chosen for the whole archive: UTF-8 (macOS sets no flag), then GBK, which Windows writes
    on a Chinese system, then code page 437, the format's own. GBK accepts nearly any bytes, so it is used
    only if every resulting non-ASCII letter is East Asian.
    """
    as_utf_8 = _decoded(raw_names, "utf-8")
    if as_utf_8 is not None and not _is_gbk_by_chance_utf_8(as_utf_8, raw_names):
        return as_utf_8, "utf-8"
    as_gbk = _decoded(raw_names, "gb18030")
    if as_gbk is not None and all(map(_is_east_asian, as_gbk)):
        return as_gbk, "gb18030"
    return [raw.decode("cp437") for raw in raw_names], "cp437"


def _decoded(raw_names: Sequence[bytes], encoding: str) -> list[str] | None:
    try:
        return [raw.decode(encoding) for raw in raw_names]
    except UnicodeDecodeError:
        return None


def _is_gbk_by_chance_utf_8(texts: Sequence[str], raw_names: Sequence[bytes]) -> bool:
    """Whether names that decode as UTF-8 are short Chinese ones: the GBK of 猫 is the UTF-8 of è.

    Only two-byte letters can collide. macOS, which omits the flag, writes accents as separate marks whose
    second byte never occurs in common Chinese characters (GB 2312).
    """
    letters = {c for text in texts for c in text if c > "\x7f"}
    return bool(letters) and max(letters) < "\u0800" and _decoded(raw_names, "gb2312") is not None


def _is_east_asian(text: str) -> bool:
    return all(c < "\x80" or unicodedata.east_asian_width(c) in "WFA" for c in text)


def clean_path(name: str) -> str:
    """Return an archive entry's name as a relative path with forward slashes, NFC.

    Backslashes count as separators (older Windows tools write them). Raises InputError for a name that leaves
    the folder it is unpacked into: absolute, with a drive letter, or with a ``..`` part.
    """
    path = normal_separators(name)
    advice = msg("make the zip again from the folder itself with ordinary zip software.")
    if len(path) > MAX_PATH:
        raise InputError(
            msg(
                "The archive holds a file name of {length} characters ({path}): {advice}",
                length=len(path),
                path=show(path),
                advice=advice,
            )
        )
    if "\0" in path:
        raise InputError(
            msg(
                "The archive holds a file name with a zero byte ({path}): {advice}",
                path=show(path),
                advice=advice,
            )
        )
    if not _ODD_PART.search(path) and path[1:2] != ":":
        return path
    if path.startswith("/") or _DRIVE.match(path):
        raise InputError(
            msg(
                "The archive holds a file with an absolute path ({path}): {advice}",
                path=show(path),
                advice=advice,
            )
        )
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise InputError(
            msg(
                "The archive holds a file that points outside it ({path}): {advice}",
                path=show(path),
                advice=advice,
            )
        )
    return "/".join(parts)


def normal_separators(path: str) -> str:
    """Return ``path`` in NFC with forward slashes."""
    normal = path if path.isascii() else unicodedata.normalize("NFC", path)
    return normal.replace("\\", "/")


def show(name: str) -> str:
    """Return ``name`` fit for a sentence: without control characters, of bounded length."""
    visible = name if name.isprintable() else "".join(c if c.isprintable() else "�" for c in name)
    return visible if len(visible) <= 120 else visible[:80] + "…" + visible[-39:]


def is_junk(path: str) -> bool:
    """Whether ``path`` was added by an operating system or a file server, not by the person."""
    lower = "/" + path.lower()
    in_folder = "/." in lower or "/__macosx/" in lower + "/" or "/@eadir/" in lower + "/"
    return in_folder or lower.rpartition("/")[2] in _JUNK_NAMES


def is_image(path: str) -> bool:
    stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
    return bool(dot) and bool(stem) and "." + suffix.lower() in IMAGE_SUFFIXES


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts ``2`` before ``10``; equal only for equal texts."""
    parts = re.split(r"([0-9]+)", text)
    key = tuple(
        (0, int(part), part) if part.isdecimal() and part.isascii() else (1, 0, part)
        for part in parts
        if part
    )
    return key


def class_key(name: str) -> str:
    """Return a key that is equal for class names that a person would consider the same word.

    Full-width letters, case and white space are ignored: ``car``, ``Car``, ``ｃar``, ``car ``.
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def first_hidden(text: str, allowed: str = "") -> str:
    """Return the first character of ``text`` that is invisible or breaks the line; empty if there is none.

    Control and format characters (bidirectional overrides, zero width), line and paragraph separators, lone
    surrogates, and blank letters.
    """
    if text.isascii() and text.isprintable():
        return ""
    return next(
        (c for c in text if c not in allowed and (unicodedata.category(c) in _HIDDEN or c in _BLANK)), ""
    )


@functools.lru_cache(maxsize=4096)
def check_class_name(name: str) -> str:
    """Return ``name`` in NFC; raise InputError if it cannot be a class name."""
    name = unicodedata.normalize("NFC", name)
    if not name.strip():
        raise InputError(msg("A class has an empty name: give every class folder or label line a name."))
    if first_hidden(name, allowed=_JOINERS):
        raise InputError(
            msg("The class name {name} holds a control character: rename that class.", name=repr(show(name)))
        )
    if len(name) > MAX_CLASS_NAME:
        raise InputError(
            msg(
                "The class name {name} is {length} characters long: use at most {most} characters.",
                name=repr(show(name)),
                length=len(name),
                most=MAX_CLASS_NAME,
            )
        )
    return name


def collisions(class_names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of class names that look like two spellings of one class."""
    first: dict[str, str] = {}
    pairs = []
    for name in class_names:
        seen = first.setdefault(class_key(name), name)
        if seen != name:
            pairs.append((seen, name))
    return pairs
