"""The ingest program: ``python -m workers.datakit.ingest <job folder>``.

It speaks the contract of ``workers/README.md`` and runs in the portal's environment, as a process of its own
so that it can be killed and its memory limited. Inputs: ``archive`` (path of the upload) or ``boxes`` (a
staged version whose boxes are the images; ``cut`` says how, see ``cutting.py``), ``known`` (paths of the
indexes of the dataset's earlier versions; their images are not packed again) and ``base`` (path of the newest
one's, or null). Parameters: ``filename``, ``val_fraction``, ``test_fraction``, ``seed``,
``class_count``, ``class_names``, ``layout``, ``reading``, ``remembered`` and ``doubt`` (see ``options.py``),
``limits``, ``pack_key``, ``mode`` ("replace", or "add": the images are added to those of ``base``), ``split``
("given", "stratified", "group") and ``split_group`` (a regular expression that finds an image's group in its
path), ``sources`` (where images came from, by path).
``reading`` of the result tells how the upload was read (``Judgement.as_json``), also for a refused
one. Artifacts: ``index.sqlite`` (see ``index.py``), ``packs/<pack_key>-<n>.pack`` (none if every image is
known), ``report.json``. If it refuses an upload, it leaves none of them behind.
"""

from __future__ import annotations

import gc
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from workers import contract
from workers.contract.messages import msg
from workers.contract.splits import SPLITS

from . import classes, diffing, sources
from .adding import added_to
from .archive import Archive
from .assemble import assemble
from .checking import Checked, ImagePool, Task, processes_for
from .cutting import archive_of
from .errors import InputError, full_disk_is_input_error
from .findings import Findings
from .index import ImageRow, Index
from .limits import human_bytes
from .opening import open_archive
from .options import Options
from .packs import share_duplicates, tidied
from .readers import Listing, Sample
from .remembered import judged
from .selection import assign_splits, select, wanted_samples

EVENT_SECONDS = 0.25
WRITING_PART = 0.1  # of the whole job, as progress counts it


