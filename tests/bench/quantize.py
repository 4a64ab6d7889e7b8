"""Measures the search of a quantization within a budget, on a model that int8 ruins.

    .venv/bin/python -m tests.bench.quantize [--var FOLDER] [--points 1] [--factor 256]

Trains PP-LCNet x0.25 on the digits as ``manage.py demo`` does, in an empty folder, or takes the finished demo
in FOLDER, which it changes. Then it stretches some channels of the ONNX model without changing what it
computes (``quantizing/stress.py``), and searches for rv1106. The last line is one JSON object:

- ``float``, ``int8``: top-1 of the stretched model in ONNX and with the usual settings, per cent;
- ``found``, ``drop``: top-1 of the variant that was chosen, per cent, and what it loses, points; at most
  ``--points`` is the aim, and ``met`` says whether it is reached;
- ``tried``: the drop of each variant in the order of the search, with its settings;
- ``seconds``: of the whole search.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.detector_costs import run

ROOT = Path(__file__).resolve().parents[2]
ONNX = "model.slim.onnx"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--var", type=Path)
    parser.add_argument("--points", type=float, default=1.0)
    parser.add_argument("--factor", type=float, default=256.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-quantize-") as folder:
        environment = {"SLIPWAY_VAR": str(options.var or folder), "DEMO_EXIT": "1", "PYTHONPATH": str(ROOT)}
        os.environ.update(environment, DJANGO_SETTINGS_MODULE="portal.settings")
        command = ["migrate"] if options.var else ["demo"]
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, check=True)
        print(json.dumps(measure(Path(folder), options)))


def measure(folder: Path, options: argparse.Namespace) -> dict:
    import django

    django.setup()
    from portal.compilation import quantization, search, variants
    from portal.jobs import services as jobs
    from portal.models.models import CompiledModel, Model

    model = Model.objects.earliest("pk")
    stretch(model, folder, options.factor)
    CompiledModel.objects.filter(model=model).exclude(pk=model.compiled_models.earliest("pk").pk).delete()
    usual = model.compiled_models.get()
    target = {"chip": usual.chip, "channel_order": usual.channel_order}
    # What was measured before is of the model as it was.
    CompiledModel.objects.filter(pk=usual.pk).update(job=jobs.submit("convert", model.team, model.created_by))
    begun = time.monotonic()
    work()
    started = search.start(model, model.created_by, **target, allowed_drop=options.points / 100)
    work()
    started.refresh_from_db()
    found = variants.variants_of(started.variants)
    chosen = next(one for one in found if one.compiled.chosen)
    return {
        "float": round(100 * (found[0].value + found[0].drop), 2),
        "int8": round(100 * found[0].value, 2),
        "found": round(100 * chosen.value, 2),
        "drop": round(100 * chosen.drop, 2),
        "met": started.met,
        "tried": [
            (round(100 * one.drop, 2), str(quantization.words(one.settings)))
            for one in found
            if one.is_measured
        ],
        "outcome": str(started.outcome),
        "seconds": round(time.monotonic() - begun),
    }


def stretch(model, folder: Path, factor: float) -> None:
    """Put the stretched model in the place of the one that was trained."""
    from django.core.files.base import ContentFile

    from portal.core.files import fetch_artifact

    source, target = fetch_artifact(model.job, ONNX, folder / "trained.onnx"), folder / "stretched.onnx"
    run("convert", "quantizing.stress", str(source), str(target), str(factor))
    artifact, content = model.job.artifacts.get(name=ONNX), target.read_bytes()
    artifact.sha256 = hashlib.sha256(content).hexdigest()
    artifact.file.save(f"stretched/{ONNX}", ContentFile(content))


def work() -> None:
    """Do every queued job, and those that they lead to, as the Celery workers would."""
    from portal.jobs import execution
    from portal.jobs.models import Job, Status

    def waiting():
        return Job.objects.filter(status=Status.QUEUED).order_by("pk").values_list("pk", flat=True)

    while any([execution.execute(pk) for pk in list(waiting())]):
        pass


if __name__ == "__main__":
    main()
