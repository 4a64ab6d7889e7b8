"""Chooses the best of all ways to read an upload, by the evidence.

Every format with evidence is read, and class folders too. The reading that explains the most without any
objection is chosen; if two are close, or there is an objection, a person is asked; if none explains enough,
the upload is refused with every reason.
"""

from __future__ import annotations

from workers.contract.messages import join, msg, msg_n
from workers.datakit import names
from workers.datakit.archive import Archive
from workers.datakit.errors import InputError

from .comparing import boxes_agree, claims, relation
from .formats import FOLDERS, FORMATS, LAYOUTS, Format
from .options import ReadingOptions
from .questions import (
    doubt_of_unread,
    labels_differ,
    labels_elsewhere,
    many_without_split,
    too_little,
    unread_list,
    which_format,
    with_path,
)
from .reading import MASKS, UNLABELLED, Judgement, Reading
from .refusals import check_any_images, every_reason, not_read
from .unexplained import first_unexplained
from .upload import Upload

# A reading with less than this fraction of another one's images is no rival of it.
RIVAL = 0.5
# Boxes on nearly all images are the point of an upload of class folders with annotations.
NEARLY_ALL = 0.9


def judge(archive: Archive, options: ReadingOptions | None = None) -> Judgement:
    """Return the judgement of the upload. Raises InputError if there are no images at all."""
    upload = Upload(archive, options)
    chosen = upload.options.format or (FOLDERS.key if upload.options.gives_classes else None)
    if chosen is not None:
        return _judge_chosen(LAYOUTS[chosen], upload)
    readings = [reading for format in FORMATS if (reading := _evident(format, upload)) is not None]
    check_any_images(upload, {reading.format for reading in readings})
    return _judge_all([*readings, _read(FOLDERS, upload, None)], upload)


def _judge_chosen(format: Format, upload: Upload) -> Judgement:
    check_any_images(upload, {format.key})
    base = LAYOUTS[format.key.partition("-")[0]]
    found = _evident(base, upload, read=False) if base.evidence is not None else None
    if base.evidence is not None and found is None:
        raise InputError(
            msg(
                "You chose the format {layout} and no file of the upload is in it: choose another one, or "
                "leave the format empty to have it found.",
                layout=format.key,
            )
        )
    reading = _read(format, upload, found.signs[0] if found is not None and found.signs else None)
    if reading.problem is not None:
        return Judgement(refusal=reading.problem, alternatives=[reading])
    return Judgement(reading, question=join(reading.against[:2]) or None)


def _evident(format: Format, upload: Upload, read: bool = True) -> Reading | None:
    """Read the upload in a format with evidence; None if there is none."""
    if format.evidence is None:
        return None
    try:
        path = format.evidence(upload)
    except InputError as error:
        return Reading(format.key, format.name, problem=str(error))
    if path is None:
        return None
    return _read(format, upload, path) if read else Reading(format.key, format.name, signs=[path])


def _read(format: Format, upload: Upload, path: str | None) -> Reading:
    reading = Reading(format.key, format.name)
    if path is not None:
        reading.found_by = path
        reading.sign(msg("{file} is in the format {format}.", file=names.show(path), format=format.name))
    _note_aside(upload, reading)
    try:
        reading.listing = format.read(upload, reading)
    except InputError as error:
        reading.problem = str(error)
    return reading


def _note_aside(upload: Upload, reading: Reading) -> None:
    """Note what a person excluded."""
    for entry in upload.aside:
        folder = upload.options.given_role(entry.path, MASKS, UNLABELLED)
        reading.roles[folder] = upload.options.roles[folder]
        reading.unlabelled.add(entry.path)
        message = msg_n(
            "{count} image of folders without classes carries no label and was left out.",
            "{count} images of folders without classes carry no label and were left out.",
        )
        reading.left_out("unlabelled-folders", message, names.show(folder))


