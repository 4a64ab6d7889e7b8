"""``Client``: one method for each thing that people do with a portal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from slipway import captures, files, logins, lookup, packing, tus, uploads, waiting
from slipway.access import AccessCalls
from slipway.board_calls import BoardCalls
from slipway.errors import NotFound, Refused
from slipway.imports import ModelFiles
from slipway.types import (
    CompiledModel,
    Dataset,
    Deployment,
    Device,
    Evaluation,
    FitSearch,
    Gate,
    Inference,
    Job,
    LayerErrors,
    Me,
    Parity,
    Prediction,
    Report,
    Run,
    Search,
    StoredFile,
    Version,
)
from slipway.waiting import OnChange


def _nothing(value: Any) -> None:
    """The default callback: ignores progress."""


def _id(row: Mapping[str, Any] | int) -> int:
    return row if isinstance(row, int) else int(row["id"])


class Client(AccessCalls, BoardCalls, ModelFiles):
    """A portal, as the owner of a token sees it.

    Without arguments it uses SLIPWAY_URL and SLIPWAY_TOKEN, or the login stored by ``slipway login``. Methods
    take rows or ids; versions and devices also by name, as on the command line: ``Parts@v2``, ``Bench``. For
    everything without a method of its own there are ``get``, ``post``, ``patch``, ``rows`` and ``call``.
    """

    def __init__(
        self, url: str = "", token: str = "", *, cacert: str = "", patience: float | None = None
    ) -> None:
        if not url:
            login = logins.current()
            url, token, cacert = login.url, token or login.token, cacert or login.cacert
        super().__init__(logins.clean_url(url), token, cacert=cacert, patience=patience)

    def me(self) -> Me:
        """The token's owner, team and scopes."""
        return self.get("me/")

    # --- datasets

    def datasets(self, **filters: Any) -> Iterator[Dataset]:
        return self.rows("datasets/", **filters)

    def version(self, name: str) -> Version:
        """A version by ``Parts`` (its newest), ``Parts@v2`` or ``Parts@5d41402a`` (a hash prefix)."""
        return lookup.version(self, name)

    def upload(
        self,
        path: str | Path,
        dataset: str,
        options: Mapping[str, Any] | None = None,
        *,
        wait: bool = True,
        on_bytes: Callable[[int], None] = _nothing,
        on_change: OnChange = _nothing,
        piece: int = tus.PIECE,
    ) -> Version:
        """Upload a folder or an archive as the next version of ``dataset`` and wait for its check.

        An interrupted upload, also of an earlier call, is resumed. If the content equals the dataset's newest
        version, that version is returned and no new one made. ``options`` are fields of ``POST /datasets/``,
        such as ``as``. Raises Refused, or Undecided if a person must review it.
        """
        version = uploads.push(self, packing.source_of(Path(path)), dataset, options, on_bytes, piece)
        return self.checked(version, on_change) if wait else version

    def import_place(
        self,
        place: str,
        path: str,
        dataset: str,
        options: Mapping[str, Any] | None = None,
        *,
        wait: bool = True,
        on_change: OnChange = _nothing,
    ) -> Version:
        """As ``upload``, for ``path`` in a location that the server allows."""
        body = {**(options or {}), "name": dataset, "source": place, "path": path}
        version = self.post("datasets/imports/", json=body)
        return self.checked(version, on_change) if wait else version

    def checked(self, version: Version, on_change: OnChange = _nothing) -> Version:
        """Wait for the check of a version; returns and raises as ``upload`` does."""
        waiting.until_final(self, f"jobs/{version['job']['id']}/", on_change)
        version = uploads.resolve_unchanged(self, version)
        uploads.raise_if_not_ready(version)
        return version

    # --- runs

    def runs(self, **filters: Any) -> Iterator[Run]:
        """Newest first, without steps: ``client.get(f"runs/{id}/")`` returns a run in full."""
        return self.rows("runs/", **filters)

    def run(
        self,
        version: Version | int | str,
        *,
        preset: str = "",
        recipe: str = "",
        chips: Iterable[str] = (),
        devices: Iterable[Device | int | str] = (),
        params: Mapping[str, Any] | None = None,
        name: str = "",
    ) -> Run:
        """Train, convert for each chip and deploy to each device, in one call."""
        known = self.version(version)["id"] if isinstance(version, str) else _id(version)
        body = {
            "dataset_version": known,
            "preset": preset,
            "recipe": recipe,
            "chips": list(chips),
            "devices": [self.device_id(device) for device in devices],
            "params": dict(params or {}),
            "name": name,
        }
        return self.post("runs/", json={key: value for key, value in body.items() if value})

    def wait(self, run: Run | int, *, timeout: float | None = None, on_change: OnChange = _nothing) -> Run:
        """Wait for a run's end and return it. Raises Failed if it did not succeed, or TimeoutError."""
        found = waiting.until_final(self, f"runs/{_id(run)}/", on_change, timeout)
        waiting.succeeded(f"Run {_id(run)}", found)
        return found

    def report(self, run: Run | int) -> Report:
        """Accuracy at each stage, duration of each step, provenance."""
        return self.get(f"runs/{_id(run)}/report/")

    def parity(
        self, run: Run | int, *, max_drop: float | None = None, fail_under: float | None = None
    ) -> Parity:
        """Compare all stages on the same images: losses and causes. Limits, 0 to 1, replace the run's."""
        limits = {"max_drop": max_drop, "fail_under": fail_under}
        given = {name: limit for name, limit in limits.items() if limit is not None}
        return self.get(f"runs/{_id(run)}/parity/", **given)

    def evaluations(self, run: Run | int, stage: str = "") -> list[Evaluation]:
        """The run's evaluations, oldest first; ``stage`` is paddle, onnx, simulator or board."""
        rows = self.get(f"runs/{_id(run)}/")["evaluations"]
        return [row for row in rows if stage in ("", row["stage"])]

    def predictions(self, evaluation: Evaluation) -> list[Prediction]:
        """The predictions of an evaluation, one per image."""
        path = f"jobs/{evaluation['job']}/files/{evaluation['predictions']}"
        return json.loads(self.call("GET", path).content)

    def files(self, run: Run | int) -> list[StoredFile]:
        """A run's files, prefixed with their step: ``train/model.onnx``, ``rv1106/model.rknn``."""
        return [
            {**row, "name": f"{step}/{row['name']}"}
            for step, job in _steps_with_files(self.get(f"runs/{_id(run)}/"))
            for row in self.job_files(job)
        ]

    def job_files(self, job: Job | int) -> list[StoredFile]:
        return self.get(f"jobs/{_id(job)}/files/")

    def download(
        self,
        run: Run | int,
        pattern: str = "*",
        folder: str | Path = ".",
        on_bytes: Callable[[int], None] = _nothing,
    ) -> list[Path]:
        """Download a run's files by name or pattern such as ``*.rknn``, each verified by its SHA-256.

        Interrupted downloads are resumed; existing files are not fetched again. Raises NotFound.
        """
        found = [row for row in self.files(run) if fits(row, pattern)]
        if not found:
            raise NotFound(f"Run {_id(run)} has no file {pattern!r}.")
        return [self.fetch(row, folder, on_bytes) for row in found]

    def fetch(
        self, file: StoredFile, folder: str | Path = ".", on_bytes: Callable[[int], None] = _nothing
    ) -> Path:
        """Download one of ``files`` below ``folder``."""
        target = files.safe_path(Path(folder), file["name"])
        if files.is_here(target, file["sha256"]):
            return target
        return files.download(self, file["url"], target, file["sha256"], on_bytes)

    # --- variants

    def model_of(self, run: Run | int) -> int:
        """The number of the model that a run trains. Raises Refused before its training is queued."""
        model = self.get(f"runs/{_id(run)}/")["model"]
        if model is None:
            raise Refused(f"Run {_id(run)} has no model yet: wait for its training.")
        return model["id"]

    def variants(self, run: Run | int) -> Iterator[CompiledModel]:
        """The run's model as compiled for each chip and with each quantization setting, newest first."""
        return self.rows("compiled-models/", model=self.model_of(run))

    def add_variant(
        self,
        run: Run | int,
        chip: str,
        settings: Mapping[str, Any] | None = None,
        *,
        wait: bool = True,
        on_change: OnChange = _nothing,
    ) -> CompiledModel:
        """Compile the run's model with other settings, such as ``{"algorithm": "mmse"}``. Raises Failed."""
        body = {"model": self.model_of(run), "chip": chip, "quantization": dict(settings or {})}
        row = self.post("compiled-models/", json=body)
        return self._done("compiled-models", row, "The conversion", wait, on_change)

    def choose_variant(self, variant: CompiledModel | int) -> CompiledModel:
        """Choose the variant that is deployed to its chip."""
        return self.post(f"compiled-models/{_id(variant)}/choose/")

    def layer_errors(
        self,
        variant: CompiledModel | int,
        images: int | None = None,
        *,
        wait: bool = True,
        on_change: OnChange = _nothing,
    ) -> LayerErrors:
        """Measure the error of each layer in the simulator. Raises Failed."""
        body = {} if images is None else {"images": images}
        row = self.post(f"compiled-models/{_id(variant)}/layer-errors/", json=body)
        return self._done("layer-errors", row, "The measurement", wait, on_change)

    def search_variant(
        self,
        run: Run | int,
        chip: str,
        allowed_drop: float,
        *,
        wait: bool = True,
        on_change: OnChange = _nothing,
    ) -> Search:
        """Compile variants until one loses no more than ``allowed_drop`` (0.01: a point), and choose it.

        ``met`` says whether one was found, ``outcome`` which one. Raises Failed.
        """
        body = {"model": self.model_of(run), "chip": chip, "allowed_drop": allowed_drop}
        row = self.post("quantization-searches/", json=body)
        return self._done("quantization-searches", row, "The search", wait, on_change)

    def gate(self, run: Run | int) -> list[Gate]:
        """What the team's deployment policies say of the run's compiled models."""
        return self.get(f"runs/{_id(run)}/gate/")

    def evidence(self, deployment: Deployment | int) -> dict[str, str]:
        """The signed evidence of a deployment; ``slipway.evidence.verify`` checks it offline."""
        return self.get(f"deployments/{_id(deployment)}/evidence/")

    # --- what fits a board

    def fit(
        self,
        version: Version | int,
        chip: str,
        minutes: int,
        *,
        wait: bool = True,
        on_change: OnChange = _nothing,
        **goal: Any,
    ) -> FitSearch:
        """Search a recipe and input size that fit a chip, for at most so many minutes.

        ``goal``: ``max_ms``, ``max_cycles``, ``max_memory_bytes``, ``min_accuracy``, ``recipes``,
        ``input_sizes``, ``augmentation``, ``seed``, ``name``. ``met`` says whether something fits,
        ``winner_run`` is the run to deploy. Raises Failed.
        """
        body = {"dataset_version": _id(version), "chip": chip, "budget_minutes": minutes, **goal}
        row = self.post("fit-searches/", json=body)
        return self._done("fit-searches", row, "The search", wait, on_change)

    # --- devices

    def devices(self, **filters: Any) -> Iterator[Device]:
        return self.rows("devices/", **filters)

    def device(self, name: str) -> Device:
        """The device with this name or number. Raises NotFound."""
        return lookup.device(self, name)

    def deploy(
        self,
        run: Run | int,
        device: Device | int | str,
        *,
        override: str = "",
        wait: bool = True,
        on_change: OnChange = _nothing,
    ) -> Deployment:
        """Deploy the model that a run compiled for the device's chip, and measure it there.

        ``override`` is the reason to deploy what the team's policy refuses. Raises Refused if the policy
        refuses it, and Failed if it did not become current.
        """
        body = {"run": _id(run), "device": self.device_id(device), "override": override}
        return self._done(
            "deployments", self.post("deployments/", json=body), "The deployment", wait, on_change
        )

    def rollback(
        self,
        device: Device | int | str,
        release: str | None = None,
        *,
        wait: bool = True,
        on_change: OnChange = _nothing,
    ) -> Deployment:
        """Make an earlier release on the device current again: the given one, or the previous one.

        Raises NotFound if there is none, and Failed if it did not become current.
        """
        rows = self.rows("deployments/", device=self.device_id(device), ordering="-activated_at")
        kept = (row for row in rows if row["kept"] and not row["current"] and row["source"] is None)
        found = next((row for row in kept if release in (None, row["release"])), None)
        if found is None:
            raise NotFound(
                f"The device has no release {release or 'to go back to'}: deploy a run's model to it."
            )
        row = self.post(f"deployments/{found['id']}/rollback/")
        return self._done("deployments", row, "The rollback", wait, on_change)

    def infer(
        self,
        device: Device | int | str,
        images: Iterable[str | Path],
        *,
        wait: bool = True,
        on_change: OnChange = _nothing,
    ) -> Inference:
        """Send images to a device and return its predictions. Raises Failed."""
        parts = [("images", (Path(path).name, Path(path).read_bytes())) for path in images]
        row = self.post(f"devices/{self.device_id(device)}/inferences/", files=parts)
        return self._done("inferences", row, "The inference", wait, on_change)

    def capture(self, device: Device | int | str, dataset: str, **options: Any) -> dict[str, Any] | Version:
        """Capture images with a device's camera for a dataset, see ``captures.take``."""
        made: Any = captures.take(self, self.device_id(device), dataset, **options)
        return self.checked(made) if options.get("commit") else made

    def _done(self, kind: str, row: Any, what: str, wait: bool, on_change: OnChange) -> Any:
        """The row once its job has succeeded."""
        if not wait:
            return row
        job = waiting.until_final(self, f"jobs/{row['job']['id']}/", on_change)
        waiting.succeeded(what, job)
        return self.get(f"{kind}/{row['id']}/")

    # --- jobs

    def jobs(self, **filters: Any) -> Iterator[Job]:
        return self.rows("jobs/", **filters)

    def log(self, job: Job | int, *, follow: bool = False) -> Iterator[str]:
        """A job's log in pieces; with ``follow`` until its end."""
        return waiting.log(self, _id(job), follow)


def fits(file: StoredFile, pattern: str) -> bool:
    """Whether a file's full name, or its name without the step, matches this pattern."""
    name = file["name"]
    return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition("/")[2], pattern)


def _steps_with_files(run: Run) -> list[tuple[str, Job]]:
    names = ((str(step["inputs"].get("chip", step["kind"])), step) for step in run["steps"])
    return [(name, step["job"]) for name, step in names if step["job"] and step["kind"] != "deploy"]
