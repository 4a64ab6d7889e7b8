"""The judge: of all the ways to read an upload it takes the one that the evidence speaks for.

Every format that a file speaks for is read, and class folders too. The reading that explains the most with
nothing against it is taken; where two are close, or something speaks against the one, a person is asked;
where none explains enough the upload is refused with every reason.
"""

from __future__ import annotations

from workers.contract.messages import join, msg, msg_n
from workers.datakit import names
from workers.datakit.archive import Archive
from workers.datakit.errors import InputError

from .comparing import boxes_agree, claims, relation
from .folder_lists import unread_list
from .formats import FOLDERS, FORMATS, LAYOUTS, Format
from .options import ReadingOptions
from .reading import MASKS, UNLABELLED, Judgement, Reading
from .unexplained import first_unexplained
from .upload import Upload
from .wording import both, either

# A reading of fewer images than this part of another one's is no rival of it.
RIVAL = 0.5
# Boxes on nearly all images are what an upload of class folders with annotations is about.
NEARLY_ALL = 0.9
# More images than this part of the set are not left out of a split without a question.
FEW_WITHOUT_SPLIT = 0.1
# A reading of fewer of the images than this does not explain the upload.
LEAST_EXPLAINED = 0.1
FEW = 20
MAX_REFUSAL = 390
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")


def judge(archive: Archive, options: ReadingOptions | None = None) -> Judgement:
    """Return what becomes of the upload. Raises InputError when there are no images at all."""
    upload = Upload(archive, options)
    chosen = upload.options.format or (FOLDERS.key if upload.options.gives_classes else None)
    if chosen is not None:
        return _judge_chosen(LAYOUTS[chosen], upload)
    readings = [reading for format in FORMATS if (reading := _evident(format, upload)) is not None]
    _check_any_images(upload, {reading.format for reading in readings})
    return _judge_all([*readings, _read(FOLDERS, upload, None)], upload)


def _judge_chosen(format: Format, upload: Upload) -> Judgement:
    _check_any_images(upload, {format.key})
    base = LAYOUTS[format.key.partition("-")[0]]
    found = _evident(base, upload, read=False) if base.evidence is not None else None
    if base.evidence is not None and found is None:
        raise InputError(
            msg(
                "You chose the layout {layout} and no file of the upload is in it: "
                "choose another one, or leave the layout empty to have it found.",
                layout=format.key,
            )
        )
    reading = _read(format, upload, found.signs[0] if found is not None and found.signs else None)
    if reading.problem is not None:
        return Judgement(refusal=reading.problem, alternatives=[reading])
    return Judgement(reading, question=join(reading.against[:2]) or None)


def _evident(format: Format, upload: Upload, read: bool = True) -> Reading | None:
    """Read the upload in a format that one of its files speaks for; None where none does."""
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
    """Say what a person put aside."""
    for entry in upload.aside:
        folder = upload.options.said_of(entry.path, MASKS, UNLABELLED)
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
    question, chosen = _settled(rivals)
    others = [reading for reading in readings if reading is not chosen]
    if question is None and chosen.against:
        question = join(chosen.against[:2])
    question = question or _too_little(chosen, upload) or _many_without_split(chosen)
    question = question or _unread_list(chosen, upload) or _doubt_of_unread(chosen, others)
    question = question or _labels_elsewhere(chosen, usable)
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
    """Class folders that are in doubt do not stand against annotations."""
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


def _settled(rivals: list[Reading]) -> tuple[str | None, Reading]:
    """Return a question, or None where the rivals agree, and the reading to take."""
    best = max(rivals, key=_weight)
    for other in rivals:
        if other is best:
            continue
        if best.has_boxes or other.has_boxes:
            if best.task == other.task and boxes_agree(best, other):
                continue
            return _which_format(rivals), best
        found = relation(best, other)
        if found.differ:
            return _labels_differ(best, other, found.examples), best
    return None, best


def _weight(reading: Reading) -> tuple[int, int, int, int]:
    """Rank readings that agree: by no doubt, by a split of their own, by their images, by their order."""
    order = [format.key for format in FORMATS]
    return (
        not reading.against,
        reading.listing.split_given,
        len(reading.samples),
        -order.index(reading.format),
    )


def _which_format(rivals: list[Reading]) -> str:
    order = [format.key for format in FORMATS]
    shown = sorted(rivals, key=lambda reading: order.index(reading.format))
    return msg(
        "The upload can be read as {formats}: choose the layout {layouts}, or leave the other files out.",
        formats=both([_with_path(reading) for reading in shown]),
        layouts=either([reading.format for reading in shown]),
    )


def _with_path(reading: Reading) -> str:
    found_by = f"({names.show(reading.found_by)})" if reading.found_by else ""
    return join([reading.name, found_by])


