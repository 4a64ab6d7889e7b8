"""The ingest program: ``python -m portal.datasets.ingest <job folder>``.

It speaks the contract of ``workers/README.md`` and runs in the portal's environment, as a process of its
own so that it can be killed and its memory limited. Inputs: ``archive`` (path of the upload). Parameters:
``filename``, ``val_fraction``, ``seed``, ``class_count``, ``class_names``, ``layout``, ``limits``. Artifacts:
``dataset.tar``, ``thumbs/``, ``report.json``. When it refuses an upload, it leaves none of them behind.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers import contract

from . import classes
from .archive import open_archive
from .boxes import hash_text
from .checking import ImagePool, processes_for
from .errors import InputError, full_disk_is_input_error
from .findings import Findings
from .limits import human_bytes
from .options import Options
from .packing import content_hash, pack
from .readers import DETECTION, Listing, Sample, read_layout
from .selection import Image, class_counts, select, wanted_samples

THUMBS_PER_CLASS = 12
MAX_THUMBS = 1200
EVENT_SECONDS = 0.25
NOT_TRAINABLE_YET = (
    "This is a detection set (images with boxes): it is read, checked and shown, "
    "and training on it is not possible yet."
)


def main(folder: contract.JobFolder, spec: dict[str, Any]) -> dict[str, Any]:
    """Run one ingest and return the result's fields; on any failure leave no artifacts behind."""
    try:
        with full_disk_is_input_error():
            return _ingest(folder, Options.from_spec(spec))
    except BaseException:
        shutil.rmtree(folder.artifacts, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(folder.scratch, ignore_errors=True)


def _ingest(folder: contract.JobFolder, options: Options) -> dict[str, Any]:
    findings = Findings()
    folder.phase("extracting")
    listing, samples, paths = _extract(folder, options, findings)
    with ImagePool(processes_for(len(paths), sum(sample.entry.size for sample in samples))) as pool:
        folder.phase("checking")
        advance = _advance(folder, step=1, images=len(paths))
        facts = pool.check(paths, options.limits.max_image_pixels, advance)
        images = select(listing, samples, paths, facts, options, findings)
        folder.phase("writing")
        thumbs = _write_thumbnails(pool, images, folder.artifacts / "thumbs", len(listing.class_names))
    records = _records(images)
    files = [image.path for image in images]
    advance = _advance(folder, step=2, images=len(images))
    pack(folder.artifacts / "dataset.tar", listing.class_names, records, files, advance)
    result = _result(listing, images, thumbs, findings, options)
    report = {"filename": options.filename, "val_fraction": options.val_fraction, **result}
    text = json.dumps(report, ensure_ascii=False, indent=1)
    (folder.artifacts / "report.json").write_text(text, encoding="utf-8")
    _log(result)
    return result


def _log(result: dict[str, Any]) -> None:
    classes_shown = f"{len(result['class_names'])} classes ({result['layout']})"
    print(f"{result['images']} images in {classes_shown}: {result['train']} train, {result['val']} val")
    for finding in result["findings"]:
        print(f"{finding['level']}: {finding['message']}", *finding["examples"], sep="\n    ")


def _extract(
    folder: contract.JobFolder, options: Options, findings: Findings
) -> tuple[Listing, list[Sample], list[Path]]:
    """Read the layout from names alone, then unpack the images it uses as numbered files."""
    with open_archive(options.upload, folder.scratch, options.limits, findings) as archive:
        listing = read_layout(archive, findings, options.layout)
        if listing.task == DETECTION:
            findings.add("block", "detection-not-trainable-yet", NOT_TRAINABLE_YET)
        else:
            classes.check_enough_classes(listing.class_names)
        classes.apply_overrides(listing, options.class_count, options.class_names)
        classes.report_collisions(listing.class_names, findings)
        samples = wanted_samples(listing, options.limits, findings)
        _check_disk(folder.scratch, sum(sample.entry.size for sample in samples))
        raw = folder.scratch / "raw"
        raw.mkdir()
        entries = [sample.entry for sample in samples]
        return listing, samples, archive.extract(entries, raw, _advance(folder, step=0, images=len(entries)))


def _check_disk(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"The images unpack to {human_bytes(needed)} and the server has {human_bytes(free)} free: "
            "free some space (or ask the administrator to), then upload again."
        )


def _advance(folder: contract.JobFolder, step: int, images: int) -> Callable[[int], None]:
    """Return a function that reports progress in the step's third of the job, a few times a second."""
    last = 0.0

    def advance(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == images or now - last >= EVENT_SECONDS:
            last = now
            folder.progress(step * images + done, 3 * images)

    return advance


def _write_thumbnails(
    pool: ImagePool, images: list[Image], folder: Path, class_count: int
) -> list[dict[str, Any]]:
    """Write up to 12 thumbnails a class, drawn evenly over its images; fewer when classes are many."""
    folder.mkdir()
    per_class = max(1, min(THUMBS_PER_CLASS, MAX_THUMBS // class_count))
    by_class: dict[int, list[Image]] = {class_id: [] for class_id in range(class_count)}
    for image in images:
        by_class[_shown_class(image)].append(image)
    chosen: list[Image] = []
    stems: list[Path] = []
    for class_id, members in by_class.items():
        count = min(per_class, len(members))
        chosen += [members[index * len(members) // count] for index in range(count)]
        stems += [folder / f"{class_id:04d}-{number:02d}" for number in range(count)]
    files = pool.thumbnails([image.path for image in chosen], stems)
    return [
        {"file": f"thumbs/{file}", "class_id": _shown_class(image), "original": image.original}
        for file, image in zip(files, chosen, strict=True)
    ]


def _shown_class(image: Image) -> int:
    """Return the class under which a thumbnail stands: for an image with boxes, that of its first."""
    return image.class_id if image.boxes is None else int(image.boxes[0]) if image.boxes else 0


def _records(images: list[Image]) -> list[dict[str, Any]]:
    return [
        {
            "name": f"images/{number:06d}{image.facts.suffix}",
            "original": image.original,
            "class_id": image.class_id if image.boxes is None else None,
            "split": image.split,
            "width": image.facts.width,
            "height": image.facts.height,
            "bytes": image.facts.bytes,
            "sha256": image.facts.sha256,
            "note": image.facts.note,
            **({} if image.boxes is None else {"boxes": image.boxes}),
        }
        for number, image in enumerate(images, start=1)
    ]


def _label_text(image: Image, class_names: list[str]) -> str:
    return class_names[image.class_id] if image.boxes is None else hash_text(image.boxes, class_names)


def _result(
    listing: Listing, images: list[Image], thumbs: list[dict[str, Any]], findings: Findings, options: Options
) -> dict[str, Any]:
    class_names = listing.class_names
    rows = ((image.facts.sha256, _label_text(image, class_names), image.split) for image in images)
    train = sum(image.split == "train" for image in images)
    return {
        "content_hash": content_hash(class_names, rows),
        "layout": listing.layout,
        "task": listing.task,
        "class_names": class_names,
        "counts": class_counts(images, class_names),
        "images": len(images),
        "train": train,
        "val": len(images) - train,
        "bytes": sum(image.facts.bytes for image in images),
        "thumbs": thumbs,
        "findings": findings.as_list(),
        "split": "given" if listing.split_given else "stratified",
        "seed": options.seed,
    }


if __name__ == "__main__":
    sys.exit(contract.run(main))
