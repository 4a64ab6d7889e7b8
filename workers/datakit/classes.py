"""Validates an upload's classes, and applies a person's class options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from workers.contract.messages import Message, join, msg, msg_n

from . import names
from .errors import InputError
from .index import ImageRow
from .readers import Listing, Sample


def apply_overrides(
    listing: Listing, class_count: int | None, class_names: Sequence[str] | None, adds: bool = False
) -> None:
    """Check the person's class count against the data, and rename or reorder the classes.

    ``class_names`` are assigned to the classes in the order they were read. If they are exactly the names
    read, in another order, only the order changes: a folder never gets another folder's name. Images without
    labels have the given classes or, if they are added to a dataset, its classes.
    """
    found = listing.class_names
    if not found and not class_names and adds:
        return
    if not found:
        found = [name.strip() for name in class_names or ()]
        if not found:
            raise InputError(msg("Name the classes, one a line: images without labels have none."))
    if class_count is not None and class_count != len(found):
        raise InputError(
            msg_n(
                "You said {count} class and the upload holds {found} ({names}): correct the number, leave "
                "it empty, or correct the upload.",
                "You said {count} classes and the upload holds {found} ({names}): correct the number, "
                "leave it empty, or correct the upload.",
                class_count,
                found=len(found),
                names=_some(found),
            )
        )
    if class_names is None:
        return
    given = [names.check_class_name(name.strip()) for name in class_names]
    if len(given) != len(found):
        raise InputError(
            msg(
                "You gave {given} and the upload holds {found} ({names}): give one name for each class.",
                given=msg_n("{count} class name", "{count} class names", len(given)),
                found=msg_n("{count} class", "{count} classes", len(found)),
                names=_some(found),
            )
        )
    twice = names.collisions(given) or [(name, name) for name, count in Counter(given).items() if count > 1]
    if twice:
        first, second = twice[0]
        raise InputError(
            msg(
                "The class names {first} and {second} are too alike: make each one different.",
                first=repr(first),
                second=repr(second),
            )
        )
    if set(given) == set(found):
        new_ids = {name: class_id for class_id, name in enumerate(given)}
        for sample in listing.samples:
            _renumber(sample, [new_ids[name] for name in found])
    listing.class_names = given


def _renumber(sample: Sample, new_ids: list[int]) -> None:
    if sample.boxes is None:
        sample.class_id = None if sample.class_id is None else new_ids[sample.class_id]
        return
    for index in range(0, len(sample.boxes), 5):
        sample.boxes[index] = new_ids[int(sample.boxes[index])]


def _some(class_names: Sequence[str]) -> str:
    shown = ", ".join(names.show(name) for name in class_names[:5])
    return shown + (", …" if len(class_names) > 5 else "")


def check_enough_classes(class_names: Sequence[str]) -> None:
    """Raise InputError if there are fewer than two classes."""
    if len(class_names) < 2:
        raise InputError(
            msg(
                "The upload holds only one class ({class_names}): a classifier needs at least two, each in a "
                "folder of its own. To draw boxes on these images here, choose the format “images without "
                "labels” and name the classes.",
                class_names=_some(class_names),
            )
        )


def _size_of(name: str, count: int, lost: int) -> Message:
    shown = repr(names.show(name))
    has = msg("{name} has {count}", name=shown, count=count) if count else msg("{name} has none", name=shown)
    return join([has, msg("({count} could not be read)", count=lost) if lost else ""])


def are_labelled(images: Sequence[ImageRow]) -> bool:
    """Whether no image waits for a class. While one does, the classes are incomplete: findings report what
    they lack, and nothing is refused.
    """
    return not any(image.is_unlabelled for image in images)


def check_class_sizes(
    class_names: Sequence[str], images: Sequence[ImageRow], dropped: Counter[int | None]
) -> None:
    """Raise InputError naming the classes with fewer than two usable images.

    ``dropped`` counts the unusable images of each class.
    """
    counts = Counter(image.class_id for image in images)
    small = [class_id for class_id in range(len(class_names)) if counts[class_id] < 2]
    if not small:
        return
    shown = join(
        [_size_of(class_names[class_id], counts[class_id], dropped[class_id]) for class_id in small[:5]], ", "
    )
    if len(small) > 5:
        shown = msg_n(
            "{classes} and {count} more class",
            "{classes} and {count} more classes",
            len(small) - 5,
            classes=shown,
        )
    raise InputError(
        msg(
            "Every class needs at least two usable images, one to train on and one to "
            "measure with: {classes}.",
            classes=shown,
        )
    )


def check_given_split(class_names: Sequence[str], images: Sequence[ImageRow]) -> None:
    """Reject a given split that leaves a class without training images."""
    counts = Counter((image.class_id, image.split) for image in images)
    for class_id, name in enumerate(class_names):
        if not counts[class_id, "train"]:
            raise InputError(
                msg(
                    "The class {name} has no image in the training split: move some of its images "
                    "there, or upload without a split.",
                    name=repr(names.show(name)),
                )
            )
