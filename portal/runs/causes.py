"""Which stage of a branch lost accuracy, the likely cause, and what to do: a table of rules.

A rule takes the stage and returns the cause as a clause and the advice as an imperative, or None if it does
not apply. The first rule that applies wins; the last one of each stage always applies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from portal.compilation.quantization import FEW_CALIBRATED
from portal.core.messages import word
from portal.runs.parity import FEWEST, Branch, StageResult
from portal.tasks import Stage
from portal.tasks.doubts import percent
from workers.contract.messages import Message, msg, msg_n

FEW_STEPS = 300  # with fewer training steps, batch normalisation statistics may not have settled
UNLIKE = 0.5  # of the measured images lie outside the calibration images' range
OTHER_PIXELS = 0.9  # a board that agrees less often sees other pixels than the simulator
FELL = 0.05  # a significant drop of a detector's best score threshold
Cause = tuple[Message, Message]
Rule = Callable[[Branch, StageResult], Cause | None]


@dataclass(frozen=True)
class Finding:
    """``stage`` is the one with the largest loss, None if none lost anything.

    ``by_chance``: so few images changed that it may be due to chance.
    """

    sentence: Message
    stage: StageResult | None = None
    by_chance: bool = False


def finding(branch: Branch) -> Finding:
    worst, metric = branch.worst, word(branch.task.metric_title)
    if worst is None:
        values = [row.evaluation.value for row in branch.rows if row.evaluation.value is not None]
        places = (
            {"metric": metric, "first": percent(values[0]), "last": percent(values[-1])} if values else {}
        )
        return Finding(
            msg("No stage lost accuracy: {metric} is {first} at the start and {last} at the end.", **places)
        )
    places = {"stage": worst.title, "points": f"{100 * worst.drop:.2f}", "metric": metric}
    if worst.by_chance:
        return Finding(_may_be_chance(worst, places), worst, by_chance=True)
    cause, advice = cause_of(branch, worst)
    sentence = msg(
        "{stage} lost {points} points of {metric}, likely because {cause}: {advice}.",
        **places,
        cause=cause,
        advice=advice,
    )
    return Finding(sentence, worst)


def _may_be_chance(worst: StageResult, places: dict) -> Message:
    parity = worst.parity
    return msg(
        "{stage} lost {points} points of {metric}, but that may be chance: of {measured}, {lost} became "
        "worse and {gained} better. Measure on more images to know.",
        **places,
        measured=worst.evaluation.measured_on,
        lost=parity["lost"],
        gained=parity["gained"],
    )


def smallest_loss(row: StageResult) -> Message | None:
    """The smallest loss that the measured images can show."""
    images = row.evaluation.images
    if images < FEWEST:
        return msg_n(
            "{count} image is too few to tell any loss from chance.",
            "{count} images are too few to tell any loss from chance.",
            images,
        )
    if row.interval is None:
        return msg(
            "No interval of {metric} is given. On {measured}, a stage that made fewer than {fewest} of "
            "them worse cannot be told from chance.",
            metric=word(row.task.metric_title),
            measured=row.evaluation.measured_on,
            fewest=FEWEST,
        )
    return msg(
        "On {measured}, a loss of less than {points} points cannot be told from chance.",
        measured=row.evaluation.measured_on,
        points=f"{100 * FEWEST / images:.1f}",
    )


def cause_of(branch: Branch, row: StageResult) -> Cause:
    """The likely cause of this stage's loss, and what to do."""
    return next(found for rule in RULES[row.stage] if (found := rule(branch, row)))


def _other_decoding(branch: Branch, row: StageResult) -> Cause:
    cause = msg("the conversion decodes or resizes the images differently from the training")
    return cause, msg("compare the changed images below, and store them as PNG at the input size to be sure")


def _half_precision(branch: Branch, row: StageResult) -> Cause | None:
    if branch.compiled.is_quantized:
        return None
    return msg("a number of the network does not fit in half precision"), msg("build the model in int8")


def _few_calibrated(branch: Branch, row: StageResult) -> Cause | None:
    count = branch.compiled.facts.get("calibration", {}).get("images")
    if count is None or count >= FEW_CALIBRATED:
        return None
    cause = msg_n("only {count} image set its scales", "only {count} images set its scales", count)
    return cause, msg("convert again with more calibration images")


