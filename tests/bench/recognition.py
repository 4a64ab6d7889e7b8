"""Measures whether uploads are read as their authors meant them.

    .venv/bin/python -m tests.bench.recognition [--seed 0] [--only NAME] [--keep FOLDER] [--quiet]

Draws uploads in the layouts that people publish (``layouts/``), runs the check program on each and holds
what it made of them against what their authors meant. Prints one JSON object as its last line:

- ``layouts``: how many uploads were drawn.
- ``right``: those that became ready as meant, and ``refused_rightly``: those in which no reading is certain,
  or whose labels stand in a form that need not be read, and that were asked about or refused.
- ``asked``: those that can be read and were asked about or refused all the same; ``asked_percent`` of all.
- ``hidden``: those that were asked about or refused with a sentence that names none of the files with labels.
- ``wrong``: those that became ready with a class, label or split that the author did not mean, with images
  that the author did not label, or without some that the author labelled; and those that crashed. ``faults``
  says what is wrong with each.

The seed changes the names of classes and the pictures. It ends with 1 when anything is wrong, or when more
than a tenth is asked about.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.bench.layouts import uploads
from tests.bench.layouts.outcome import checked, verdict

MAX_ASKED = 0.1
FAULTS_SHOWN = 3


def measure(seed: int, only: str, folder: Path, quiet: bool) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    faults: dict[str, list[str]] = {}
    asked: dict[str, str] = {}
    hidden: dict[str, str] = {}
    for upload in uploads(seed, only):
        outcome = checked(upload, folder / upload.name)
        word, found = verdict(upload, outcome)
        counts[word] += 1
        if word == "wrong":
            faults[upload.name] = found[:FAULTS_SHOWN]
        elif word == "asked":
            asked[upload.name] = outcome.sentence[:300]
        if word != "wrong" and found:
            hidden[upload.name] = outcome.sentence[:300]
        if not quiet:
            print(f"{word:15} {upload.name}: {outcome.state}", found[:1] or outcome.sentence[:200])
    total = counts.total()
    return {
        "layouts": total,
        "right": counts["right"],
        "refused_rightly": counts["refused_rightly"],
        "asked": counts["asked"],
        "asked_percent": round(100 * counts["asked"] / max(1, total), 1),
        "wrong": counts["wrong"],
        "hidden": len(hidden),
        "faults": faults,
        "questions": asked,
        "hiding": hidden,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="uploads whose name contains this")
    parser.add_argument("--keep", type=Path, help="an empty folder to leave the uploads and results in")
    parser.add_argument("--quiet", action="store_true", help="print the last line alone")
    given = parser.parse_args()
    if given.keep is not None:
        given.keep.mkdir(parents=True, exist_ok=True)
        found = measure(given.seed, given.only, given.keep, given.quiet)
    else:
        with tempfile.TemporaryDirectory(prefix="slipway-recognition-") as folder:
            found = measure(given.seed, given.only, Path(folder), given.quiet)
    print(json.dumps(found, ensure_ascii=False))
    return int(found["wrong"] > 0 or found["asked"] > MAX_ASKED * found["layouts"])


if __name__ == "__main__":
    sys.exit(main())
