"""People and the teams that own everything."""

from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.core.messages import MessageField
from portal.core.names import NameField
from portal.teams import identity_models  # noqa: F401 (their tables belong to the app too)
from workers.contract.messages import msg


class Role(models.TextChoices):
    VIEWER = "viewer", _("Viewer")
    MEMBER = "member", _("Member")
    OPERATOR = "operator", _("Operator")
    ADMIN = "admin", _("Administrator")


# As a word within a sentence; labels begin with a capital letter.
IN_WORDS = {
    Role.VIEWER: msg("viewer"),
    Role.MEMBER: msg("member"),
    Role.OPERATOR: msg("operator"),
    Role.ADMIN: msg("administrator"),
}
RANK = {role: rank for rank, role in enumerate(Role)}


class User(AbstractUser):
    """A person who signs in. Rights come from memberships, not from this row."""

    # The language of pages and mails; empty until they choose one.
    language = models.CharField(max_length=10, blank=True)


class Team(models.Model):
    # Settings by column; fractions from 0 to 1.
    SETTINGS = ("unsure_below", "max_drop", "fail_under")

    name = NameField(max_length=100, unique=True)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")
    # A board's prediction with a lower score is shown as unsure.
    unsure_below = models.FloatField(
        default=0.5, db_default=0.5, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    # What new runs require of their models, as fractions of the metric: see runs/quality.py.
    max_drop = models.FloatField(
        default=0.03, db_default=0.03, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    fail_under = models.FloatField(null=True, validators=[MinValueValidator(0), MaxValueValidator(1)])
    # Whether its people must have a second factor, where the server offers one.
    second_factor = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.name


class MembershipQuerySet(models.QuerySet):
    def of_people(self):
        """Without those of service accounts, which have a page of their own."""
        return self.filter(user__service=None)


class Membership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_membership_per_team")]

    def at_least(self, role: str) -> bool:
        return RANK[Role(self.role)] >= RANK[Role(role)]


class Quota(models.Model):
    """A team's limits as set by its own administrator or the server's; empty for no limit.

    The lowest of both and the server's settings applies: see ``quotas``.
    """

    class By(models.TextChoices):
        SERVER = "server", _("The server's administrator")
        TEAM = "team", _("The team's administrator")

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="quotas")
    by = models.CharField(max_length=6, choices=By)
    running_default = models.PositiveIntegerField(null=True, blank=True)
    running_train = models.PositiveIntegerField(null=True, blank=True)
    running_convert = models.PositiveIntegerField(null=True, blank=True)
    running_deploy = models.PositiveIntegerField(null=True, blank=True)
    queued = models.PositiveIntegerField(null=True, blank=True)
    storage_mb = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "by"], name="one_quota_per_team_and_setter")]


class OwnedQuerySet(models.QuerySet):
    """Rows that belong to a team. Every view and endpoint starts with ``for_team``."""

    def for_team(self, team):
        return self.filter(team=team)


class Owned(models.Model):
    """Base of every row that a team owns."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True


class InvitationQuerySet(OwnedQuerySet):
    """An invitation depends on its creator's right to invite: without it, the link does not work."""

    def backed(self):
        return self.filter(self._backing())

    def unbacked(self):
        return self.exclude(self._backing())

    def usable(self):
        """Those that still work."""
        return self.backed().filter(used_at=None, expires_at__gt=timezone.now())

    @staticmethod
    def _backing():
        makers = Membership.objects.filter(
            team=models.OuterRef("team"),
            user=models.OuterRef("created_by"),
            user__is_active=True,
            role=Role.ADMIN,
        )
        return models.Exists(makers)


class Invitation(models.Model):
    """A one-time link to join a team. Only the hash of its secret is stored."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    note = NameField(max_length=100, blank=True)  # the intended person
    secret_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        if not self.note:
            return msg("invitation {pk}", pk=self.pk)
        return msg("invitation {pk} ({note})", pk=self.pk, note=self.note)


class PasswordLink(models.Model):
    """A one-time link with which a person sets a new password. Only the hash of its secret is stored.

    ``account_state`` is a fingerprint of the account when the link was created. See ``password_links``.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_links")
    # The administrator who created it; null if the person had it mailed. Deleted with its creator.
    made_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    secret_hash = models.CharField(max_length=64, unique=True)
    account_state = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)


