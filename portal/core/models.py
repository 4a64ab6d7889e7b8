"""Requests that must not be executed twice."""

from django.db import models
from django.utils import timezone


class IdempotentCall(models.Model):
    """The response to a request with an ``Idempotency-Key``. ``status`` is 0 while it is in progress."""

    team = models.PositiveBigIntegerField()  # no foreign key: a row outlives its team by a day at most
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)  # of method, path and body; keyed, see idempotency.py
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True)
    headers = models.JSONField(null=True)  # those of the response that carry information
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "key"], name="one_call_per_key")]

    def __str__(self):
        return self.key
