"""The conversion job, step by step: swap, calibrate, build, check, measure. Starts the other kinds too."""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from workers.contract import JobFolder, run
from workers.contract.messages import msg
from workers.contract.splits import TRAIN, measured_split
from workers.convert import baseline, channels, dataset, farthest, layer_error, likeness, optable, rknnfile
from workers.convert import plan as plans
from workers.convert.calibration import BuildSettings, pack, write_pictures
from workers.convert.images import load_image, order_channels
from workers.convert.plan import Plan
from workers.convert.rknnfile import custom_string
from workers.convert.simulator import ARCHIVE_NAME, MODEL_NAME, OrtEngine, Simulator
from workers.convert.tasks import TASKS, Task
from workers.convert.tasks.base import Sample
from workers.convert.toolkit import NAME as TOOLKIT
from workers.convert.toolkit import Toolkit, toolkit_version

ONNX_ENGINE = "onnxruntime"
# Shares of the whole job, for the progress bar: measuring takes most of it.
PREPARED, BUILT, WHOLE = 10, 40, 100
SWAP_PROBES = 4
# The larger chips reshape the last logits on the CPU: a copy of a few numbers.
COSTS_NOTHING = {"Reshape"}


def main(folder: JobFolder, spec: dict[str, Any]) -> dict[str, Any]:
    """Run the job that the specification's ``kind`` names."""
    others = {"layer-error": layer_error.main, "baseline": baseline.main}
    return others.get(spec["kind"], convert)(folder, spec)


def convert(folder: JobFolder, spec: dict[str, Any]) -> dict[str, Any]:
    """Convert and measure; return the fields of the result that ``README.md`` lists."""
    plan = plans.read_plan(spec)
    task = TASKS[plan.task]
    folder.progress(0, WHOLE)
    folder.phase(msg("choose calibration images"))
    train, measured = (
        task.read_split(plan.dataset, split, plan.dataset_classes)
        for split in (TRAIN, measured_split(plan.dataset))
    )
    measured = measured if plan.class_map is None else task.translated(measured, plan.class_map)
    chosen = choose_calibration(plan, task, train)
    settings = build_settings(plan, plan.channel_order)
    pictures = write_pictures(
        [plan.dataset / name for name in chosen], plan.input_size, folder.scratch / "calibration"
    )
    pack(folder.artifacts / ARCHIVE_NAME, pictures, settings)
    float_engine = prepare_model(folder, plan, settings, [plan.dataset / name for name in chosen])
    folder.progress(PREPARED, WHOLE)

    text = custom_string(plan.class_names, plan.provenance)
    simulator, cost = build(folder, plan, settings, pictures, text)
    folder.progress(BUILT, WHOLE)
    folder.phase(msg("measure"))
    try:
        evaluations, looks = measure(folder, plan, task, measured, float_engine, simulator)
    finally:
        simulator.close()
    calibrated = (look_of(path, plan.input_size) for path in pictures)
    unlike = likeness.unlike_share(calibrated, looks) if plan.quantized else None
    calibration = {"images": len(pictures), "seed": plan.calibration_seed, "unlike": unlike}
    return finish(folder, plan, cost, evaluations, calibration)


def look_of(picture: Path, size: tuple[int, int]) -> tuple[float, float, float]:
    return likeness.look(load_image(picture, size, "rgb"))


def choose_calibration(plan: Plan, task: Task, samples: list[Sample]) -> list[str]:
    """Return the calibration images, chosen by the plan's method."""
    count, seed = plan.calibration_count, plan.calibration_seed
    if plan.calibration_choice == "balanced":
        return task.choose_calibration(samples, count, seed)
    names = list({sample.image for sample in samples})
    if plan.calibration_choice == "random":
        return dataset.choose_random(names, count, seed)
    return farthest.choose(plan.dataset, names, count, seed)


