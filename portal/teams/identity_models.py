"""Company accounts, second factors and service accounts."""

from __future__ import annotations

from django.db import models

from portal.core.names import NameField

PERSON = "teams.User"


class Identity(models.Model):
    """A person's company account: who they are for an OpenID provider or a directory.

    Accounts are matched by these two values only, never by name or e-mail address.
    """

    user = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)  # the provider's URL, or ``ldap``
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="one_person_per_identity")]


class SecondFactor(models.Model):
    """An app that shows codes (TOTP), and recovery codes. The secret is encrypted."""

    user = models.OneToOneField(PERSON, on_delete=models.CASCADE, related_name="second_factor")
    sealed = models.TextField()
    last_step = models.BigIntegerField(default=0)  # a code works once: those of later steps only
    recovery = models.JSONField(default=list)  # keyed hashes of the codes that are left
    created_at = models.DateTimeField(auto_now_add=True)


class ServiceAccount(models.Model):
    """An account of a team for programs: it has a role and tokens, but no password."""

    team = models.ForeignKey("teams.Team", on_delete=models.CASCADE, related_name="service_accounts")
    user = models.OneToOneField(PERSON, on_delete=models.CASCADE, related_name="service")
    name = NameField(max_length=100)
    created_by = models.ForeignKey(PERSON, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name
