"""The findings about images of the dataset. Each affected image carries the finding's code."""

from __future__ import annotations

from typing import NamedTuple

from workers.contract.messages import msg, msg_n

from .index import ImageRow


class Mark(NamedTuple):
    """``message`` describes it and contains ``{count}``, a number of images; ``advice`` says what to do.

    ``judged``: it follows from the version's images, so it is computed for each version. Others describe how
    an image was uploaded, and stay with it.
    """

    level: str
    message: str
    advice: str
    judged: bool = True


_LOOK = msg("Look at them: remove those that are no use, and keep those that the model will meet in use.")
_BOXES = msg("Look at them; where a box is wrong, correct the annotation and upload the images again.")
_COPIES = msg("Remove all but one: copies teach nothing new and weigh more than other images.")

FROM_BOARD = "from-board"  # with the device, time and release as its text, see ``sources.py``
PROPOSED, CORRECTED = "proposed", "proposed-corrected"  # each with the model's name as its text

MARKS = {
    "copy-in-two-classes": Mark(
        "warn",
        msg_n(
            "{count} image is in more than one class, so some of its labels are wrong.",
            "{count} images are in more than one class, so some of their labels are wrong.",
        ),
        msg("Find the right class of each and remove it from the other."),
    ),
    "copy-in-both-splits": Mark(
        "warn",
        msg_n(
            "{count} image is in more than one split, so results look better than they are.",
            "{count} images are in more than one split, so results look better than they are.",
        ),
        msg(
            "Remove one of the duplicates, or split the dataset again: duplicates of one class then stay "
            "together."
        ),
    ),
    "copy-in-class": Mark(
        "info",
        msg_n(
            "{count} image is an exact copy of another one in its class.",
            "{count} images are exact copies of another one in their class.",
        ),
        _COPIES,
    ),
    "near-copy-in-both-splits": Mark(
        "warn",
        msg_n(
            "{count} image is nearly the same as one in another split, so results look better than they are.",
            "{count} images are nearly the same as one in another split, so results look better than they "
            "are.",
        ),
        msg(
            "If they are frames of one video or photos of one thing, split the set by group, so that "
            "they stay together."
        ),
    ),
    "near-copy": Mark(
        "info",
        msg_n(
            "{count} image is nearly the same as another one.",
            "{count} images are nearly the same as another one.",
        ),
        _COPIES,
    ),
    "blank": Mark(
        "warn",
        msg_n(
            "{count} image shows almost nothing: it has one shade all over.",
            "{count} images show almost nothing: they have one shade all over.",
        ),
        msg("Remove them, unless an empty image is what their class means."),
    ),
    "dark": Mark("warn", msg_n("{count} image is nearly black.", "{count} images are nearly black."), _LOOK),
    "bright": Mark(
        "warn", msg_n("{count} image is nearly white.", "{count} images are nearly white."), _LOOK
    ),
    "blurred": Mark(
        "warn",
        msg_n(
            "{count} image is blurred compared with the others.",
            "{count} images are blurred compared with the others.",
        ),
        _LOOK,
    ),
    "tiny-image": Mark(
        "warn",
        msg_n(
            "{count} image is under 16 pixels wide or high, and most others are far larger.",
            "{count} images are under 16 pixels wide or high, and most others are far larger.",
        ),
        msg("Remove them: enlarged to what a model sees they are a blur."),
    ),
    "huge-image": Mark(
        "info",
        msg_n(
            "{count} image has over 24 million pixels, and a model sees less than a million.",
            "{count} images have over 24 million pixels, and a model sees less than a million.",
        ),
        msg("Make them smaller before you upload them: training reads them faster and learns the same."),
    ),
    "odd-size": Mark(
        "info",
        msg_n(
            "{count} image is more than four times larger or smaller than most of the others.",
            "{count} images are more than four times larger or smaller than most of the others.",
        ),
        _LOOK,
    ),
    "odd-aspect": Mark(
        "info",
        msg_n(
            "{count} image is far longer or narrower than most of the others.",
            "{count} images are far longer or narrower than most of the others.",
        ),
        msg("Look at them: models are fed squares, so a long image is squeezed or cut."),
    ),
    "images-without-boxes": Mark(
        "info",
        msg_n(
            "{count} image has no box: the model learns from it as background.",
            "{count} images have no box: the model learns from them as background.",
        ),
        msg("Look whether that is so: an object without its box teaches the model to overlook it."),
    ),
    "unlabelled": Mark(
        "info",
        msg_n(
            "{count} image has no class yet: no model learns from it or is measured on it.",
            "{count} images have no class yet: no model learns from them or is measured on them.",
        ),
        msg("Give them a class, by hand or with the help of a model, and make the next version."),
    ),
    "box-tiny": Mark(
        "warn",
        msg_n(
            "{count} image has boxes under 3 pixels wide or high.",
            "{count} images have boxes under 3 pixels wide or high.",
        ),
        msg("Remove boxes that were drawn by a slip of the hand; a model cannot learn what it cannot see."),
    ),
    "converted": Mark(
        "info",
        msg_n(
            "{count} image was converted to a plain 8-bit image.",
            "{count} images were converted to plain 8-bit images.",
        ),
        msg("Nothing: training, conversion and the boards all see the converted ones."),
        judged=False,
    ),
    "dark-16-bit": Mark(
        "warn",
        msg_n(
            "{count} 16-bit image uses less than a sixteenth of its range and is nearly black in 8 bits.",
            "{count} 16-bit images use less than a sixteenth of their range and are nearly black in 8 bits.",
        ),
        msg("Stretch their values to the whole range before you upload them."),
        judged=False,
    ),
    "size-differs": Mark(
        "warn",
        msg_n(
            "{count} image differs in size from its annotation, so its boxes may be misplaced.",
            "{count} images differ in size from their annotations, so their boxes may be misplaced.",
        ),
        _BOXES,
        judged=False,
    ),
    "rotation-unsure": Mark(
        "warn",
        msg_n(
            "{count} image is turned by its EXIF data and its annotation does not say whether the boxes "
            "were drawn before or after: the boxes stand as written.",
            "{count} images are turned by their EXIF data and their annotation does not say whether the "
            "boxes were drawn before or after: the boxes stand as written.",
        ),
        _BOXES,
        judged=False,
    ),
    "boxes-turned": Mark(
        "info",
        msg_n(
            "{count} image is turned by its EXIF data, and its boxes were turned with it.",
            "{count} images are turned by their EXIF data, and their boxes were turned with them.",
        ),
        msg("Nothing, unless a box looks misplaced."),
        judged=False,
    ),
    "box-not-a-number": Mark(
        "warn",
        msg_n(
            "{count} image has boxes with a value that is not a number (NaN); these were left out.",
            "{count} images have boxes with a value that is not a number (NaN); these were left out.",
        ),
        _BOXES,
        judged=False,
    ),
    "box-inverted": Mark(
        "warn",
        msg_n(
            "{count} image has boxes whose corners are swapped; these were corrected.",
            "{count} images have boxes whose corners are swapped; these were corrected.",
        ),
        _BOXES,
        judged=False,
    ),
    "box-empty": Mark(
        "warn",
        msg_n(
            "{count} image has boxes without an area; these were left out.",
            "{count} images have boxes without an area; these were left out.",
        ),
        _BOXES,
        judged=False,
    ),
    "box-outside": Mark(
        "warn",
        msg_n(
            "{count} image has boxes that lie outside it; these were left out.",
            "{count} images have boxes that lie outside them; these were left out.",
        ),
        _BOXES,
        judged=False,
    ),
    "box-over-edge": Mark(
        "warn",
        msg_n(
            "{count} image has boxes that extend beyond its edge; these were clipped.",
            "{count} images have boxes that extend beyond their edges; these were clipped.",
        ),
        _BOXES,
        judged=False,
    ),
    PROPOSED: Mark(
        "info",
        msg_n(
            "{count} image has labels that a model proposed and a person accepted.",
            "{count} images have labels that a model proposed and a person accepted.",
        ),
        msg("Look at some of them: a model that learns from its own mistakes repeats them."),
        judged=False,
    ),
    CORRECTED: Mark(
        "info",
        msg_n(
            "{count} image has labels that a model proposed and a person corrected.",
            "{count} images have labels that a model proposed and a person corrected.",
        ),
        msg("Nothing."),
        judged=False,
    ),
    FROM_BOARD: Mark(
        "info",
        msg_n(
            "{count} image came back from a device.",
            "{count} images came back from devices.",
        ),
        msg("Nothing."),
        judged=False,
    ),
    "box-twice": Mark(
        "warn",
        msg_n(
            "{count} image has a box twice; one of each was kept.",
            "{count} images have a box twice; one of each was kept.",
        ),
        msg("Nothing."),
        judged=False,
    ),
}


def mark(image: ImageRow, code: str, text: str = "") -> None:
    """Mark ``image`` with the finding ``code``; the first ``text`` about it stays."""
    if code not in MARKS:
        raise ValueError(f"unknown mark {code!r}")
    image.marks.setdefault(code, text)
