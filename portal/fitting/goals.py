"""The goal of a search, checked: data, chip, limits, budget, and the candidates that come into question."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from portal import tasks
from portal.core import configs
from portal.core.echoes import shortened
from portal.datasets.models import DatasetVersion
from portal.fitting import halving
from portal.fitting.halving import Load
from portal.models import costs
from portal.runs import plan as plans
from portal.runs import proof
from portal.runs.estimates import Estimate, Estimates
from portal.runs.plan import PlanError, deleted_sentence
from workers.contract.messages import Message, msg, msg_n

LIMITS = ("ms", "cycles", "memory", "accuracy")
MINUTES = (5, 7 * 24 * 60)
CANDIDATES_AT_MOST = 24
CLOSE = 1.05  # an estimate up to so many times the limit is tried
SCALED = 1.3  # the same, for one that is scaled from another input size
BATCH_STEPS = 60  # a small dataset gets smaller batches, so that an epoch has about so many steps
SMALLEST_BATCH = 16
MEGABYTE = 2**20  # as everywhere on the pages


@dataclass(frozen=True)
class Proposal:
    """A recipe at one size, with its estimates; ``left_out`` says why it is not tried."""

    recipe: str
    size: tuple[int, int]
    cycles: int | None
    memory: float | None
    load: Load
    left_out: Message | str = ""


@dataclass(frozen=True)
class Goal:
    """A valid goal: everything that ``search.start`` needs."""

    version: DatasetVersion
    chip: str
    channel_order: str
    limits: dict[str, float | None]
    budget_seconds: int
    name: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)


def check(
    version: DatasetVersion,
    chip: str,
    *,
    channel_order: str = "",
    limits: dict[str, float | None],
    minutes: int,
    name: str = "",
    recipes=(),
    sizes=(),
    params: dict[str, Any] | None = None,
) -> Goal:
    """Raises PlanError with a sentence for each invalid field.

    ``limits``: ``ms``, ``cycles``, ``memory`` (bytes) and ``accuracy`` (0 to 1); None or absent is no limit.
    """
    errors = dict(_errors(version, chip, limits, minutes))
    _check_augmentation(version, (params or {}).get("augmentation"), errors)
    chosen = _recipes(version, recipes, errors)
    wanted = [tuple(size) for size in sizes]
    if "recipes" not in errors:
        _check_sizes(chosen, wanted, errors)
    if errors:
        raise PlanError(errors)
    limits = {key: limits.get(key) for key in LIMITS}
    found = _proposals(version, chip, chosen, wanted, limits)
    _refuse_if_nothing_fits(found)
    tried = within_budget(found, 60 * minutes)
    if all(one.left_out for one in tried):
        raise PlanError({"minutes": _too_short(found)})
    return Goal(
        version=version,
        chip=chip,
        channel_order=channel_order or plans.channel_order(chip),
        limits=limits,
        budget_seconds=60 * minutes,
        name=name,
        params=params or {},
        proposals=tried,
    )


def _errors(version, chip: str, limits: dict, minutes: int):
    if version.is_deleted:
        yield "dataset_version", deleted_sentence(version)
    elif not version.is_ready:
        yield "dataset_version", msg("{version} is still being checked: wait for its end.", version=version)
    elif found := tasks.get(version.task).refusals(version.facts):
        yield "dataset_version", found[0]
    if chip not in configs.chips():
        known = ", ".join(configs.chips())
        yield (
            "chip",
            msg("There is no chip {chip}; choose from {chips}.", chip=repr(shortened(chip)), chips=known),
        )
    elif limits.get("ms") and costs.clock_mhz(configs.chips()[chip]) is None:
        title = configs.chips()[chip].title
        yield "max_ms", msg("The clock of {title} is not published: limit its cycles instead.", title=title)
    if not MINUTES[0] <= minutes <= MINUTES[1]:
        yield "minutes", msg("It must be between {least} and {most}.", least=MINUTES[0], most=MINUTES[1])


def _check_augmentation(version, name: str | None, errors: dict) -> None:
    known = [key for key, book in configs.augmentations().items() if book.task == version.task]
    if name is not None and name not in known:
        errors["augmentation"] = msg("Choose one of {augmentations}.", augmentations=", ".join(known))


def _recipes(version, given, errors: dict) -> list[str]:
    books = configs.recipes()
    fitting = [name for name, book in books.items() if book.task == version.task]
    unknown = [name for name in given if name not in fitting]
    if unknown:
        errors["recipes"] = msg(
            "{recipe} does not fit this dataset: choose from {recipes}.",
            recipe=repr(shortened(unknown[0])),
            recipes=", ".join(fitting),
        )
    return [name for name in fitting if name in given] if given else fitting


def _check_sizes(recipes: list[str], wanted: list[tuple], errors: dict) -> None:
    known = {tuple(size) for name in recipes for size in configs.recipes()[name].input_sizes}
    unknown = [size for size in wanted if size not in known]
    if unknown:
        width, height = unknown[0]
        errors["sizes"] = msg(
            "None of the recipes can be trained at {width}x{height} pixels: choose from {sizes}.",
            width=width,
            height=height,
            sizes=", ".join(f"{one}x{other}" for one, other in sorted(known)),
        )


def cycles_limit(limits: dict, chip: str, factor: float | None = None) -> float | None:
    """The limit of cycles that the limits mean; ``factor`` is that of ``costs.board_factor``."""
    found = [limits["cycles"]] if limits.get("cycles") else []
    a_million = costs.milliseconds(1e6, configs.chips().get(chip))
    if limits.get("ms") and a_million:
        found.append(1e6 * limits["ms"] / (a_million * (factor or 1)))
    return min(found, default=None)


def load_of(recipe: str, size, version: DatasetVersion, estimates: Estimates) -> Load:
    cycles = estimates.of(recipe, {"input_size": size, "epochs": 1}, version).cycles
    rate = estimates.seconds_an_image(recipe, size)
    if rate is None:
        rate = halving.SECONDS_A_CYCLE * (cycles or 200 * size[0] * size[1])
    batch = batch_size(recipe, version.train_images)
    return Load(max(rate, halving.LEAST_RATE), version.train_images, max(1, version.train_images // batch))


def batch_size(recipe: str, images: int) -> int:
    """The recipe's, or a smaller one for a small dataset: the number of steps counts."""
    usual = configs.recipes()[recipe].defaults.batch_size
    found = usual
    while found > SMALLEST_BATCH and images // found < BATCH_STEPS:
        found //= 2
    return min(usual, max(found, min(usual, SMALLEST_BATCH)))


