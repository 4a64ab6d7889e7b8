"""Pascal VOC: one XML file per image, with the corners of its boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from workers.contract.messages import msg, msg_n
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .annotated import refuse_unread
from .boxed import Box, BoxedImages, number, report_missing, size_of
from .finder import ImageFinder
from .label_names import named_in
from .listing import Listing
from .noticed import bad_xml, object_without_box
from .reading import Reading
from .splits import kept_split, split_of_path
from .texts import by_suffix, folder_of, read_text, stem
from .upload import Upload

LAYOUT = "Pascal VOC"
MAX_XML_BYTES = 4 * 1024 * 1024
MAX_LOOKED_AT = 20
_LISTS = {
    "train.txt": "train", "train_list.txt": "train",
    "val.txt": "val", "val_list.txt": "val",
    "test.txt": "test", "test_list.txt": "test",
}  # fmt: skip
# Beside ImageSets/Main: the lists of other tasks, which name a part of the images.
_OTHER_SETS = frozenset({"segmentation", "layout", "action"})
# Not CVAT's <annotations>.
_ROOT = re.compile(rb"<annotation[\s>/]")
_LABELS = ("label_list.txt", "labels.txt", "label.txt")


def looks_like_voc(upload: Upload) -> str | None:
    """Return the path of an XML file with an annotation, if one of the first few is."""
    for entry in by_suffix(upload, ".xml")[:MAX_LOOKED_AT]:
        if entry.size <= MAX_XML_BYTES and _ROOT.search(upload.read(entry, MAX_XML_BYTES)):
            return entry.path
    return None


def read_voc(upload: Upload, reading: Reading) -> Listing:
    findings = reading.findings
    images = BoxedImages(findings)
    finder = upload.finder
    splits = _listed_splits(upload)
    for file in by_suffix(upload, ".xml"):
        root = _parsed(upload, file, reading)
        if root is None:
            continue
        reading.files.add(file.path)
        split = splits.get(stem(file.path)) if splits else split_of_path(file.path)
        entry = _image(root, file, finder, split)
        if entry is None:
            report_missing(findings, root.findtext("filename") or file.path)
            continue
        split = split or (None if splits else split_of_path(entry.path))
        images.add(entry, split, _boxes(root, file, findings), _size(root))
    if not reading.files:
        refuse_unread(reading, "XML")
    return images.listing(upload, LAYOUT, named_in(upload, _LABELS))


def _parsed(upload: Upload, file: Entry, reading: Reading) -> Element | None:
    """Return the file's root element, None if it is not an annotation; InputError for a malicious one."""
    shown = names.show(file.path)
    try:
        root = fromstring(as_utf_8(upload.read(file, MAX_XML_BYTES)), forbid_dtd=True)
    except DefusedXmlException as error:
        raise InputError(
            msg(
                "{shown} declares a document type or entities, as only XML bombs and web pages do: export "
                "the annotations again without them.",
                shown=shown,
            )
        ) from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        bad_xml(reading.findings, f"{shown}: {error}")
        reading.cannot_read(file.path, str(error))
        return None
    if root.tag == "annotation":
        return root
    reading.findings.add(
        "info",
        "other-xml",
        msg_n(
            "{count} XML file is no annotation of images.", "{count} XML files are no annotations of images."
        ),
        shown,
    )
    return None


# Multi-byte encodings that the parser does not know.
_EAST_ASIAN = {
    b"gbk": "gb18030", b"gb2312": "gb18030", b"gb18030": "gb18030", b"cp936": "gb18030", b"big5": "big5",
    b"shift_jis": "shift_jis", b"euc-jp": "euc-jp", b"euc-kr": "euc-kr",
}  # fmt: skip
MAX_DECLARATION = 300


def as_utf_8(content: bytes) -> bytes:
    """Return XML in an encoding that the parser knows: Chinese tools write GBK, and not all declare it."""
    declaration, body = _declaration(content)
    encoding = next((name for word, name in _EAST_ASIAN.items() if word in declaration), None)
    if encoding is None and b"encoding" not in declaration:
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            encoding = None if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "gb18030"
    return content if encoding is None else body.decode(encoding).encode()


def _declaration(content: bytes) -> tuple[bytes, bytes]:
    """Return ``<?xml … ?>`` in lower case, empty if there is none, and what follows it."""
    head, end, body = content.partition(b"?>")
    is_one = end and len(head) < MAX_DECLARATION and head.lstrip().startswith(b"<?xml")
    return (head.lower(), body) if is_one else (b"", content)


def _image(root: Element, file: Entry, finder: ImageFinder, split: str | None) -> Entry | None:
    """Find the image by its name in the file, or else by the name of the XML itself, beside it or
    anywhere.
    """
    written = (root.findtext("filename") or "").strip()
    near = folder_of(file.path)
    entry = finder.find_anywhere(written, near, split) if written else None
    return entry or finder.named(stem(file.path), near, split)


def _size(root: Element) -> tuple[int, int] | None:
    return size_of(root.findtext("size/width"), root.findtext("size/height"))


def _boxes(root: Element, file: Entry, findings: Findings) -> Iterator[Box]:
    for found in root.iter("object"):
        name = (found.findtext("name") or "").strip()
        corners = found.find("bndbox")
        if not name or corners is None:
            object_without_box(findings, names.show(file.path))
            continue
        left, top, right, bottom = (number(corners.findtext(tag)) for tag in ("xmin", "ymin", "xmax", "ymax"))
        yield name, left, top, right - left, bottom - top


def _listed_splits(upload: Upload) -> dict[str, str]:
    """Return {image name without suffix: split} of ImageSets/Main and of PaddleX's lists."""
    splits: dict[str, str] = {}
    for entry in by_suffix(upload, ".txt"):
        side = _LISTS.get(entry.path.rpartition("/")[2].lower())
        if side is None or _OTHER_SETS.intersection(folder_of(entry.path).lower().split("/")):
            continue
        for line in read_text(upload, entry).splitlines():
            if line.strip():
                name = _listed_name(line)
                splits[name] = kept_split(splits.get(name), side)
    return splits


def _listed_name(line: str) -> str:
    """Return the name in a line: alone, beside a number, or as the paths of image and XML."""
    words = line.split()
    pair = len(words) == 2 and (words[1].lower().endswith(".xml") or words[1].lstrip("-").isdigit())
    written = words[0] if pair else line.strip()
    name = names.normal_separators(written).rpartition("/")[2]
    return stem(name) if names.is_image(name) or name.lower().endswith(".xml") else name
