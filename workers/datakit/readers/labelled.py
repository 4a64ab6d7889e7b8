"""Shared by readers of one label per image: collects them into a listing."""

from __future__ import annotations

from collections.abc import Sequence

from workers.contract.messages import msg, msg_n
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .listing import Listing, Sample
from .noticed import listed_twice, two_labels, unlisted_images
from .splits import kept_split, pick_split
from .upload import Upload


class LabelledImages:
    """Collects images with their class names, each once."""

    def __init__(self, findings: Findings):
        self._findings = findings
        self._rows: dict[str, tuple[Entry, str, str | None]] = {}
        self._contradicted: set[str] = set()

    def add(self, entry: Entry, class_name: str, split: str | None) -> None:
        """Add an image; one with two classes is left out, one in two splits is used for validation.

        A repeated one is in the split that any mention gives.
        """
        class_name = names.check_class_name(class_name.strip())
        known = self._rows.get(entry.path)
        if known is None:
            self._rows[entry.path] = (entry, class_name, split)
        elif known[1] != class_name:
            if entry.path not in self._contradicted:
                two_labels(self._findings, names.show(entry.path))
            self._contradicted.add(entry.path)
        elif known[2] == split:
            listed_twice(self._findings, names.show(entry.path))
        elif known[2] is None or split is None:
            self._rows[entry.path] = (entry, class_name, known[2] or split)
        else:
            message = msg_n(
                "{count} image is in more than one split; it was kept to measure with only.",
                "{count} images are in more than one split; they were kept to measure with only.",
            )
            self._findings.add("warn", "in-both-splits", message, names.show(entry.path))
            self._rows[entry.path] = (entry, class_name, kept_split(known[2], split))

    def listing(self, upload: Upload, layout: str, class_order: Sequence[str] = ()) -> Listing:
        """Return the listing; raise InputError if it is empty.

        Classes are in ``class_order``, others after them in natural order; those without images are dropped.
        """
        rows = [row for path, row in self._rows.items() if path not in self._contradicted]
        if not rows:
            raise InputError(
                msg(
                    "None of the images that the {layout} annotations label is in the upload: pack the "
                    "images together with them.",
                    layout=layout,
                )
            )
        used = {class_name for _, class_name, _ in rows}
        for name in class_order:
            if name not in used:
                message = msg_n(
                    "{count} class has no images and was left out.",
                    "{count} classes have no images and were left out.",
                )
                self._findings.add("warn", "empty-classes", message, names.show(name))
        order = [name for name in dict.fromkeys(class_order) if name in used]
        order += sorted(used.difference(order), key=names.natural_key)
        ids = {name: class_id for class_id, name in enumerate(order)}
        unlisted_images(self._findings, upload, self._rows)
        samples = [Sample(entry, ids[name], split) for entry, name, split in rows]
        samples, split_given = pick_split(samples, self._findings, upload.options.split_of)
        return Listing(layout, order, samples, split_given)