def _unlike_calibration(branch: Branch, row: StageResult) -> Cause | None:
    share = branch.compiled.facts.get("calibration", {}).get("unlike")
    if share is None or share < UNLIKE:
        return None
    cause = msg(
        "the images that set its scales look unlike the measured ones: {share} of these are brighter, "
        "darker, sharper or more blurred than all of them",
        share=percent(share),
    )
    return cause, msg("put images like the measured ones into the training split, or calibrate with more")


def _outliers(branch: Branch, row: StageResult) -> Cause | None:
    """Applies only if layer errors were measured."""
    measured = branch.compiled.layer_errors.exclude(layers=[]).first()
    names = [layer["name"] for layer in measured.layers if layer["outlier"] is not None] if measured else []
    if not names:
        return None
    cause = msg("a few values of {names} are far larger than all others", names=names[:3])
    return cause, msg("convert with the algorithm mmse, or train on with quantization-aware training")


def _few_steps(branch: Branch, row: StageResult) -> Cause | None:
    params, images = branch.compiled.model.params, branch.compiled.model.dataset_version.train_images
    if not params.get("epochs") or not params.get("batch_size"):
        return None
    steps = params["epochs"] * max(1, images // params["batch_size"])
    if steps >= FEW_STEPS:
        return None
    cause = msg("{steps} training steps leave the ranges inside the network unsettled", steps=steps)
    return cause, msg("train for {longer} epochs or more", longer=-(-params["epochs"] * FEW_STEPS // steps))


def _fallen_scores(branch: Branch, row: StageResult) -> Cause | None:
    thresholds = {one.stage: one.evaluation.metrics.get("threshold") for one in branch.rows}
    before, after = thresholds.get(Stage.ONNX), thresholds[Stage.SIMULATOR]
    if before is None or after is None or before - after < FELL:
        return None
    cause = msg("scores fell: the best threshold fell from {before} to {after}", before=before, after=after)
    return cause, msg("show boxes from {after} on, or convert with the algorithm mmse", after=after)


def _wide_ranges(branch: Branch, row: StageResult) -> Cause:
    cause = msg("the values inside the network spread too far for 8 bits")
    return cause, msg("convert with the algorithm mmse, or train on with quantization-aware training")


def _no_answers(branch: Branch, row: StageResult) -> Cause | None:
    unanswered = row.evaluation.metrics.get("unanswered")
    if not unanswered:
        return None
    cause = msg_n("{count} image got no prediction", "{count} images got no prediction", unanswered)
    return cause, msg("read the deployment's log")


def _other_pixels(branch: Branch, row: StageResult) -> Cause | None:
    if row.evaluation.agreement is None or row.evaluation.agreement >= OTHER_PIXELS:
        return None
    cause = msg(
        "it feeds the network other pixels than {order}, for which it was built",
        order=branch.compiled.channel_order,
    )
    return cause, msg("check the channel order in the device's profile, and how its library resizes images")


def _other_runtime(branch: Branch, row: StageResult) -> Cause | None:
    built = branch.compiled.facts.get("versions", {}).get("rknn-toolkit2", "")
    runtime = row.deployment.device.probe.get("runtime") or ""
    if not built or not runtime or built in runtime:
        return None
    cause = msg(
        "it runs {runtime} and the model was built by rknn-toolkit2 {built}", runtime=runtime, built=built
    )
    return cause, msg("install the same version on the board")


def _on_cpu(branch: Branch, row: StageResult) -> Cause | None:
    names = branch.compiled.cost.get("cpu_ops") or []
    if not names:
        return None
    cause = msg("the operators {names} run on its CPU, in another precision", names=names[:3])
    return cause, msg("choose a recipe without them")


def _own_resizing(branch: Branch, row: StageResult) -> Cause:
    cause = msg("its library resizes and rounds images a little differently")
    return cause, msg("compare the changed images below")


RULES: dict[Stage, tuple[Rule, ...]] = {
    Stage.ONNX: (_other_decoding,),
    Stage.SIMULATOR: (
        _half_precision, _few_calibrated, _unlike_calibration, _outliers, _few_steps, _fallen_scores,
        _wide_ranges,
    ),
    Stage.BOARD: (_no_answers, _other_pixels, _other_runtime, _on_cpu, _own_resizing),
}  # fmt: skip
