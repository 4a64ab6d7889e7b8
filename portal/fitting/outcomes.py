"""The end of a search in sentences."""

from __future__ import annotations

from portal import tasks
from portal.core import configs
from portal.core.messages import word
from portal.fitting.goals import MEGABYTE
from portal.fitting.standing import Entry, Standing
from workers.contract.messages import Message, join, msg, msg_n


def outcome(now: Standing) -> Message:
    if not now.measured:
        return msg("No candidate could be measured: the table says why.")
    found = [_fits(now)] if now.best else [_misses(now)]
    found.append(
        msg_n("{count} candidate was measured.", "{count} candidates were measured.", len(now.measured))
    )
    return join(found + _unfinished(now))


def _fits(now: Standing) -> Message:
    return msg(
        "{candidate} fits: {figures}.", candidate=str(now.best.candidate), figures=figures(now, now.best)
    )


def _misses(now: Standing) -> Message:
    nearest = now.nearest
    places = {"candidate": str(nearest.candidate), "figures": figures(now, nearest)}
    return msg(
        "Nothing keeps to the limits. {candidate} comes nearest: {figures}. Allow more, add images, or give "
        "the search more time.",
        **places,
    )


def figures(now: Standing, entry: Entry) -> Message:
    """Accuracy and cost of a measured candidate, as one phrase."""
    metric = word(tasks.get(now.search.task).metric_title)
    value = f"{100 * entry.value:.2f} %"
    parts = [msg("{metric} {value}", metric=metric, value=value)]
    if entry.cycles:
        parts.append(msg("{cycles} million cycles", cycles=f"{entry.cycles / 1e6:.2f}"))
    if entry.ms:
        parts.append(msg("about {ms} ms", ms=f"{entry.ms:.2f}"))
    if entry.memory:
        parts.append(msg("{megabytes} MB of memory", megabytes=f"{entry.memory / MEGABYTE:.2f}"))
    return join(parts, by=", ")


def _unfinished(now: Standing) -> list[Message]:
    """Whether the best was trained for less than its recipe's epochs."""
    shown = now.best or now.nearest
    whole = configs.recipes()[shown.candidate.recipe].defaults.epochs
    if shown.epochs >= whole:
        return []
    return [
        msg_n(
            "It was trained for {count} epoch; train it further for its full accuracy.",
            "It was trained for {count} epochs; train it further for its full accuracy.",
            shown.epochs,
        )
    ]
