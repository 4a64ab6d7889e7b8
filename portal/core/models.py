"""Calls of the API that must not be done twice."""

from django.db import models
from django.utils import timezone


class IdempotentCall(models.Model):
    """The answer to a call that came with an ``Idempotency-Key``. ``status`` is 0 while it is worked on."""

    team = models.PositiveBigIntegerField()  # its id: rows leave after a day, whatever becomes of the team
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)  # of method, address and body; keyed, see idempotency.py
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True)
    headers = models.JSONField(null=True)  # of the answer, those that tell something of their own
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "key"], name="one_call_per_key")]

    def __str__(self):
        return self.key
