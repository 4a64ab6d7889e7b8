from rest_framework import serializers

from portal.core.field_messages import DAYS
from portal.core.names import one_line
from portal.core.serializers import BoundedListField, KnownFieldsOnly
from portal.teams import quotas
from portal.teams.models import (
    ApiToken,
    AuditEntry,
    Invitation,
    Membership,
    Quota,
    Result,
    Role,
    Scope,
    Team,
    Via,
)
from portal.teams.tokens import LONGEST_DAYS

TOKEN_STATES = ["valid", "expired", "revoked"]


class TeamSerializer(serializers.ModelSerializer):
    """The caller's membership in a team, presented as the team."""

    id = serializers.IntegerField(source="team_id")
    name = serializers.CharField(source="team.name")
    unsure_below = serializers.FloatField(
        source="team.unsure_below",
        help_text="Pages mark predictions of boards with a lower score, 0 to 1, as unsure.",
    )
    max_drop = serializers.FloatField(
        source="team.max_drop",
        help_text="What models of new runs may lose, 0 to 1.",
    )
    fail_under = serializers.FloatField(
        source="team.fail_under", allow_null=True, help_text="What models of new runs must reach, 0 to 1."
    )
    current = serializers.SerializerMethodField()

    class Meta:
        model = Membership
        fields = ["id", "name", "role", "unsure_below", "max_drop", "fail_under", "current"]

    def get_current(self, membership) -> bool:
        """Whether this call works in that team."""
        return membership.team_id == self.context["request"].team.pk


class NewTeamSerializer(KnownFieldsOnly, serializers.ModelSerializer):
    class Meta:
        model = Team
        fields = ["name"]


class TeamChangeSerializer(KnownFieldsOnly, serializers.ModelSerializer):
    """The settings that an administrator may change; omitted fields stay."""

    class Meta:
        model = Team
        fields = ["name", *Team.SETTINGS]
        extra_kwargs = {"name": {"required": False}}


class ResetLinkSerializer(serializers.Serializer):
    link = serializers.URLField()


class MemberSerializer(KnownFieldsOnly, serializers.ModelSerializer):
    username = serializers.CharField(source="user.username", read_only=True)

    class Meta:
        model = Membership
        fields = ["id", "username", "role"]


class TokenSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="user.username")
    state = serializers.ChoiceField(choices=TOKEN_STATES)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope))

    class Meta:
        model = ApiToken
        fields = [
            "id", "name", "owner", "scopes", "prefix", "state", "created_at", "expires_at", "last_used_at",
            "last_used_from", "revoked_at",
        ]  # fmt: skip


class NewTokenSerializer(KnownFieldsOnly, serializers.Serializer):
    """A new token, for the caller in the current team."""

    name = serializers.CharField(max_length=100, validators=[one_line])
    scopes = BoundedListField(
        child=serializers.ChoiceField(choices=Scope), allow_empty=False, max_length=2 * len(Scope)
    )
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_DAYS, default=90, error_messages=DAYS)


class MadeTokenSerializer(TokenSerializer):
    """A new token with its secret, which no later response contains."""

    secret = serializers.CharField()

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "secret"]


class InvitationSerializer(serializers.ModelSerializer):
    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True)

    class Meta:
        model = Invitation
        fields = ["id", "role", "note", "created_by", "created_at", "expires_at"]


class NewInvitationSerializer(KnownFieldsOnly, serializers.Serializer):
    role = serializers.ChoiceField(choices=Role.choices)
    days = serializers.IntegerField(min_value=1, max_value=30, default=7, error_messages=DAYS)
    note = serializers.CharField(
        max_length=100, required=False, allow_blank=True, default="", validators=[one_line]
    )


class MadeInvitationSerializer(InvitationSerializer):
    """A new invitation with its link, which no later response contains."""

    link = serializers.URLField()

    class Meta(InvitationSerializer.Meta):
        fields = [*InvitationSerializer.Meta.fields, "link"]


class AuditEntrySerializer(serializers.ModelSerializer):
    actor = serializers.CharField(source="actor_name")
    token = serializers.CharField(source="token_name")
    times = serializers.IntegerField(help_text="refusals of one kind within a minute share an entry")

    class Meta:
        model = AuditEntry
        fields = [
            "id", "at", "actor", "via", "token", "verb", "object_type", "object_id", "object_label",
            "detail", "address", "result", "times",
        ]  # fmt: skip


class AuditQuerySerializer(serializers.Serializer):
    person = serializers.CharField(required=False, max_length=150, help_text="User name of who did it.")
    verb = serializers.CharField(
        required=False, max_length=40, help_text="Such as `run.create`, or `run` for all of its kind."
    )
    via = serializers.ChoiceField(choices=Via.choices, required=False)
    result = serializers.ChoiceField(choices=Result.choices, required=False)
    since = serializers.DateField(required=False, help_text="First day.")
    until = serializers.DateField(required=False, help_text="Last day.")
    text = serializers.CharField(
        required=False, max_length=100, help_text="What object, detail, token, person or address hold."
    )


class QuotaSerializer(serializers.ModelSerializer):
    """Limits; null for none."""

    class Meta:
        model = Quota
        fields = [*quotas.FIELDS]
        extra_kwargs = {name: {"min_value": 1, "max_value": 2_000_000_000} for name in quotas.FIELDS}


class NewQuotaSerializer(KnownFieldsOnly, QuotaSerializer):
    """Limits to set. ``by`` says whose: ``server`` is for administrators of the server."""

    by = serializers.ChoiceField(choices=Quota.By, default=Quota.By.TEAM)

    class Meta(QuotaSerializer.Meta):
        fields = ["by", *QuotaSerializer.Meta.fields]


class LimitsSerializer(serializers.Serializer):
    """The effective limits (``running`` by queue, ``storage`` in bytes; null for no limit), the current
    usage, and who set what: the lowest of ``ceiling``, ``server`` and ``team`` applies.
    """

    running = serializers.DictField(child=serializers.IntegerField(allow_null=True))
    queued = serializers.IntegerField(allow_null=True)
    storage = serializers.IntegerField(allow_null=True)
    running_now = serializers.DictField(child=serializers.IntegerField())
    queued_now = serializers.IntegerField()
    storage_now = serializers.DictField(
        child=serializers.IntegerField(), help_text="bytes by what is stored, and their ``total``"
    )
    ceiling = QuotaSerializer()
    server = QuotaSerializer(allow_null=True)
    team = QuotaSerializer(allow_null=True)
