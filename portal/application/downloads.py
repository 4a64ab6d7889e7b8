"""The application as a package to download."""

from __future__ import annotations

import io
import json
import zipfile
from string import Template

from portal import tasks
from portal.application import package
from portal.deployment import running
from portal.devices.models import Device

MOMENT = (1980, 1, 1, 0, 0, 0)  # the same settings give the same bytes
DEFAULT = {
    "source": {"kind": "camera", "size": [640, 480]},
    "every_ms": 200,
    "only_changes": False,
    "outputs": [{"kind": "file", "path": "predictions.jsonl"}],
}
CPP = ("CMakeLists.txt", "README.md")
FILLED_IN = "slipway_app.h"


def zipped(device: Device) -> bytes:
    """``app/`` as it lies on the board, with the settings chosen for it, without passwords; and ``cpp/``."""
    found = getattr(device, "application", None)
    config = found.config if found else DEFAULT
    files = {f"app/{name}": data for name, data in package.files_of(device.board_profile, config).items()}
    if device.board_profile.driver == "lockzhiner":
        files |= {f"cpp/{name}": data for name, data in _cpp(device).items()}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, MOMENT)
            info.external_attr = (0o755 if name.endswith(".sh") else 0o644) << 16
            archive.writestr(info, data)
    return target.getvalue()


def _cpp(device: Device) -> dict[str, bytes]:
    """A C++ main for the vendor's SDK, for the task and labels of the device's current model.

    Nothing for a task that this release does not know.
    """
    deployment = running.current_deployment(device)
    model = deployment.compiled_model.model if deployment else None
    task = model.task if model else "classification"
    if not tasks.get(task).is_known:
        return {}
    labels = model.dataset_version.class_names if model else []
    values = {
        "labels": "{" + ", ".join(json.dumps(name, ensure_ascii=False) for name in labels) + "}",
        "root": json.dumps(device.board_profile.root),
        "score": (model.shown_from if model else None) or 0,
    }
    folder = package.TEXTS / "cpp"
    texts = {name: (folder / name).read_text(encoding="utf-8") for name in CPP}
    for name, source in (("main.cpp", f"{task}.cpp"), (FILLED_IN, FILLED_IN)):
        texts[name] = Template((folder / source).read_text(encoding="utf-8")).substitute(values)
    return {name: text.encode() for name, text in texts.items()}
