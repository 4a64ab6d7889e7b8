"""A device that runs a model of the digits, and images that it has predicted."""

from __future__ import annotations

from portal.devices import seen
from portal.devices.seen import Seen
from portal.review import offering, rules
from portal.review.models import Item
from tests.factories import png
from tests.seed import NAMES, Seeder


class Belt:
    """A device with a release of its own, whose images are offered for review."""

    def __init__(self, team, user):
        seed = Seeder(team, user)
        self.team, self.user = team, user
        self.version = seed.version()
        self.device = seed.device("Virtual board", "virtual", host="127.0.0.1", port=2222)
        run = seed.run(self.version)
        seed.train(run)
        self.deployment = seed.deploy(run, seed.convert(run), self.device)

    def rule(self, **fields):
        return rules.put(self.team, self.user, self.device, **fields)

    def offer(self, *images: Seen, source: str = seen.ASKED) -> int:
        return offering.Reviewer().offer(
            self.device, "classification", self.deployment.release, source, list(images)
        )

    def item(self, shade: int = 1, label: int = 0, score: float = 0.4) -> Item:
        """An image that waits."""
        if rules.of(self.device) is None:
            self.rule(below=0.5)
        assert self.offer(image(shade, label, score)) == 1
        return Item.objects.latest("pk")


def image(shade: int = 1, label: int = 0, score: float = 0.4, before: int | None = None) -> Seen:
    def answer(number: int, value: float) -> dict:
        return {"label_id": number, "label": NAMES[number], "score": value}

    earlier = None if before is None else answer(before, 0.9)
    return Seen(
        f"belt {shade}.png", answer(label, score), lambda: png((shade % 256, 9, 200), (32, 24)), earlier
    )
