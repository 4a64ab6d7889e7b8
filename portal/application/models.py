"""The application that runs on a board without the portal: its settings, and its last known state."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.core.messages import KEEPS_MESSAGES
from portal.devices.models import Device
from portal.jobs.models import Job
from portal.teams.models import Owned
from workers.contract.messages import msg


class Act(models.TextChoices):
    INSTALL = "install", _("Install the application")
    START = "start", _("Start the application")
    STOP = "stop", _("Stop the application")
    STATUS = "status", _("Read the application status")
    REMOVE = "remove", _("Remove the application")


class Application(Owned):
    """``config`` is that of the board's ``config.json`` without passwords, which ``secret`` holds encrypted.

    ``state`` is what the board told at ``told_at``; ``job`` is the newest one, which does ``act``.
    """

    device = models.OneToOneField(Device, on_delete=models.CASCADE, related_name="application")
    config = models.JSONField(default=dict)
    secret = models.TextField(blank=True)
    state = models.JSONField(default=dict, **KEEPS_MESSAGES)
    told_at = models.DateTimeField(null=True)
    act = models.CharField(max_length=10, choices=Act)
    job = models.OneToOneField(Job, on_delete=models.SET_NULL, null=True, related_name="application")

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return msg("application on {device}", device=self.device.name)

    @property
    def is_installed(self) -> bool:
        return bool(self.state.get("installed"))

    @property
    def is_busy(self) -> bool:
        return self.job is not None and self.job.is_active
