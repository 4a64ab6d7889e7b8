"""Deployments: putting a compiled model on a device and making it current."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from portal.core.messages import KEEPS_MESSAGES
from portal.devices.models import Device
from portal.jobs.models import ACTIVE, Job
from portal.models import costs
from portal.models.models import CompiledModel
from portal.teams.models import Owned, Team

SHARE = [MinValueValidator(0), MaxValueValidator(1)]
AMOUNT = [MinValueValidator(0), MaxValueValidator(1_000_000)]


def is_limit(value: float | bool | None) -> bool:
    """0 is one: no drop at all."""
    return value is not None and value is not False


class Policy(Owned):
    """What a team requires of a compiled model before it is deployed; empty limits require nothing.

    One for a chip replaces the one for all chips. ``gate.py`` applies it.
    """

    LIMITS = ("max_drop", "fail_under", "fail_class_under", "max_memory_mb", "max_ms", "no_cpu")

    task = models.CharField(max_length=20)
    chip = models.CharField(max_length=20, blank=True)  # empty for all chips
    # Fractions of the task's metric: lost from the trained model to the compiled one; reached; by each class.
    max_drop = models.FloatField(null=True, validators=SHARE)
    fail_under = models.FloatField(null=True, validators=SHARE)
    fail_class_under = models.FloatField(null=True, validators=SHARE)
    max_memory_mb = models.FloatField(null=True, validators=AMOUNT)  # weights and feature maps, in MiB
    max_ms = models.FloatField(null=True, validators=AMOUNT)  # for one image
    no_cpu = models.BooleanField(default=False)  # every operator runs on the NPU

    class Meta:
        ordering = ["task", "chip"]
        constraints = [models.UniqueConstraint(fields=["team", "task", "chip"], name="one_policy_for_a_chip")]

    @property
    def limits(self) -> dict:
        """Those that are set, by name."""
        found = {name: getattr(self, name) for name in self.LIMITS}
        return {name: limit for name, limit in found.items() if is_limit(limit)}

    def __str__(self):
        return f"{self.task} {self.chip}".strip()


class DeploymentQuerySet(models.QuerySet):
    def for_team(self, team):
        return self.filter(device__team=team)

    def newest(self):
        """The latest attempt to deploy one compiled model to one device. A rollback deploys nothing."""
        same = {name: models.OuterRef(name) for name in ("compiled_model", "device")}
        later = Deployment.objects.filter(**same, source=None, pk__gt=models.OuterRef("pk"))
        return self.filter(~models.Exists(later), source=None)

    def hold(self, deployment: Deployment, board: str) -> bool:
        """Make it the only deployment that changes the board; False while another one does.

        ``board`` is the board's identity, so that several rows for one board count as one.
        """
        left_over = self.filter(holds=board).exclude(job__status__in=ACTIVE)
        left_over.exclude(pk=deployment.pk).update(holds="")
        try:
            with transaction.atomic():
                self.filter(pk=deployment.pk).update(holds=board)
        except IntegrityError:
            return False
        return True


class State(models.TextChoices):
    """The state of a deployment."""

    UNDER_WAY = "under-way", _("Under way")
    CURRENT = "current", _("Current")
    REPLACED = "replaced", _("Replaced")
    ROLLED_BACK = "rolled-back", _("Rolled back")
    FAILED = "failed", _("Failed")


class Deployment(models.Model):
    """One attempt to put a compiled model on a device; never overwritten.

    A retry or a repetition is a new row. A device runs the attempt that became current last: see
    ``running.py``, the only writer of ``release``, ``placed``, ``activated_at``. The job's Evaluation holds
    what it measured there.
    """

    compiled_model = models.ForeignKey(CompiledModel, on_delete=models.CASCADE, related_name="deployments")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="deployments")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="deployment")
    board_images = models.PositiveIntegerField(default=400)  # images to measure at most; 0 for none
    # Written before anything changes on the board, so that its later report can be interpreted: {"release",
    # "path", "model_sha256", "manifest_sha256"}
    intended = models.JSONField(default=dict)
    release = models.CharField(max_length=80, blank=True)  # the folder's name on the board, once current
    # What is on the board, as verified there: {"path", "model_sha256", "manifest_sha256"}
    placed = models.JSONField(default=dict)
    engine = models.CharField(max_length=120, blank=True)  # the inference engine, as the board reports it
    activated_at = models.DateTimeField(null=True)
    # When it failed its trial and the previous release was restored.
    rolled_back_at = models.DateTimeField(null=True)
    # A rollback makes this deployment's release current again, and uploads nothing.
    source = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="+")
    holds = models.CharField(max_length=64, blank=True, default="", db_default="")  # the board, while at work
    # What the team's policy said of the model when it was started: see ``gate.Gate.as_data``.
    # Null for rollbacks, which it does not judge.
    gate = models.JSONField(null=True, **KEEPS_MESSAGES)
    # Why it was deployed although the policy refuses the model; empty if it does not.
    override = models.CharField(max_length=500, blank=True, default="", db_default="")

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["device", "-activated_at"]),
            models.Index(fields=["compiled_model", "device", "-id"], name="deployment_attempts"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["holds"], condition=~models.Q(holds=""), name="one_deployment_on_a_board"
            )
        ]

    @property
    def is_current(self) -> bool:
        """Whether its device, when last checked, reported this release as current."""
        return bool(self.release) and self.device.current_release == self.release

    @property
    def measured_job(self) -> int:
        """The job that measured its release on the board: a rollback measures nothing."""
        return self.source.job_id if self.source else self.job_id

    @property
    def is_kept(self) -> bool:
        """Whether its release is on the board, as far as known, and was confirmed there."""
        kept = {row["id"] for row in self.device.probe.get("releases", []) if row.get("activated")}
        return bool(self.release) and self.release in kept

    @property
    def state(self) -> State:
        if self.job.is_active:
            return State.UNDER_WAY
        if self.rolled_back_at:
            return State.ROLLED_BACK
        if self.is_current:
            return State.CURRENT
        return State.REPLACED if self.activated_at else State.FAILED

    def __str__(self):
        return f"{self.compiled_model.model.name} on {self.device.name}"


class SigningKey(models.Model):
    """An Ed25519 key of a team; ``signing.py`` uses it. Earlier keys stay, for what they signed."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    public = models.CharField(max_length=64)  # 32 bytes, hexadecimal
    sealed = models.TextField()  # the private key, encrypted
    created_at = models.DateTimeField(auto_now_add=True)

    @property
    def pem(self) -> str:
        """SubjectPublicKeyInfo (RFC 8410)."""
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public))
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def fingerprint(self) -> str:
        return f"SHA256:{hashlib.sha256(bytes.fromhex(self.public)).hexdigest()}"

    def __str__(self):
        return self.fingerprint


