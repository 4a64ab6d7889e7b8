"""API rows with the fields that scripts use most; responses may contain more."""

from __future__ import annotations

from typing import Any, TypedDict


class Me(TypedDict):
    """The caller; ``scopes`` is None for a password."""

    id: int
    username: str
    email: str
    language: str
    team: int
    role: str
    scopes: list[str] | None
    expires_at: str | None


class Job(TypedDict):
    """One execution; ``status`` is queued, running, cancelling, succeeded, failed or cancelled."""

    id: int
    kind: str
    queue: str
    priority: int
    status: str
    phase: str
    percent: float | None
    attempt: int
    retry_of: int | None
    created_by: str | None
    queued_at: str
    started_at: str | None
    finished_at: str | None
    seconds: float | None
    tool_seconds: dict[str, Any]
    error_kind: str | None
    message: str
    log_bytes: int


class Dataset(TypedDict):
    """A named set of images; ``newest_version`` is an id."""

    id: int
    name: str
    created_by: str | None
    created_at: str
    deleted_at: str | None
    versions: int
    newest_version: int | None
    stored_bytes: int
    reading: dict[str, Any] | None


class Version(TypedDict):
    """``state`` is extracting, checking, review, ready or refused."""

    id: int
    dataset: int
    dataset_name: str
    number: int
    state: str
    status: str
    message: str
    upload_name: str
    content_hash: str
    class_names: list[str]
    counts: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    layout: str
    task: str
    split: str
    training_refusals: list[str]
    images: int
    train_images: int
    val_images: int
    bytes: int
    parent: int | None
    diff: dict[str, Any] | None
    created_at: str
    deleted_at: str | None
    job: Job


class StoredFile(TypedDict):
    """A file that a job made."""

    name: str
    size: int
    sha256: str
    url: str


class Evaluation(TypedDict):
    """Metrics of one artifact on one engine; ``value`` is 0 to 1, ``predictions`` a file of the job."""

    id: int
    model: int
    compiled_model: int | None
    device: int | None
    job: int
    stage: str
    engine: str
    dataset_version: int
    split: str
    images: int
    value: float | None
    metrics: dict[str, Any]
    parity: dict[str, Any]
    predictions: str
    created_at: str


class CompiledModel(TypedDict):
    """A model compiled for a chip; ``chosen``: of its variants, this one is deployed."""

    id: int
    model: int
    job: Job
    chip: str
    channel_order: str
    quantization: dict[str, Any]
    chosen: bool
    facts: dict[str, Any]


class LayerErrors(TypedDict):
    """The error of each layer of a compiled model, from input to output."""

    id: int
    compiled_model: int
    job: Job
    images: int
    layers: list[dict[str, Any]]


class Search(TypedDict):
    """A quantization search; ``met`` is None until its end. ``variants`` are those that it compiled."""

    id: int
    model: int
    chip: str
    channel_order: str
    allowed_drop: float
    status: str
    job: Job
    met: bool | None
    outcome: str
    found: int | None
    variants: list[CompiledModel]


class ModelFile(TypedDict):
    """A model from elsewhere; ``inspection`` is None until its job has succeeded."""

    id: int
    name: str
    filename: str
    bytes: int
    job: Job
    inspection: dict[str, Any] | None
    created_at: str


class FitSearch(TypedDict):
    """A search for a model that fits a chip; ``met`` is None until its end, ``winner`` a candidate's id."""

    id: int
    name: str
    dataset_version: int
    task: str
    chip: str
    channel_order: str
    limits: dict[str, Any]  # None is no limit
    budget_seconds: int
    status: str
    job: Job
    met: bool | None
    outcome: str
    winner: int | None
    winner_run: int | None
    candidates: list[dict[str, Any]]
    created_at: str


