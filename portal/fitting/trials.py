"""Starts the run of a trial: a training that goes on from the round before, compiled for the chip."""

from __future__ import annotations

from portal.core import configs
from portal.fitting.goals import batch_size
from portal.fitting.models import FitSearch
from portal.fitting.standing import Entry
from portal.models.models import Model
from portal.runs import plan as plans
from portal.runs import services, tags
from portal.training.methods import CONTINUATION
from workers.contract.messages import Message, join

GOES_ON_AT = 0.5  # of the learning rate of round 0
NAME_LENGTH = 120


class Refused(Exception):
    """The run is not possible any more; ``sentence`` says why."""

    def __init__(self, sentence: Message):
        super().__init__(sentence)
        self.sentence = sentence


def start(search: FitSearch, entry: Entry) -> None:
    """Raises QuotaReached, and Refused if the plan has become invalid."""
    trial, candidate = entry.newest, entry.candidate
    try:
        plan = plans.make_plan(
            search.dataset_version,
            recipe=candidate.recipe,
            chips=[search.chip],
            params=_params(search, entry),
            name=_name(search, entry),
        )
        plan.chips = [(search.chip, search.channel_order)]
        if trial.number:
            plan.method = {"name": CONTINUATION, "parent": _parent(entry)}
        trial.run = services.create_run(plan, search.team, search.created_by)
    except plans.PlanError as error:
        raise Refused(join(error.fields.values())) from error
    trial.save(update_fields=["run"])
    tags.set_tags(trial.run, [tag_of(search)])


def tag_of(search: FitSearch) -> str:
    """The tag of its runs."""
    return f"fit-{search.pk}"


def _params(search: FitSearch, entry: Entry) -> dict:
    trial, candidate = entry.newest, entry.candidate
    book = configs.recipes()[candidate.recipe].defaults
    batch = batch_size(candidate.recipe, search.dataset_version.train_images)
    rate = book.learning_rate * batch / book.batch_size * (GOES_ON_AT if trial.number else 1)
    sizes = {"input_size": candidate.size, "batch_size": batch}
    return {**search.params, **sizes, "epochs": trial.epochs, "learning_rate": float(f"{rate:.3g}")}


def _name(search: FitSearch, entry: Entry) -> str:
    title = configs.recipes()[entry.candidate.recipe].title
    size = "×".join(map(str, entry.candidate.size))
    return f"{search.name} · {title} {size} · {entry.newest.number + 1}"[-NAME_LENGTH:]


def _parent(entry: Entry) -> int:
    earlier = entry.trials[-2].run
    found = Model.objects.filter(job__step__run=earlier).first()
    return found.pk if found else 0
