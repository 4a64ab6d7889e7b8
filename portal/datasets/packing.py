"""Writing the staged layout: what training and conversion get as their dataset folder."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from .boxes import rows

TRAIN, VAL, LABELS, INDEX = "train.txt", "val.txt", "label.txt", "index.jsonl"


def content_hash(class_names: Sequence[str], rows: Iterable[tuple[str, str, str]]) -> str:
    """Return the SHA-256 over the class names in their order and the rows, which must be sorted.

    A row is (image sha256, class name, split); for a detection set the class name is the text of the
    image's boxes. The order of the names belongs to the content: it is what
    the ids in train.txt and val.txt mean.
    """
    digest = hashlib.sha256(("\n".join(class_names) + "\n\n").encode("utf-8"))
    for row in rows:
        digest.update(("\t".join(row) + "\n").encode("utf-8"))
    return digest.hexdigest()


def pack(
    target: Path,
    class_names: Sequence[str],
    records: Sequence[dict[str, Any]],
    files: Sequence[Path],
    advance: Callable[[int], None],
) -> None:
    """Write ``records`` and their image ``files`` as an uncompressed tar at ``target``.

    A record is a line of index.jsonl: its ``name`` is ``images/000001.png``, its ``class_id`` an index
    into ``class_names``, None in a detection set, whose lists name images alone and whose
    records have their ``boxes``, flat. Each file is removed
    once it is in the tar, so that the disk holds every image about once. Equal input gives equal bytes.
    index.jsonl comes last: a tar that has it is whole.
    """
    temporary = target.with_name(target.name + ".tmp")
    with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number, (record, path) in enumerate(zip(records, files, strict=True), start=1):
            with path.open("rb") as content:
                _add(tar, record["name"], record["bytes"], content)
            path.unlink()
            advance(number)
        for name, lines in _lists(class_names, records).items():
            content = "".join(line + "\n" for line in lines).encode("utf-8")
            _add(tar, name, len(content), io.BytesIO(content))
    os.replace(temporary, target)


def _add(tar: tarfile.TarFile, name: str, size: int, content: BinaryIO) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o644
    tar.addfile(member, content)


def _lists(class_names: Sequence[str], records: Sequence[dict[str, Any]]) -> dict[str, Iterable[str]]:
    def listed(split: str) -> Iterable[str]:
        wanted = (r for r in records if r["split"] == split)
        return (r["name"] if r["class_id"] is None else f"{r['name']} {r['class_id']}" for r in wanted)

    return {
        TRAIN: listed("train"),
        VAL: listed("val"),
        LABELS: (f"{class_id} {name}" for class_id, name in enumerate(class_names)),
        INDEX: (json.dumps(record, ensure_ascii=False, default=rows) for record in records),
    }
