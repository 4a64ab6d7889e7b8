"""Notices, notification settings, webhooks and their deliveries."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.core.messages import KEEPS_MESSAGES, MessageField
from portal.core.names import NameField
from portal.teams.models import Owned, OwnedQuerySet, Team, User

TEST = "test"  # the event that the test button sends


class Audience(models.TextChoices):
    """Which events of a kind a person wants to be told of."""

    NOTHING = "nothing", _("Never")
    MINE = "mine", _("For what I started or registered")
    ALL = "all", _("For everything of the team")


class Choice(models.Model):
    """A person's setting for one event, in all of their teams. Without a row, the event's default applies."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notice_choices")
    event = models.CharField(max_length=40)
    portal = models.CharField(max_length=7, choices=Audience)
    mail = models.CharField(max_length=7, choices=Audience)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "event"], name="one_choice_per_event")]


class Mail(models.TextChoices):
    NONE = "", _("Not asked for")
    PENDING = "pending", _("To be sent")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Not sent")


class NotificationQuerySet(OwnedQuerySet):
    def shown_to(self, user, team):
        """What the page and the bell show to a person who works in ``team``."""
        return self.filter(user=user, team=team, shown=True)

    def unread(self):
        return self.filter(read_at=None)


class Notification(models.Model):
    """One event for one person: in the portal, by mail or both."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    event = models.CharField(max_length=40)
    facts = models.JSONField(default=dict, **KEEPS_MESSAGES)  # parameters of the event's sentence
    path = models.CharField(max_length=200, blank=True)  # of the page about it
    created_at = models.DateTimeField(default=timezone.now)
    shown = models.BooleanField(default=True)
    read_at = models.DateTimeField(null=True)
    mail = models.CharField(max_length=7, choices=Mail, blank=True, default=Mail.NONE)
    mail_tries = models.PositiveSmallIntegerField(default=0)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["user", "team", "shown", "read_at"], name="notice_unread"),
            models.Index(fields=["user", "team", "-id"], name="notice_newest"),
            models.Index(fields=["mail", "created_at"], name="notice_mail"),
        ]


class Webhook(Owned):
    """A URL that receives a team's events. Its secret is encrypted like the credentials of devices."""

    name = NameField(max_length=80)
    url = NameField(max_length=500)
    secret = models.TextField()  # encrypted: {"secret"}
    events = models.JSONField(default=list)
    active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0)  # consecutive failed attempts
    stopped_because = MessageField(blank=True)  # why the portal disabled it

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return self.name


class DeliveryState(models.TextChoices):
    PENDING = "pending", _("Pending")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")


class DeliveryQuerySet(models.QuerySet):
    def due(self):
        now = timezone.now()
        may_go = models.Q(webhook__active=True) | models.Q(event=TEST)  # tests go out while disabled too
        return self.filter(may_go, state=DeliveryState.PENDING, next_at__lte=now)


class Delivery(models.Model):
    """One event for one webhook, with the outcome of the latest attempt."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    uuid = models.UUIDField(default=uuid.uuid4, editable=False)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=9, choices=DeliveryState, default=DeliveryState.PENDING)
    next_at = models.DateTimeField(default=timezone.now)  # of the next attempt, while pending
    tries = models.PositiveSmallIntegerField(default=0)  # since it was last ordered
    attempts = models.PositiveIntegerField(default=0)  # in all
    tried_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)  # of the response, if there was one
    milliseconds = models.PositiveIntegerField(null=True)
    answer = models.CharField(max_length=500, blank=True)  # the beginning of its body
    problem = MessageField(blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "next_at"], name="delivery_due")]

    def __str__(self):
        return f"{self.event} to {self.webhook}"
