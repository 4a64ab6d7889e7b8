"""Putting a stored dataset into the local cache, where jobs on this machine share it."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tarfile
from pathlib import Path

from .errors import StagingError, full_disk_is_input_error
from .packing import INDEX, LABELS, TRAIN, VAL

_MEMBER = re.compile(r"(images/[0-9]{6,}\.(jpg|png|bmp|webp)|train\.txt|val\.txt|label\.txt|index\.jsonl)")


def unpack_dataset(tar_path: str | os.PathLike[str], target_dir: str | os.PathLike[str]) -> Path:
    """Unpack ``dataset.tar`` into ``target_dir`` and return that folder; return it at once if it is there.

    Name ``target_dir`` after the content hash: what has that name is complete and never changes. Any
    number of processes may ask for the same folder; one unpacks, the others wait. Raises StagingError
    for a tar that is damaged or not one of ours, InputError when the disk is full.
    """
    target = Path(target_dir)
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _unpack_and_rename(Path(tar_path), target)
    return target


def _unpack_and_rename(tar_path: Path, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.tmp")
    # Only the holder of the lock is here: what lies there was left by a process that was killed.
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / "images").mkdir(parents=True)
    try:
        with full_disk_is_input_error():
            _unpack(tar_path, temporary)
        os.rename(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _unpack(tar_path: Path, folder: Path) -> None:
    try:
        with tarfile.open(tar_path, "r:") as tar:
            for member in tar:
                if not member.isreg() or not _MEMBER.fullmatch(member.name):
                    raise StagingError(
                        f"The stored dataset {tar_path.name} holds {member.name!r}, which does not belong "
                        "there: upload the dataset again."
                    )
                with tar.extractfile(member) as source, (folder / member.name).open("xb") as file:
                    shutil.copyfileobj(source, file)
    except (tarfile.TarError, EOFError, FileExistsError) as error:
        raise StagingError(
            f"The stored dataset {tar_path.name} is damaged ({error}): upload the dataset again."
        ) from error
    missing = [name for name in (TRAIN, VAL, LABELS, INDEX) if not (folder / name).is_file()]
    if missing:
        raise StagingError(
            f"The stored dataset {tar_path.name} is incomplete ({', '.join(missing)} missing): "
            "upload the dataset again."
        )