def main(folder: contract.JobFolder, spec: dict[str, Any]) -> dict[str, Any]:
    """Run one ingest and return the result's fields; on any failure, leave no artifacts behind."""
    told: dict[str, Any] = {}
    try:
        with full_disk_is_input_error():
            return _ingest(folder, Options.from_spec(spec), told)
    except InputError as error:
        error.facts = told
        shutil.rmtree(folder.artifacts, ignore_errors=True)
        raise
    except BaseException:
        shutil.rmtree(folder.artifacts, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(folder.scratch, ignore_errors=True)


def _ingest(folder: contract.JobFolder, options: Options, told: dict[str, Any]) -> dict[str, Any]:
    """Do the work; ``told`` gets what a refusal reports as well."""
    findings = Findings()
    packs = folder.artifacts / "packs"
    packs.mkdir()
    folder.phase(msg("extracting"))
    upload = options.upload
    if options.cut is not None:
        folder.phase(msg("cutting boxes out"))
        upload = archive_of(options.cut, folder.scratch / "boxes.zip", options.limits, findings)
    with open_archive(upload, folder.scratch, options.limits, findings) as archive:
        listing, samples = _read(archive, options, findings, told)
        _check_disk(folder.artifacts, sum(sample.entry.size for sample in samples))
        images, dropped = _checked(folder, archive, listing, samples, options, findings)
        sources.note(images, options.sources)
    del samples
    folder.phase(msg("writing"))
    share_duplicates(images)
    stored = tidied(packs, images)
    class_names, images, split = _finalize(listing, images, dropped, options, findings)
    index = folder.artifacts / "index.sqlite"
    result = {
        **assemble(images, class_names, listing.task, index, findings),
        "layout": listing.layout,
        **told,
        "certain": told["reading"]["certain"],
        "split": split,
        "split_group": options.split_group,
        "seed": options.seed,
        "packs": stored,
        "diff": _diff(options.base, index),
    }
    report = {
        "filename": options.filename,
        "val_fraction": options.shares.val,
        "test_fraction": options.shares.test,
        **result,
    }
    text = json.dumps(report, ensure_ascii=False, indent=1)
    (folder.artifacts / "report.json").write_text(text, encoding="utf-8")
    folder.progress(1, 1)
    _log(result)
    return result


def _diff(base: Path | None, index: Path) -> dict[str, int] | None:
    """The number of changed images since the previous version; None for a first version."""
    if base is None:
        return None
    with Index(base) as before, Index(index) as after:
        return diffing.counts(before, after)


def _read(
    archive: Archive, options: Options, findings: Findings, told: dict[str, Any]
) -> tuple[Listing, list[Sample]]:
    """Return what names and annotations alone tell, and the images to use; report how it was judged."""
    judgement = judged(archive, options.said, options.reading, options.remembered)
    told["reading"] = judgement.as_json()
    chosen = judgement.chosen
    if chosen is None:
        raise InputError(judgement.refusal)
    if judgement.question is not None and not options.waits:
        raise InputError(judgement.question)
    listing = chosen.listing
    is_new = not listing.has_boxes and not options.adds
    if is_new and listing.class_names:
        classes.check_enough_classes(listing.class_names)
    findings.merge(chosen.findings)
    classes.apply_overrides(listing, options.class_count, options.class_names, options.adds)
    if is_new:
        classes.check_enough_classes(listing.class_names)
    return listing, wanted_samples(listing, options.limits, findings)


def _checked(
    folder: contract.JobFolder,
    archive: Archive,
    listing: Listing,
    samples: list[Sample],
    options: Options,
    findings: Findings,
) -> tuple[list[ImageRow], Counter[int]]:
    """Decode, measure and pack the images; return the usable ones, and the number of unusable ones by
    class.
    """
    folder.phase(msg("checking"))
    packs, max_pixels = folder.artifacts / "packs", options.limits.max_image_pixels
    task = Task(archive.source, packs, options.pack_key, options.known, max_pixels)
    entries = [sample.entry for sample in samples]
    with ImagePool(task, processes_for(len(entries), sum(entry.size for entry in entries))) as pool:
        checked = _counted(pool.check(entries), _advance(folder, len(entries)))
        return select(listing, samples, checked, findings)


def _finalize(
    listing: Listing, images: list[ImageRow], dropped: Counter[int], options: Options, findings: Findings
) -> tuple[list[str], list[ImageRow], str]:
    """Return the version's class names, its images with their splits, and the split method.

    Raises InputError if they cannot be trained on.
    """
    class_names = listing.class_names
    if options.adds:
        split = assign_splits(images, listing, options, findings)
        class_names, images = added_to(options.base, listing, images, findings)
        dropped = Counter()
    has_classes = not listing.has_boxes and classes.are_labelled(images)
    if has_classes:
        classes.check_class_sizes(class_names, images, dropped)
    if not options.adds:
        split = assign_splits(images, listing, options, findings)
    if has_classes:
        classes.check_given_split(class_names, images)
    return class_names, images, split


def _counted(checked: Iterable[Checked], advance: Callable[[int], None]) -> Iterator[Checked]:
    for number, facts in enumerate(checked, start=1):
        yield facts
        advance(number)


def _check_disk(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            msg(
                "The images unpack to {needed} and the server has {free} free: free some space "
                "(or ask the administrator to), then upload again.",
                needed=human_bytes(needed),
                free=human_bytes(free),
            )
        )


def _advance(folder: contract.JobFolder, images: int) -> Callable[[int], None]:
    """Return a function that reports how many images are checked, a few times a second."""
    last = 0.0

    def advance(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == images or now - last >= EVENT_SECONDS:
            last = now
            folder.progress(done * (1 - WRITING_PART), images)

    return advance


def _log(result: dict[str, Any]) -> None:
    classes_shown = f"{len(result['class_names'])} classes ({result['layout']})"
    splits = ", ".join(f"{result[split]} {split}" for split in SPLITS if result[split])
    print(f"{result['images']} images in {classes_shown}: {splits}")
    for finding in result["findings"]:
        texts = [example["text"] for example in finding["examples"]]
        print(f"{finding['level']}: {finding['message']}", *texts, sep="\n    ")


if __name__ == "__main__":
    # A hundred thousand images are a million objects without cycles; do not scan them again and again.
    gc.disable()
    sys.exit(contract.run(main))
