"""Which stage of a branch lost accuracy, the likely cause, and what to do: a table of rules.

A rule takes the stage and returns the cause as a clause and the advice as an imperative, or None if it does
not apply. The first rule that applies wins; the last one of each stage always applies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from portal.compilation.quantization import FEW_CALIBRATED, whole
from portal.core.messages import word
from portal.models.models import Model, Origin
from portal.runs.parity import FEWEST, Branch, StageResult
from portal.tasks import Stage
from portal.tasks.doubts import percent
from workers.contract.messages import Message, msg, msg_n

FEW_STEPS = 300  # with fewer training steps, batch normalisation statistics may not have settled
UNLIKE = 0.5  # of the measured images lie outside the calibration images' range
ANCESTORS = 50  # models at most that a model goes on from
OTHER_PIXELS = 0.9  # a board that agrees less often sees other pixels than the simulator
FELL = 0.05  # a significant drop of a detector's best score threshold
Cause = tuple[Message, Message]
Rule = Callable[[Branch, StageResult], Cause | None]


@dataclass(frozen=True)
class Finding:
    """``stage`` is the one with the largest loss, None if none lost anything.

    ``by_chance``: so few images changed that it may be due to chance. ``is_known``: whether anything was
    measured that a stage could lose.
    """

    sentence: Message
    stage: StageResult | None = None
    by_chance: bool = False
    is_known: bool = True


def finding(branch: Branch) -> Finding:
    worst, metric = branch.worst, word(branch.task.metric_title)
    if worst is None:
        return _nothing_lost(branch, metric)
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


def _nothing_lost(branch: Branch, metric: Message) -> Finding:
    values = [row.evaluation.value for row in branch.rows if row.evaluation.value is not None]
    if not values:
        sentence = msg(
            "{metric} is not known: no measured image has a label that the model knows. Compare how far the "
            "stages agree.",
            metric=metric,
        )
        return Finding(sentence, is_known=False)
    return Finding(
        msg(
            "No stage lost accuracy: {metric} is {first} at the start and {last} at the end.",
            metric=metric,
            first=percent(values[0]),
            last=percent(values[-1]),
        )
    )


def _may_be_chance(worst: StageResult, places: dict) -> Message:
    parity = worst.parity
    if worst.changed_none:
        return msg(
            "{stage} lost {points} points of {metric}, but of {measured} none became worse: only scores "
            "moved a little. There is nothing to fix.",
            **places,
            measured=worst.evaluation.measured_on,
        )
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
    if count >= branch.compiled.model.dataset_version.train_images:
        return cause, msg("add images to the training split, since all of them were used")
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
    return cause, _finer_quantization(branch)


def _finer_quantization(branch: Branch) -> Message:
    """What this compiled model has not had yet."""
    has_mmse = whole(branch.compiled.quantization)["algorithm"] == "mmse"
    was_aware = branch.compiled.model.origin == Origin.QUANTIZATION_AWARE
    if has_mmse and was_aware:
        return msg("search other quantization settings, or train a larger recipe")
    if has_mmse:
        return msg("train on with quantization-aware training")
    if was_aware:
        return msg("convert with the algorithm mmse")
    return msg("convert with the algorithm mmse, or train on with quantization-aware training")


def _few_steps(branch: Branch, row: StageResult) -> Cause | None:
    steps, params = _steps_of(branch.compiled.model), branch.compiled.model.params
    if not steps or steps >= FEW_STEPS:
        return None
    cause = msg("{steps} training steps leave the ranges inside the network unsettled", steps=steps)
    return cause, msg("train for {longer} epochs or more", longer=-(-params["epochs"] * FEW_STEPS // steps))


def _steps_of(model: Model | None) -> int:
    """The training steps of a model and of those that it goes on from; 0 if unknown."""
    total = 0
    for _ in range(ANCESTORS):
        if model is None:
            break
        epochs, batch = model.params.get("epochs"), model.params.get("batch_size")
        if not epochs or not batch:
            return 0
        total += epochs * max(1, model.dataset_version.train_images // batch)
        model = model.parent
    return total


def _fallen_scores(branch: Branch, row: StageResult) -> Cause | None:
    thresholds = {one.stage: one.evaluation.metrics.get("threshold") for one in branch.rows}
    before, after = thresholds.get(Stage.ONNX), thresholds[Stage.SIMULATOR]
    if before is None or after is None or before - after < FELL:
        return None
    cause = msg("scores fell: the best threshold fell from {before} to {after}", before=before, after=after)
    if whole(branch.compiled.quantization)["algorithm"] == "mmse":
        return cause, msg("show boxes from {after} on", after=after)
    return cause, msg("show boxes from {after} on, or convert with the algorithm mmse", after=after)


def _wide_ranges(branch: Branch, row: StageResult) -> Cause:
    cause = msg("the values inside the network spread too far for 8 bits")
    return cause, _finer_quantization(branch)


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
