"""Builds a board's release folder from a conversion's artifacts: files, hashes, golden images."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.core import configs
from portal.devices.errors import BoardError
from portal.devices.pictures import as_png
from portal.devices.remote_runner import Profile, program
from workers.contract.messages import msg

SCHEMA = 1
# The programs that run on a board; the last two are shared with the other programs.
PROGRAMS = (
    "board/runner.py",
    "board/drivers.py",
    "board/tasks.py",
    "datakit/decoding/detector.py",
    "datakit/scoring/matching.py",
)
GOLDEN_COUNT = 3
RELEASE_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")


class ReleaseError(BoardError):
    """The artifacts do not form a release that the board can run."""

    code = "bad-release"


@dataclass(frozen=True)
class Release:
    """The complete content of a release: relative names ("golden/0.png") to bytes, and the manifest."""

    id: str
    files: Mapping[str, bytes | Path]
    manifest: Mapping[str, Any]

    @property
    def manifest_bytes(self) -> bytes:
        return self.files["manifest.json"]  # type: ignore[return-value]

    @property
    def manifest_sha256(self) -> str:
        return hashlib.sha256(self.manifest_bytes).hexdigest()

    @property
    def upload(self) -> str:
        """Identifies the content: another attempt with the same content resumes an interrupted upload."""
        content = sorted((name, facts["sha256"]) for name, facts in self.manifest["files"].items())
        return f"upload-{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]}"

    @property
    def total_bytes(self) -> int:
        return sum(map(size_of, self.files.values()))


def size_of(content: bytes | Path) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def check_rknn(path: Path, chip: str) -> None:
    """Reject a file that is not an RKNN model, or is compiled for another chip.

    Format as observed with rknn-toolkit2 2.3.2: magic "RKNN", and in the JSON at its end
    ``"target_platform":["rv1106"]``. Raises ReleaseError.
    """
    data = path.read_bytes()
    if not data.startswith(b"RKNN"):
        raise ReleaseError(msg("{name} is not an RKNN model: run the conversion again.", name=path.name))
    found = re.search(rb'"target_platform"\s{0,9}:[\s\[]{0,9}"([A-Za-z0-9]{1,40})"', data)
    if found is None:
        raise ReleaseError(
            msg("{name} is cut short or damaged, it names no chip: run the conversion again.", name=path.name)
        )
    if found.group(1).decode().lower() != chip.lower():
        raise ReleaseError(
            msg(
                "This model was made for {made_for} and the board has a {chip}: convert it for {chip}.",
                made_for=configs.title(configs.chips(), found.group(1).decode()),
                chip=configs.title(configs.chips(), chip),
            )
        )


def check_id(release_id: str) -> None:
    """Reject an invalid name for a release folder. Raises ReleaseError."""
    if not RELEASE_ID.match(release_id) or release_id.endswith((".part", ".old")):
        raise ReleaseError(
            msg(
                "{release_id} cannot name a release: use letters, digits, '.', '_' and '-'.",
                release_id=repr(release_id),
            )
        )


def build_release(
    release_id: str,
    profile: Profile,
    *,
    model: Path,
    class_names: Sequence[str],
    input_size: Sequence[int],
    mean: Sequence[float],
    std: Sequence[float],
    task: str,
    golden: Sequence[tuple[bytes | Path, Mapping[str, Any]]],
    provenance: Mapping[str, str],
    score_threshold: float | None = None,
    build_onnx: Path | None = None,
    calibration: Path | None = None,
) -> Release:
    """Build a release from local files.

    ``golden`` pairs image contents with the fields expected in the board's response. ``score_threshold`` is a
    detector's: the board's program shows the boxes from it on. ``build_onnx`` and
    ``calibration`` are required, and used, only if the profile needs the simulator. Raises ReleaseError.
    """
    check_id(release_id)
    if not golden:
        raise ReleaseError(
            msg("A release needs a golden image: keep images for validation or the test, then convert again.")
        )
    check_rknn(model, profile.chip)
    files: dict[str, bytes | Path] = {
        "model.rknn": model,
        "labels.txt": "".join(f"{name}\n" for name in class_names).encode(),
        **{path.rpartition("/")[2]: program(path) for path in PROGRAMS},
    }
    for number, (picture, _) in enumerate(golden):
        files[f"golden/{number}.png"] = as_png(picture)
    if profile.needs_simulator:
        if build_onnx is None or calibration is None:
            raise ReleaseError(
                msg("A virtual board needs build.onnx and calibration.zip: run the conversion again.")
            )
        files.update({"sim/build.onnx": build_onnx, "sim/calibration.zip": calibration})
    manifest = {
        "schema": SCHEMA,
        "release": release_id,
        "task": task,
        "driver": profile.driver,
        "files": {name: _facts(content) for name, content in files.items()},
        "input_size": list(input_size),
        "channel_order": profile.channel_order,
        "mean": list(mean),
        "std": list(std),
        "class_names": list(class_names),
        **({} if score_threshold is None else {"score_threshold": score_threshold}),
        "golden": [
            {"image": f"golden/{number}.png", **expected} for number, (_, expected) in enumerate(golden)
        ],
        "provenance": dict(provenance),
    }
    files["manifest.json"] = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode()
    return Release(release_id, files, manifest)


def _facts(content: bytes | Path) -> dict[str, Any]:
    data = content if isinstance(content, bytes) else content.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def golden_facts(built: Release, answers: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the board predicted for the golden images, for the deployment's evidence."""
    by_image = {answer.get("image"): answer for answer in answers}
    found = []
    for entry in built.manifest["golden"]:
        image, expected = entry["image"], {key: value for key, value in entry.items() if key != "image"}
        answer = by_image.get(image, {})
        found.append(
            {
                "image": image,
                "sha256": built.manifest["files"][image]["sha256"],
                "expected": expected,
                "predicted": {key: answer.get(key) for key in expected},
            }
        )
    return found