# User-Agent patterns and their names; the first match wins, for each browser also names its ancestors.
BROWSERS = [
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"), ("curl/", "curl"), ("python-requests/", msg("A Python program")),
]  # fmt: skip
SYSTEMS = [
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
    ("Mac OS", "macOS"), ("Linux", "Linux"),
]  # fmt: skip


class SignIn(models.Model):
    """One browser in which a person is signed in; deleting it through ``sign_ins`` signs it out."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    session_key = models.CharField(max_length=40, unique=True)
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-seen_at"]

    @property
    def words(self) -> str:
        """``Firefox on Windows``, as far as the User-Agent tells."""
        name = next((word for mark, word in BROWSERS if mark in self.browser), msg("Unknown browser"))
        system = next((word for mark, word in SYSTEMS if mark in self.browser), "")
        return msg("{name} on {system}", name=name, system=system) if system else name


class Scope(models.TextChoices):
    READ = "read", _("read: see and download")
    DATASETS = "datasets", _("datasets: upload")
    RUNS = "runs", _("runs: start, cancel and retry")
    DEPLOY = "deploy", _("deploy: devices, deployments, inference")
    ADMIN = "admin", _("admin: members, tokens, audit")


class ApiToken(models.Model):
    """A program's credential, for one person in one team. Only the hash of the secret is stored."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tokens")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = NameField(max_length=100)
    scopes = models.JSONField(default=list)
    prefix = models.CharField(max_length=12)  # the visible beginning of the secret, to tell tokens apart
    secret_hash = models.CharField(max_length=64, unique=True)  # SHA-256; the secret has 256 random bits
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    last_used_from = models.GenericIPAddressField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> str:
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at <= timezone.now() else "valid"


class Via(models.TextChoices):
    PAGE = "page", _("Page")
    TOKEN = "token", _("Token")
    PASSWORD = "password", _("API with password")
    SERVER = "server", _("Server")


class Result(models.TextChoices):
    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused")


class AppendOnly(Exception):
    """Someone tried to change or remove an audit entry."""


class AuditQuerySet(OwnedQuerySet):
    """Rows can be added and read; the database also refuses changes (see the migration)."""

    def _refuse(self, *args, **kwargs):
        raise AppendOnly("The audit is append-only: its entries can be neither changed nor removed.")

    update = delete = bulk_update = update_or_create = _refuse
    update.alters_data = delete.alters_data = True


class AuditEntry(models.Model):
    """Who did what to which object, from where. Only ``audit.record`` writes it.

    Foreign keys have no constraint and names are stored as text: an entry outlives its subject.
    """

    at = models.DateTimeField(default=timezone.now)
    team = models.ForeignKey(
        Team, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )
    actor = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )
    actor_name = models.CharField(max_length=150, blank=True)
    via = models.CharField(max_length=10, choices=Via)
    token = models.ForeignKey(
        ApiToken, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+"
    )
    token_name = models.CharField(max_length=120, blank=True)
    verb = models.CharField(max_length=40)
    object_type = models.CharField(max_length=30, blank=True)
    object_id = models.BigIntegerField(null=True)
    object_label = models.CharField(max_length=200, blank=True)
    detail = MessageField(blank=True)
    address = models.GenericIPAddressField(null=True)
    network = models.CharField(max_length=40, null=True)  # of the address, see ``addresses.network``
    result = models.CharField(max_length=10, choices=Result, default=Result.DONE)

    objects = AuditQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["team", "-id"]),
            models.Index(fields=["object_type", "object_id"]),
            models.Index(fields=["verb", "object_label", "at"]),
            models.Index(fields=["network", "at"]),
        ]

    def __str__(self):
        return f"{self.actor_name or 'nobody'}: {self.verb} {self.object_label}".strip()

    @property
    def times(self) -> int:
        """How often it happened: refusals of one kind within a minute share an entry."""
        repeats = getattr(self, "repeats", None)
        return repeats.times if repeats else 1

    def save(self, *args, **kwargs):
        if self.pk is not None:
            raise AppendOnly("The audit is append-only: its entries can be neither changed nor removed.")
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise AppendOnly("The audit is append-only: its entries can be neither changed nor removed.")


class RepeatedRefusal(models.Model):
    """How often an entry's refusal was repeated; the entry itself never changes."""

    entry = models.OneToOneField(
        AuditEntry, on_delete=models.DO_NOTHING, db_constraint=False, related_name="repeats"
    )
    times = models.PositiveIntegerField(default=1)