def _labels_differ(one: Reading, two: Reading, examples: list[str]) -> str:
    return msg(
        "{first} and {second} label the same images differently ({examples}): choose the layout "
        "{first_layout} or {second_layout}, or leave the other files out.",
        first=_with_path(one),
        second=_with_path(two),
        examples=join(examples, "; "),
        first_layout=one.format,
        second_layout=two.format,
    )


def _too_little(reading: Reading, upload: Upload) -> str | None:
    total = len(upload.images) + len(upload.aside) - len(reading.unlabelled)
    claimed = len(reading.samples)
    left = total - claimed - reading.findings.count("test-left-out")
    if claimed >= LEAST_EXPLAINED * total or left <= FEW:
        return None
    return msg_n(
        "Read as {format}, only {count} of {images} images has a label: choose a layout, or choose "
        "{layout} if the others are to be left out.",
        "Read as {format}, only {count} of {images} images have a label: choose a layout, or choose "
        "{layout} if the others are to be left out.",
        claimed,
        format=_with_path(reading),
        images=total,
        layout=reading.format,
    )


def _many_without_split(reading: Reading) -> str | None:
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
        format=_with_path(reading),
        images=total,
        example=reading.findings.texts("no-split")[0],
        layout=reading.format,
    )


def _unread_list(reading: Reading, upload: Upload) -> str | None:
    """Ask about a list that nothing read beside class folders."""
    if reading.format != FOLDERS.key:
        return None
    path = unread_list(upload, reading.files, reading.samples)
    if path is None:
        return None
    return msg(
        "{file} names images and is in no format that is read: leave it out (ignore), or choose {layout} if "
        "the folders are the classes.",
        file=names.show(path),
        layout=FOLDERS.key,
    )


def _doubt_of_unread(reading: Reading, others: list[Reading]) -> str | None:
    """Return the question of annotations that name images and that only a person can tell which."""
    unread = (other for other in others if other.listing is None and other.against)
    return next((other.against[0] for other in unread), None) if reading.format == FOLDERS.key else None


def _labels_elsewhere(reading: Reading, usable: list[Reading]) -> str | None:
    """Ask where a table labels images that class folders leave out, as those of a flat test folder."""
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


def _none_usable(readings: list[Reading], upload: Upload) -> Judgement:
    """Refuse with every reason; with one class alone the checks of the classes say what is missing."""
    single = [reading for reading in readings if reading.listing is not None and not reading.against]
    annotated = [reading for reading in readings if reading.format != FOLDERS.key]
    unexplained = first_unexplained(upload) if not annotated else None
    if unexplained is not None:
        reason = msg(
            "{file} is in no format that is read, and the folders alone do not tell the classes: export the "
            "labels as a table of image and class, or as COCO, Pascal VOC or YOLO.",
            file=names.show(unexplained),
        )
        for reading in readings:
            reading.release()
        return Judgement(refusal=reason, alternatives=readings)
    if single and not any(reading.problem for reading in annotated):
        chosen = max(single, key=_weight)
        return _judgement(chosen, None, [reading for reading in readings if reading is not chosen])
    reasons = [_reason(reading) for reading in annotated or readings]
    reasons = [reason for reason in dict.fromkeys(reasons) if reason]
    for reading in readings:
        reading.release()
    return Judgement(refusal=_joined(reasons), alternatives=readings)


def _reason(reading: Reading) -> str:
    """Return why a reading is of no use, with the name of a file that it is about."""
    reason = reading.problem or join(reading.against)
    if not reason or reading.found_by is None or reading.found_by.rpartition("/")[2] in reason:
        return reason
    return msg("{file}: {reason}", file=names.show(reading.found_by), reason=reason)


def _joined(reasons: list[str]) -> str:
    kept = reasons[:1]
    for reason in reasons[1:]:
        if sum(map(len, kept)) + len(kept) + len(reason) < MAX_REFUSAL:
            kept.append(reason)
    return join(kept)


def _report_others(chosen: Reading, others: list[Reading]) -> None:
    """Say which other files were not used, and why those that speak for a format could not be."""
    for reading in others:
        if reading.format == FOLDERS.key:
            continue
        message = msg_n(
            "The annotations of {count} other format were left out.",
            "The annotations of {count} other formats were left out.",
        )
        chosen.left_out("other-formats", message, join([_with_path(reading), reading.problem or ""], ": "))


def _check_any_images(upload: Upload, formats: set[str]) -> None:
    if upload.images or any(LAYOUTS[key].holds_images for key in formats):
        return
    for entry in upload.entries:
        if entry.path.lower().endswith(_ARCHIVES):
            raise InputError(
                msg(
                    "The {archive} holds another archive ({file}) and no images: "
                    "unpack that one and pack the images themselves.",
                    archive=upload.kind,
                    file=names.show(entry.path),
                )
            )
    raise InputError(
        msg(
            "The {archive} holds no images: put JPEG, PNG, BMP, WebP, GIF or TIFF files into one folder "
            "per class, or beside their annotations.",
            archive=upload.kind,
        )
    )