class Evidence(models.Model):
    """The signed account of a deployment; it never changes. ``payload`` is exactly what was signed.

    It outlives the deployment, which is removed with its device or its run.
    """

    deployment = models.OneToOneField(
        Deployment, on_delete=models.SET_NULL, null=True, related_name="evidence"
    )
    number = models.PositiveBigIntegerField(null=True, unique=True)  # of the deployment, also once it is gone
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="+")
    payload = models.TextField()
    signature = models.CharField(max_length=100)  # base64
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"{self.number}"


class Profile(Owned):
    """How long a release took on a device, timed there on its golden images; kept as a history."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="profiles")
    deployment = models.ForeignKey(Deployment, on_delete=models.SET_NULL, null=True, related_name="profiles")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="profile")
    release = models.CharField(max_length=80, blank=True)
    # load_ms, first_ms, whole and predict with calls, median, p95, p99, memory_before, … see profiling.py
    figures = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"{self.release} on {self.device}"

    @property
    def milliseconds(self) -> float | None:
        """The median prediction, without decoding."""
        return self.figures.get("predict", {}).get("median")

    @property
    def memory_taken(self) -> int | None:
        """Bytes that loading and the first call took from the board's free memory."""
        before, loaded = self.figures.get("memory_before"), self.figures.get("memory_loaded")
        return None if before is None or loaded is None else max(0, before - loaded)

    @property
    def estimate_ms(self) -> float | None:
        return costs.estimate_ms(self.deployment.compiled_model) if self.deployment else None