def _proposals(version, chip: str, recipes: list[str], sizes: list, limits: dict) -> list[Proposal]:
    """Every choice, the cheapest first; those that cannot keep to the limits are left out."""
    estimates, books = Estimates(chip), configs.recipes()
    largest = configs.chips()[chip].max_input_side
    most = cycles_limit(limits, chip, costs.board_factor(version.team, chip))
    found = []
    for recipe in recipes:
        for size in books[recipe].input_sizes:
            if max(size) <= largest and (not sizes or size in sizes):
                found.append(_proposal(recipe, size, version, estimates, most, limits.get("memory")))
    return sorted(found, key=lambda one: one.cycles or one.load.rate / halving.SECONDS_A_CYCLE)


def _proposal(recipe, size, version, estimates: Estimates, most, memory_limit) -> Proposal:
    told = estimates.of(recipe, {"input_size": size, "epochs": 1}, None)
    why = proof.against_targets(recipe, size, [estimates.chip]) or _excess(told, most, memory_limit)
    load = load_of(recipe, size, version, estimates)
    return Proposal(recipe, size, told.cycles, told.memory_bytes, load, why)


def _excess(told: Estimate, most: float | None, memory_limit: float | None) -> Message | str:
    """Which limit the estimates exceed; empty if none."""
    slack = SCALED if told.scaled else CLOSE
    if most and told.cycles and told.cycles > most * slack:
        return msg(
            "It needs about {cycles} million cycles, more than the limit.", cycles=_millions(told.cycles)
        )
    if memory_limit and told.memory_bytes and told.memory_bytes > memory_limit * slack:
        megabytes = f"{told.memory_bytes / MEGABYTE:.1f}"
        return msg("It needs about {megabytes} MB of memory, more than the limit.", megabytes=megabytes)
    return ""


def _refuse_if_nothing_fits(found: list[Proposal]) -> None:
    if not found:
        raise PlanError({"sizes": msg("No recipe has an input size that the chip takes: choose others.")})
    if all(one.left_out for one in found):
        nearest = found[0]
        sentence = msg(
            "Nothing can keep to these limits. {candidate} comes nearest, with about {cycles} million cycles "
            "and {megabytes} MB of memory: allow that much.",
            candidate=words_of(nearest),
            cycles=_millions(nearest.cycles or 0),
            megabytes=f"{(nearest.memory or 0) / MEGABYTE:.2f}",
        )
        raise PlanError({"limits": sentence})


def _too_short(found: list[Proposal]) -> Message:
    quickest = min((one for one in found if not one.left_out), key=_shortest)
    minutes = math.ceil(_shortest(quickest) / halving.OF_BUDGET[0] / 60)
    return msg("That is too short for any candidate: allow at least {minutes} minutes.", minutes=minutes)


def _shortest(one: Proposal) -> float:
    """Seconds of its shortest training."""
    return one.load.seconds(one.load.least_epochs)


def words_of(one: Proposal) -> str:
    return f"{configs.recipes()[one.recipe].title} {one.size[0]}×{one.size[1]}"


def _millions(cycles: float) -> str:
    return f"{cycles / 1e6:.2f}"


def within_budget(found: list[Proposal], budget: float) -> list[Proposal]:
    """The same, with those left out for which the budget has no time."""
    seconds = budget * halving.OF_BUDGET[0]
    open_ones = [one for one in found if not one.left_out]
    quick = [one for one in open_ones if halving.fits_alone(one.load, seconds * halving.ONE_AT_MOST)]
    if not quick and open_ones:
        quickest = min(open_ones, key=_shortest)
        quick = [quickest] if halving.fits_alone(quickest.load, seconds) else []
    count = min(CANDIDATES_AT_MOST, halving.room([one.load for one in quick], seconds))
    kept = [quick[at] for at in halving.spread(len(quick), count)]
    return [one if one.left_out or one in kept else _without_time(one, one in quick) for one in found]


def _without_time(one: Proposal, is_quick: bool) -> Proposal:
    if is_quick:
        why = msg("The budget has no room for every candidate: similar ones are tried.")
    else:
        minutes = round(_shortest(one) / 60) or 1
        why = msg_n(
            "Its shortest training takes about {count} minute, too long for the budget.",
            "Its shortest training takes about {count} minutes, too long for the budget.",
            minutes,
        )
    return Proposal(one.recipe, one.size, one.cycles, one.memory, one.load, why)