def _judge_all(readings: list[Reading], upload: Upload) -> Judgement:
    usable = [reading for reading in readings if _is_usable(reading)]
    annotated = [reading for reading in usable if reading.format != FOLDERS.key]
    rivals = _without_dominated(usable if not annotated else [r for r in usable if _is_rival(r)])
    if not rivals:
        return _none_usable(readings, upload)
    question, chosen = _preferred(rivals)
    others = [reading for reading in readings if reading is not chosen]
    if question is None and chosen.against:
        question = join(chosen.against[:2])
    question = question or too_little(chosen, upload) or many_without_split(chosen)
    question = question or unread_list(chosen, upload) or doubt_of_unread(chosen, others)
    question = question or labels_elsewhere(chosen, usable)
    _report_others(chosen, others)
    return _judgement(chosen, question, others)


def _judgement(chosen: Reading, question: str | None, others: list[Reading]) -> Judgement:
    for reading in others:
        reading.release()
    return Judgement(chosen, question=question, alternatives=others)


def _is_usable(reading: Reading) -> bool:
    if reading.listing is None:
        return False
    return reading.has_boxes or len(reading.listing.class_names) > 1


def _is_rival(reading: Reading) -> bool:
    """Doubtful class folders are no rival of annotations."""
    return reading.format != FOLDERS.key or not (reading.against or reading.gives_way)


def _without_dominated(readings: list[Reading]) -> list[Reading]:
    """Leave out each reading that another one explains far better without contradicting it."""
    return [one for one in readings if not any(_dominates(two, one) for two in readings if two is not one)]


def _dominates(one: Reading, two: Reading) -> bool:
    if one.against and not two.against:
        return False
    more, fewer = claims(one), claims(two)
    if len(fewer) >= RIVAL * len(more):
        return one.has_boxes and two.format == FOLDERS.key and _covers(more, fewer)
    return one.task != two.task or not relation(one, two).differ


def _covers(boxes: dict[str, str], folders: dict[str, str]) -> bool:
    return sum(path in boxes for path in folders) >= NEARLY_ALL * len(folders)


def _preferred(rivals: list[Reading]) -> tuple[str | None, Reading]:
    """Return a question, or None if the rivals agree, and the reading to use."""
    best = max(rivals, key=_weight)
    for other in rivals:
        if other is best:
            continue
        if best.has_boxes or other.has_boxes:
            if best.task == other.task and boxes_agree(best, other):
                continue
            return which_format(rivals), best
        found = relation(best, other)
        if found.differ:
            return labels_differ(best, other, found.examples), best
    return None, best


def _weight(reading: Reading) -> tuple[int, int, int, int]:
    """Rank agreeing readings: by doubts, by a given split, by number of images, by order."""
    order = [format.key for format in FORMATS]
    return (
        not reading.against,
        reading.listing.split_given,
        len(reading.samples),
        -order.index(reading.format),
    )


def _none_usable(readings: list[Reading], upload: Upload) -> Judgement:
    """Refuse with every reason; with only one class, the class checks report what is missing."""
    single = [reading for reading in readings if reading.listing is not None and not reading.against]
    annotated = [reading for reading in readings if reading.format != FOLDERS.key]
    unread = first_unexplained(upload) if not annotated else None
    if unread is None and single and not any(reading.problem for reading in annotated):
        chosen = max(single, key=_weight)
        return _judgement(chosen, None, [reading for reading in readings if reading is not chosen])
    for reading in readings:
        reading.release()
    refusal = not_read(unread, upload) if unread is not None else every_reason(annotated or readings)
    return Judgement(refusal=refusal, alternatives=readings)


def _report_others(chosen: Reading, others: list[Reading]) -> None:
    """Note which other files were not used, and why those that indicate a format could not be read."""
    for reading in others:
        if reading.format == FOLDERS.key:
            continue
        message = msg_n(
            "The annotations of {count} other format were left out.",
            "The annotations of {count} other formats were left out.",
        )
        chosen.left_out("other-formats", message, join([with_path(reading), reading.problem or ""], ": "))
