"""The client's methods for models from elsewhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from slipway import lookup, packing, tus, waiting
from slipway.calls import Calls
from slipway.errors import Refused
from slipway.types import ModelFile, Run, Version
from slipway.waiting import OnChange

USED = 409
MEGABYTE = 1024**2
MOST_BYTES = 512 * MEGABYTE  # as in portal/datasets/upload_limits.py; asked before gigabytes are sent in vain
_nothing: Callable[[Any], None] = lambda value: None  # noqa: E731 - the default callback


class ModelFiles(Calls):
    """Upload ONNX files and Paddle inference models, and compile them."""

    def import_model(
        self,
        path: str | Path,
        name: str = "",
        *,
        wait: bool = True,
        on_bytes: Callable[[int], None] = _nothing,
        on_change: OnChange = _nothing,
        piece: int = tus.PIECE,
    ) -> ModelFile:
        """Upload a model and wait for its inspection; an interrupted upload is resumed.

        Raises Refused or Failed if it cannot be read; ``inspection["refusal"]`` says why one that was read
        cannot be used.
        """
        source = packing.FileSource(Path(path))
        if source.size > MOST_BYTES:
            raise Refused(
                f"{source.filename} has {source.size / MEGABYTE:.0f} MB; a model may have "
                f"{MOST_BYTES // MEGABYTE} MB, since no chip runs a larger one: upload a smaller model."
            )
        metadata = {"filename": source.filename}
        words = json.dumps([source.fingerprint, "model file", metadata], sort_keys=True)
        metadata["fingerprint"] = hashlib.sha256(words.encode()).hexdigest()
        with self.patient(waiting.PATIENCE_SECONDS):
            known = tus.find(self, metadata["fingerprint"])

        def sent(upload: Any) -> ModelFile:
            with self.patient(waiting.PATIENCE_SECONDS):
                address = f"uploads/{upload['id']}/" if upload else tus.announce(self, source, metadata)
                tus.send(self, address, source, on_bytes, piece)
            number = address.rstrip("/").rpartition("/")[2]
            return self.post("model-files/", json={"upload": number, **({"name": name} if name else {})})

        try:
            row = sent(known)
        except Refused as refusal:
            if known is None or refusal.status != USED:
                raise
            row = sent(None)  # an earlier import has the one that was found
        return self.inspected(row, on_change) if wait else row

    def inspected(self, file: ModelFile | int, on_change: OnChange = _nothing) -> ModelFile:
        """Wait for the inspection of a file. Raises Refused or Failed."""
        number = file if isinstance(file, int) else file["id"]
        row = self.get(f"model-files/{number}/")
        job = waiting.until_final(self, f"jobs/{row['job']['id']}/", on_change)
        if job["error_kind"] == "input":
            raise Refused(job["message"])
        waiting.succeeded("The inspection", job)
        return self.get(f"model-files/{number}/")

    def compile_file(
        self,
        file: ModelFile | int,
        version: Version | int | str,
        *,
        chips: Iterable[str] = (),
        devices: Iterable[int | str] = (),
        **choices: Any,
    ) -> Run:
        """Start a run that compiles the file, calibrated and measured on a dataset version.

        ``choices``: ``labels``, ``input_size``, ``mean``, ``std``, ``model_order``, ``output``, ``params``,
        ``name``.
        """
        number = file if isinstance(file, int) else file["id"]
        if isinstance(version, str):
            version = lookup.version(self, version)
        known = version["id"] if isinstance(version, Mapping) else version
        boards = [lookup.device(self, one)["id"] if isinstance(one, str) else one for one in devices]
        body = {"dataset_version": known, "chips": list(chips), "devices": boards, **choices}
        return self.post(
            f"model-files/{number}/compile/", json={k: v for k, v in body.items() if v or v == 0}
        )