def build_settings(plan: Plan, channel_order: str) -> BuildSettings:
    """Return the plan's numbers for a model that takes pixels 0..255 in ``channel_order``."""
    turn = -1 if channel_order == "bgr" else 1
    return BuildSettings(
        target_platform=plan.chip["target_platform"],
        channel_order=channel_order,
        mean_values=[value * 255 for value in plan.mean[::turn]],
        std_values=[value * 255 for value in plan.std[::turn]],
        input_size=plan.input_size,
        quantized=plan.quantized,
        dtype=plan.dtype if plan.quantized else None,
        algorithm=plan.algorithm,
        method=plan.method,
        int16_layers=plan.int16_layers,
    )


def prepare_model(folder: JobFolder, plan: Plan, settings: BuildSettings, samples: list[Path]) -> OrtEngine:
    """Write ``build.onnx`` in the board's channel order and return the trained float model, RGB."""
    model = channels.read_model(plan.onnx)
    channels.check_input(model, plan.input_size)
    TASKS[plan.task].check_outputs(channels.output_shapes(model), plan.class_names)
    build_file = folder.artifacts / MODEL_NAME
    with folder.tool(ONNX_ENGINE):
        float_engine = OrtEngine(plan.onnx, build_settings(plan, "rgb"))
    if plan.channel_order == "rgb":
        onnx.save(model, str(build_file))
        return float_engine
    folder.phase(msg("turn the model to BGR"))
    onnx.save(channels.swap_first_convolution(model), str(build_file))
    compare_orders(folder, plan, float_engine, OrtEngine(build_file, settings), samples[:SWAP_PROBES])
    return float_engine


def compare_orders(
    folder: JobFolder, plan: Plan, rgb_engine: OrtEngine, bgr_engine: OrtEngine, samples: list[Path]
) -> None:
    """Raise ToolchainError unless both give equal outputs for noise and for a few training images."""
    width, height = plan.input_size
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    probes = [noise] + [load_image(path, plan.input_size, "rgb") for path in samples]
    with folder.tool(ONNX_ENGINE):
        before = [rgb_engine.outputs(probe) for probe in probes]
        after = [bgr_engine.outputs(order_channels(probe, "rgb", "bgr")) for probe in probes]
    channels.check_same_answers(_numbers(before), _numbers(after))


def _numbers(answers: list[list[np.ndarray]]) -> np.ndarray:
    """Return all outputs for each image as one row of numbers."""
    return np.array([np.concatenate([output.reshape(-1) for output in outputs]) for outputs in answers])


def build(
    folder: JobFolder, plan: Plan, settings: BuildSettings, pictures: list[Path], custom: str
) -> tuple[Simulator, optable.Cost]:
    """Build, check the cost, write and check the .rknn, and start its simulator."""
    kind = "int8" if plan.quantized else "fp16"
    folder.phase(msg("build {kind} model for {name}", kind=kind, name=plan.chip["name"]))
    toolkit = Toolkit(folder.scratch / "toolkit", verbose=True)
    target = folder.artifacts / "model.rknn"
    with folder.tool(TOOLKIT):
        toolkit.build(folder.artifacts / MODEL_NAME, pictures, settings, custom)
    cost = optable.parse_cost(toolkit.log)
    optable.refuse_missing_operators(cost, plan.chip)
    plans.check_memory(plan.chip, cost.weight_bytes or 0, cost.feature_bytes or 0)
    with folder.tool(TOOLKIT):
        toolkit.export(target)
        simulator = Simulator(toolkit, settings)
    rknnfile.check_rknn(target, settings.target_platform, custom)
    return simulator, cost


