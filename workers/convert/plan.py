"""A conversion job's parameters, validated before any tool starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.contract import InputError
from workers.contract.messages import msg
from workers.contract.quantization import ALGORITHMS, CHOICES, FLOAT_DTYPE, METHODS
from workers.contract.tasks import task_of
from workers.convert.tasks import TASKS

CHANNEL_ORDERS = ("rgb", "bgr")


@dataclass(frozen=True)
class Plan:
    """One conversion. ``mean`` and ``std`` are RGB, for pixels scaled to 0..1; sizes are pixels.

    ``task`` names a class of ``workers/convert/tasks/``.
    """

    task: str
    onnx: Path
    dataset: Path
    chip: dict[str, Any]
    channel_order: str
    mean: list[float]
    std: list[float]
    input_size: tuple[int, int]
    class_names: list[str]
    calibration_count: int = 100
    calibration_seed: int = 0
    calibration_choice: str = "balanced"
    dtype: str | None = None
    algorithm: str = "normal"
    method: str = "channel"
    int16_layers: list[str] = field(default_factory=list)
    provenance: dict[str, str] = field(default_factory=dict)
    # The network's class for each class of the dataset, or None; None if it has the same classes.
    class_map: list[int | None] | None = None
    onnx_predictions: Path | None = None  # in float, of an earlier conversion of the same model

    @property
    def dataset_classes(self) -> int:
        return len(self.class_names if self.class_map is None else self.class_map)

    @property
    def quantized(self) -> bool:
        return self.dtype != FLOAT_DTYPE


def read_plan(spec: dict[str, Any]) -> Plan:
    """Return the Plan in ``spec.json``; raise InputError naming what is missing or invalid."""
    try:
        inputs, params = spec["inputs"], spec["params"]
        calibration, quantization = params.get("calibration") or {}, params.get("quantization") or {}
        width, height = params["input_size"]
        plan = Plan(
            task=task_of(spec, TASKS).name,
            onnx=Path(inputs["onnx"]),
            dataset=Path(inputs["dataset"]),
            chip=params["chip"],
            channel_order=params["channel_order"],
            mean=[float(value) for value in params["mean"]],
            std=[float(value) for value in params["std"]],
            input_size=(int(width), int(height)),
            class_names=list(params["class_names"]),
            calibration_count=int(calibration.get("count", 100)),
            calibration_seed=int(calibration.get("seed", 0)),
            calibration_choice=calibration.get("choice") or "balanced",
            dtype=quantization.get("dtype"),
            algorithm=quantization.get("algorithm") or "normal",
            method=quantization.get("method") or "channel",
            int16_layers=[str(name) for name in quantization.get("int16_layers") or []],
            class_map=params.get("class_map"),
            provenance=dict(params.get("provenance") or {}),
            onnx_predictions=Path(inputs["onnx_predictions"]) if inputs.get("onnx_predictions") else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            msg(
                "The conversion job's specification is incomplete ({kind}: {error}): start it "
                "again from the portal.",
                kind=type(error).__name__,
                error=error,
            )
        ) from error
    check_plan(plan)
    return plan


def check_plan(plan: Plan) -> None:
    """Raise InputError if the plan cannot work on this chip, whatever the model."""
    chip = plan.chip
    if plan.channel_order not in CHANNEL_ORDERS:
        raise InputError(
            msg(
                "The channel order must be rgb or bgr, not {channel_order}.",
                channel_order=repr(plan.channel_order),
            )
        )
    if len(plan.mean) != 3 or len(plan.std) != 3 or min(plan.std) <= 0:
        raise InputError(msg("Mean and standard deviation need three numbers each, and no deviation of 0."))
    if plan.calibration_count < 1:
        raise InputError(msg("Calibration needs at least one image: ask for 20 to 100."))
    for value, known in (
        (plan.calibration_choice, CHOICES),
        (plan.algorithm, ALGORITHMS),
        (plan.method, METHODS),
    ):
        if value not in known:
            raise InputError(
                msg("There is no {given}: choose one of {known}.", given=repr(value), known=", ".join(known))
            )
    if plan.int16_layers and not plan.quantized:
        raise InputError(msg("A float model has no 16-bit layers to choose: leave them out, or choose int8."))
    if not plan.quantized and chip.get("int8_only"):
        raise InputError(
            msg(
                "{title} runs int8 models only: choose int8 instead of {dtype}.",
                title=chip["title"],
                dtype=plan.dtype,
            )
        )
    check_input_size(chip, plan.input_size)


def check_input_size(chip: dict[str, Any], input_size: tuple[int, int]) -> None:
    """Raise InputError if a side of the input exceeds the chip's ``max_input_side``."""
    limit = chip.get("max_input_side")
    if min(input_size) < 1 or (limit and max(input_size) > limit):
        width, height = input_size
        raise InputError(
            msg(
                "An input of {width}×{height} pixels is too large for {title}, which takes at "
                "most {limit}×{limit}: train at a smaller size.",
                width=width,
                height=height,
                title=chip["title"],
                limit=limit,
            )
        )


def check_memory(chip: dict[str, Any], weight_bytes: int, feature_bytes: int) -> None:
    """Raise InputError if weights and feature maps together exceed the chip's memory for models."""
    limit = chip.get("model_memory_mb")
    needed = (weight_bytes + feature_bytes) / 2**20
    if limit and needed > limit:
        raise InputError(
            msg(
                "The model needs {needed} MB on {title}, which has {limit} MB for models: train "
                "a smaller recipe or at a smaller input size.",
                needed=f"{needed:.0f}",
                title=chip["title"],
                limit=limit,
            )
        )