class Device(TypedDict):
    """A registered board."""

    id: int
    name: str
    profile: str
    virtual: bool
    host: str
    port: int
    username: str
    auth: str
    host_key: str
    probe: dict[str, Any]
    probe_job: Job | None
    seen_at: str | None
    problem: str
    current_release: str | None
    reported_at: str | None
    created_at: str
    factory_password: bool | None
    jump: int | None
    newer_model: int | None
    tags: list[str]


class AccessChange(TypedDict):
    """A change of how a device is signed in to; ``action`` is install-key, change-password or undo."""

    id: int
    device: int
    action: str
    job: Job
    public_key: str
    created_by: str | None
    created_at: str
    done_at: str | None
    undone_at: str | None


class PasswordChange(AccessChange):
    """A change of a device's password; ``password`` is set if it was generated, and told only once."""

    password: str | None


class Deployment(TypedDict):
    """One attempt to make a release current on a device."""

    id: int
    run: int | None
    compiled_model: int
    device: int
    device_name: str
    virtual: bool
    job: Job
    release: str
    placed: Any
    current: bool
    state: str
    kept: bool
    source: int | None
    engine: str
    evaluation: Evaluation | None
    activated_at: str | None
    rolled_back_at: str | None


class Inference(TypedDict):
    """Images sent to a device, with what it predicted."""

    id: int
    device: int
    release: str
    engine: str
    created_at: str
    job: Job
    images: list[dict[str, Any]]


class Verdict(TypedDict):
    """How usable a run's model is: good, doubtful or worthless, and why."""

    grade: str
    sentence: str
    advice: str


class Step(TypedDict):
    """One node of a run's graph; ``job`` is its current attempt."""

    id: int
    kind: str
    title: str
    position: int
    needs: list[int]
    inputs: dict[str, Any]
    device: int | None
    job: Job | None
    withheld: str


class Quality(TypedDict):
    """Whether a run's models meet its limits: ``state`` is passed or failed. Limits are 0 to 1."""

    state: str
    max_drop: float
    fail_under: float | None
    misses: list[dict[str, Any]]


class Gate(TypedDict):
    """A deployment policy's decision about a compiled model; ``limits`` is empty without a policy."""

    compiled_model: int
    chip: str
    passed: bool
    limits: dict[str, Any]
    misses: list[dict[str, Any]]


class Parity(TypedDict):
    """All stages on the same images: one branch per compiled model."""

    run: int
    name: str
    metric: dict[str, Any]
    split: str
    score_threshold: float | None
    quality: Quality | None
    branches: list[dict[str, Any]]


class Run(TypedDict):
    """The whole plan for one version. Lists leave out ``steps`` and what the run made."""

    id: int
    name: str
    notes: str
    tags: list[str]
    status: str
    message: str
    task: str
    dataset: str
    dataset_version: int
    dataset_sha256: str
    preset: str
    recipe: str
    params: dict[str, Any]
    created_by: str | None
    created_at: str
    finished_at: str | None
    deleted_at: str | None
    cloned_from: int | None
    ingest_job: Job
    steps: list[Step]
    model: dict[str, Any] | None
    compiled_models: list[dict[str, Any]]
    deployments: list[Deployment]
    evaluations: list[Evaluation]
    verdict: Verdict | None
    quality: Quality | None


class Report(TypedDict):
    """The content of a run's ``report.json``; values are of its metric, 0 to 1, None if not measured."""

    run: int
    name: str
    status: str
    message: str
    task: str
    metric: dict[str, Any]
    verdict: Verdict | None
    quality: Quality | None
    dataset: dict[str, Any]
    recipe: str
    params: dict[str, Any]
    paddle_value: float | None
    models: list[dict[str, Any]]
    boards: list[dict[str, Any]]
    baselines: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    seconds: dict[str, Any]
    notices: list[str]
    versions: dict[str, Any]
    notes: str
    tags: list[str]
    provenance: dict[str, Any]


Prediction = dict[str, Any]  # what an engine predicted for one image; its fields depend on the task
