"""Keeps images that devices have predicted, by rule, for a person to review."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from datetime import timedelta

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from portal import tasks
from portal.datasets.models import Dataset
from portal.deployment import running
from portal.devices import releases, seen
from portal.devices.models import Device
from portal.devices.seen import Seen
from portal.devices.thresholds import forgiving
from portal.review import rules, storing
from portal.review.models import Item, Rule
from portal.teams import quota_usage
from workers.contract.messages import msg
from workers.datakit import images as pictures
from workers.datakit.errors import ImageError
from workers.datakit.limits import human_bytes

MOST_PIXELS = 50_000_000
MOST_BYTES = 64 * 1024 * 1024  # of one image


class Reviewer:
    """The listener of ``devices.seen``."""

    def wants(self, device: Device) -> bool:
        return rules.of(device) is not None

    def wants_before(self, device: Device) -> bool:
        rule = rules.of(device)
        return rule is not None and rule.changed

    def offer(self, device: Device, task: str, release: str, source: str, images: Sequence[Seen]) -> int:
        rule = rules.of(device)
        if rule is None or not images:
            return 0
        if source == seen.LIVE and not _are_compared(images) and _is_too_soon(rule, device):
            return 0
        return Offer(device, rule, task, release, source).take(images)


def _are_compared(images: Sequence[Seen]) -> bool:
    """Whether these are sampled frames of a view that has ended: they need not be thinned again."""
    return all(image.is_comparison for image in images)


def _is_too_soon(rule: Rule, device: Device) -> bool:
    since = timezone.now() - timedelta(seconds=rule.live_seconds)
    rows = Item.objects.for_team(device.team_id).filter(device=device, source=seen.LIVE)
    return rows.filter(created_at__gt=since).exists()


def _dataset_of(device: Device, release: str) -> Dataset | None:
    """The dataset of a release's model; None for a release that the portal does not know."""
    deployment = running.deployment_of(device, release)
    return deployment and deployment.compiled_model.model.dataset_version.dataset


class Offer:
    """Images that one release predicted on one device."""

    def __init__(self, device: Device, rule: Rule, task: str, release: str, source: str):
        self.device, self.rule, self.release, self.source = device, rule, release, source
        self.task = tasks.get(task)
        self.dataset = rule.dataset or _dataset_of(device, release)
        self.thresholds = forgiving({}, releases.known(device, {release}).get(release))
        self.taken_at = timezone.now()

    def take(self, images: Sequence[Seen]) -> int:
        """Keep the images that the rule wants; return how many."""
        first = self._count(0 if _are_compared(images) else len(images))
        wanted = [
            (image, why)
            for number, image in enumerate(images, first)
            if (why := rules.reasons(self.rule, self.task, image, number, self.thresholds))
        ]
        if not wanted:
            return 0
        if self.dataset is None:
            return self._refuse(
                msg("Slipway does not know the release {release}: choose a dataset.", release=self.release)
            )
        if self.source == seen.LIVE and not _are_compared(images):
            wanted = wanted[:1]
        return sum(self._keep(image, why) for image, why in wanted)

    def _count(self, more: int) -> int:
        """Count what the rule has seen; the number of the first of these images."""
        Rule.objects.filter(pk=self.rule.pk).update(seen=F("seen") + more)
        return Rule.objects.values_list("seen", flat=True).get(pk=self.rule.pk) - more + 1

    def _keep(self, image: Seen, why: list[str]) -> int:
        content = image.content()
        sha256 = hashlib.sha256(content).hexdigest()
        known = Item.objects.for_team(self.device.team_id).filter(sha256=sha256, release=self.release)
        if known.exists():
            return 0
        try:
            width, height, suffix = pictures.measure(io.BytesIO(content), MOST_PIXELS)
        except ImageError as error:
            return self._refuse(msg("An image {error}.", error=error))
        if refusal := self._refusal(len(content)):
            return self._refuse(refusal)
        storing.make_room(self.rule, self.device, len(content))
        name = default_storage.save(storing.new_name(self.device.team_id, suffix), ContentFile(content))
        return self._write(image, why, name, len(content), sha256=sha256, width=width, height=height)

    def _refusal(self, size: int) -> str:
        most = min(MOST_BYTES, self.rule.most_mib * storing.MIB)
        if size > most:
            return msg(
                "An image has {size}, and at most {most} are kept: raise the limit of the rule.",
                size=human_bytes(size),
                most=human_bytes(most),
            )
        left = quota_usage.left(self.device.team)
        if left is not None and left < size:
            return msg("The team's storage is full: images from devices are not kept until there is room.")
        return ""

    def _write(self, image: Seen, why: list[str], name: str, size: int, **measured) -> int:
        try:
            with transaction.atomic():
                Item.objects.create(
                    team=self.device.team,
                    device=self.device,
                    device_name=self.device.name,
                    dataset=self.dataset,
                    release=self.release,
                    taken_at=self.taken_at,
                    source=self.source,
                    task=self.task.name,
                    name=image.name[:255],
                    file=name,
                    bytes=size,
                    prediction=image.prediction,
                    before=image.before,
                    reasons=why,
                    **measured,
                )
        except IntegrityError:  # the same image at the same moment
            storing.remove_files([name])
            return 0
        if self.rule.problem:
            self._say("")
        return 1

    def _refuse(self, problem: str) -> int:
        if self.rule.problem != problem:
            self._say(problem)
        return 0

    def _say(self, problem: str) -> None:
        self.rule.problem = problem
        self.rule.save(update_fields=["problem"])