def measure(
    folder: JobFolder,
    plan: Plan,
    task: Task,
    samples: list[Sample],
    float_engine: OrtEngine,
    simulator: Simulator,
) -> tuple[list[dict[str, Any]], list[tuple[float, float, float]]]:
    """Run both models on each image; return their evaluations, ONNX first, and how the images look.

    Float predictions of an earlier conversion of the same model are taken over.
    """
    order, size = simulator.settings.channel_order, plan.input_size
    known = known_predictions(plan, samples)
    onnx_rows, chip_rows, looks = known or [], [], []
    for done, sample in enumerate(samples, start=1):
        image = load_image(plan.dataset / sample.image, size, "rgb")
        looks.append(likeness.look(image))
        if known is None:
            with folder.tool(ONNX_ENGINE):
                expected = float_engine.outputs(image)
            onnx_rows.append(task.decode(sample, expected, size))
        with folder.tool(TOOLKIT):
            outputs = simulator.outputs(order_channels(image, "rgb", order))
        chip_rows.append(task.decode(sample, outputs, size))
        if done % 25 == 0 or done == len(samples):
            folder.progress(BUILT + (WHOLE - BUILT) * done / len(samples), WHOLE)
    evaluations = [
        folder.evaluation(stage, engine, rows, task.summarise(rows, plan.class_names))
        for stage, engine, rows in (("onnx", ONNX_ENGINE, onnx_rows), ("simulator", TOOLKIT, chip_rows))
    ]
    return evaluations, looks


def known_predictions(plan: Plan, samples: list[Sample]) -> list[dict[str, Any]] | None:
    """The float predictions that were given; None if there are none, or they are of other images."""
    if plan.onnx_predictions is None:
        return None
    try:
        rows = json.loads(plan.onnx_predictions.read_text(encoding="utf-8"))
        same = [row["image"] for row in rows] == [sample.image for sample in samples]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return rows if same else None


def finish(
    folder: JobFolder,
    plan: Plan,
    cost: optable.Cost,
    evaluations: list[dict[str, Any]],
    calibration: dict[str, Any],
) -> dict[str, Any]:
    """Write the downloadable artifacts and return the result."""
    calibrated = calibration["images"]
    versions = {
        TOOLKIT: toolkit_version(),
        "onnx": version("onnx"),
        "onnxruntime": version("onnxruntime"),
    }
    names = plan.class_names
    (folder.artifacts / "labels.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    write_json(folder.artifacts / "operators.json", cost.as_dict())
    described = {
        "chip": plan.chip["name"],
        "channel_order": plan.channel_order,
        "input_size": list(plan.input_size),
        "calibration_images": calibrated,
        "calibration_seed": plan.calibration_seed,
        "calibration_choice": plan.calibration_choice,
        "quantization": {
            "dtype": plan.dtype,
            "algorithm": plan.algorithm,
            "method": plan.method,
            "int16_layers": plan.int16_layers,
        },
        "versions": versions,
        "provenance": plan.provenance,
    }
    write_json(folder.artifacts / "provenance.json", described)
    rknn = (folder.artifacts / "model.rknn").read_bytes()
    return {
        "evaluations": evaluations,
        "cost": cost.as_dict(),
        "rknn_bytes": len(rknn),
        "sha256": hashlib.sha256(rknn).hexdigest(),
        "quantized": plan.quantized,
        "calibration": calibration,
        "notices": notices(plan, cost, calibrated),
        "versions": versions,
    }


def notices(plan: Plan, cost: optable.Cost, calibrated: int) -> list[str]:
    """Return sentences about what the person should know though nothing failed."""
    found = []
    slow = [name for name in cost.cpu_operators if name not in COSTS_NOTHING]
    if slow:
        found.append(
            msg("These operators run on the board's CPU and not on its NPU: {slow}.", slow=", ".join(slow))
        )
    if "labels" not in json.loads(custom_string(plan.class_names, plan.provenance)):
        found.append(
            msg(
                "The class names are too long for the RKNN file, it carries their hash only: keep labels.txt "
                "beside it."
            )
        )
    if plan.int16_layers:
        found.append(
            msg(
                "Some layers run in 16 bits, which is not proven on boards: measure the model on one before "
                "you rely on it."
            )
        )
    if plan.quantized and calibrated < min(plan.calibration_count, 20):
        found.append(
            msg(
                "Only {calibrated} training images could calibrate the int8 model: with 20 or "
                "more it may be more accurate.",
                calibrated=calibrated,
            )
        )
    return found


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(run(main))
