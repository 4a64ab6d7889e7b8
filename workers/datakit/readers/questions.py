"""The questions to a person before an upload is read, one sentence each."""

from __future__ import annotations

from collections.abc import Sequence

from workers.contract.messages import join, msg, msg_n
from workers.datakit import names

from .comparing import claims
from .folder_lists import unread_list as first_unread_list
from .formats import FOLDERS, FORMATS
from .reading import Reading
from .upload import Upload
from .wording import both, either

# More images than this fraction are not left out of a split without a question.
FEW_WITHOUT_SPLIT = 0.1
# A reading with fewer of the images than this does not explain the upload.
LEAST_EXPLAINED = 0.1
FEW = 20


def which_format(rivals: Sequence[Reading]) -> str:
    order = [format.key for format in FORMATS]
    shown = sorted(rivals, key=lambda reading: order.index(reading.format))
    return msg(
        "The upload can be read as {formats}: choose the format {layouts}, or leave the other files out.",
        formats=both([with_path(reading) for reading in shown]),
        layouts=either([reading.format for reading in shown]),
    )


def labels_differ(one: Reading, two: Reading, examples: Sequence[str]) -> str:
    return msg(
        "{first} and {second} label the same images differently ({examples}): choose the format "
        "{first_layout} or {second_layout}, or leave the other files out.",
        first=with_path(one),
        second=with_path(two),
        examples=join(examples, "; "),
        first_layout=one.format,
        second_layout=two.format,
    )


def too_little(reading: Reading, upload: Upload) -> str | None:
    total = len(upload.images) + len(upload.aside) - len(reading.unlabelled)
    claimed = len(reading.samples)
    left = total - claimed - reading.findings.count("test-left-out")
    if claimed >= LEAST_EXPLAINED * total or left <= FEW:
        return None
    return msg_n(
        "Read as {format}, only {count} of {images} images has a label: choose a format, or choose "
        "{layout} if the others are to be left out.",
        "Read as {format}, only {count} of {images} images have a label: choose a format, or choose "
        "{layout} if the others are to be left out.",
        claimed,
        format=with_path(reading),
        images=total,
        layout=reading.format,
    )


def many_without_split(reading: Reading) -> str | None:
    without = reading.findings.count("no-split")
    total = without + len(reading.samples) + reading.findings.count("test-left-out")
    if without <= max(1, FEW_WITHOUT_SPLIT * total):
        return None
    return msg_n(
        "Read as {format}, {count} of {images} labelled images is in no split, as {example}: put it into "
        "one, or choose {layout} if it is to be left out.",
        "Read as {format}, {count} of {images} labelled images are in no split, as {example}: put them "
        "into one, or choose {layout} if they are to be left out.",
        without,
        format=with_path(reading),
        images=total,
        example=reading.findings.texts("no-split")[0],
        layout=reading.format,
    )


def unread_list(reading: Reading, upload: Upload) -> str | None:
    """Ask about an unread list beside class folders."""
    if reading.format != FOLDERS.key:
        return None
    path = first_unread_list(upload, reading.files, reading.samples)
    if path is None:
        return None
    return msg(
        "{file} names images and is in no format that is read: leave it out (ignore), or choose {layout} if "
        "the folders are the classes.",
        file=names.show(path),
        layout=FOLDERS.key,
    )


def doubt_of_unread(reading: Reading, others: Sequence[Reading]) -> str | None:
    """Return the question about annotations whose images only a person can identify."""
    unread = (other for other in others if other.listing is None and other.against)
    return next((other.against[0] for other in unread), None) if reading.format == FOLDERS.key else None


def labels_elsewhere(reading: Reading, usable: Sequence[Reading]) -> str | None:
    """Ask if a table labels images that class folders leave out, such as those of a flat test folder."""
    if reading.format != FOLDERS.key:
        return None
    taken = claims(reading)
    for other in usable:
        if other.task == reading.task and other is not reading and taken.keys().isdisjoint(claims(other)):
            return msg_n(
                "{file} labels {count} image that lies in no class folder: leave the file out (ignore), "
                "or put the image into the folder of its class.",
                "{file} labels {count} images that lie in no class folder: leave it out (ignore), or put "
                "these images into folders of their classes.",
                len(other.samples),
                file=names.show(other.found_by or other.name),
            )
    return None


def with_path(reading: Reading) -> str:
    found_by = f"({names.show(reading.found_by)})" if reading.found_by else ""
    return join([reading.name, found_by])
