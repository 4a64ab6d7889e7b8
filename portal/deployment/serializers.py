from rest_framework import serializers

from portal import tasks
from portal.core import configs
from portal.core.field_messages import MEBIBYTES, MILLISECONDS
from portal.core.messages import shown
from portal.core.serializers import KnownFieldsOnly
from portal.deployment import policies
from portal.deployment.models import Policy, is_limit
from workers.contract.messages import msg


class PolicySerializer(serializers.ModelSerializer):
    """What compiled models of a task must reach before they are deployed. An empty ``chip`` stands for all
    chips; null limits require nothing. ``passing`` of the ``models`` newest compiled models meet it.
    """

    created_by = serializers.CharField(source="created_by.username", allow_null=True, read_only=True)
    models = serializers.SerializerMethodField()
    passing = serializers.SerializerMethodField()
    warning = serializers.SerializerMethodField(help_text="set if no model meets it")

    class Meta:
        model = Policy
        fields = [
            "id", "task", "chip", *Policy.LIMITS, "models", "passing", "warning", "created_by", "created_at",
        ]  # fmt: skip

    def get_models(self, policy) -> int:
        return self._standing(policy).models

    def get_passing(self, policy) -> int:
        return self._standing(policy).passing

    def get_warning(self, policy) -> str:
        return shown(self._standing(policy).warning)

    def _standing(self, policy) -> policies.Standing:
        """Counted once for all of a response's policies."""
        known = self.root.__dict__.setdefault("standings", {})
        if policy.pk not in known:
            rows = Policy.objects.for_team(policy.team_id)
            known |= {one.policy.pk: one for one in policies.standings(policy.team_id, rows)}
        return known[policy.pk]


def _share(help_text: str):
    return serializers.FloatField(
        min_value=0, max_value=1, required=False, allow_null=True, help_text=help_text
    )


def _amount(help_text: str, unit: dict):
    return serializers.FloatField(
        min_value=0,
        max_value=1_000_000,
        required=False,
        allow_null=True,
        help_text=help_text,
        error_messages=unit,
    )


class NewPolicySerializer(KnownFieldsOnly, serializers.Serializer):
    """At least one limit. Omitted limits require nothing."""

    task = serializers.ChoiceField(choices=list(tasks.TASKS))
    chip = serializers.ChoiceField(choices=[], required=False, help_text="omitted: all chips")
    max_drop = _share("the most that may be lost from the trained model, 0 to 1")
    fail_under = _share("the least metric, 0 to 1")
    fail_class_under = _share("the least recall or AP of each class, 0 to 1")
    max_memory_mb = _amount("weights and feature maps, in MiB, as the compiler reports them", MEBIBYTES)
    max_ms = _amount("milliseconds for one image: measured on boards, else estimated", MILLISECONDS)
    no_cpu = serializers.BooleanField(required=False, help_text="whether every operator must run on the NPU")

    def get_fields(self):
        fields = super().get_fields()
        fields["chip"].choices = list(configs.chips())
        return fields

    def validate(self, data):
        if not any(is_limit(data.get(name)) for name in Policy.LIMITS):
            raise serializers.ValidationError(
                {"": [shown(msg("Set at least one limit, or remove the policy."))]}
            )
        return data


class GateMissSerializer(serializers.Serializer):
    """A limit of the policy that a model misses."""

    limit = serializers.ChoiceField(choices=Policy.LIMITS)
    allowed = serializers.JSONField(help_text="the limit: a number, or true for no_cpu")
    value = serializers.FloatField(allow_null=True, help_text="its figure; null if it is unknown")
    sentence = serializers.CharField()


class DecisionSerializer(serializers.Serializer):
    """What the policy said when the deployment was started. Without a policy, ``limits`` is empty."""

    limits = serializers.DictField()
    misses = GateMissSerializer(many=True)


class GateSerializer(DecisionSerializer):
    """Whether the policy lets a compiled model be deployed."""

    compiled_model = serializers.IntegerField()
    chip = serializers.CharField()
    passed = serializers.BooleanField()


class EvidenceSerializer(serializers.Serializer):
    """``payload`` is the signed JSON text in base64, ``signature`` its Ed25519 signature in base64."""

    format = serializers.CharField()
    payload = serializers.CharField()
    signature = serializers.CharField()
    public_key = serializers.CharField(help_text="in PEM")
    fingerprint = serializers.CharField(help_text="of the key: SHA-256 of its 32 bytes")


class SigningKeySerializer(serializers.Serializer):
    """The team's newest key."""

    public_key = serializers.CharField(source="pem", help_text="in PEM")
    fingerprint = serializers.CharField()
    created_at = serializers.DateTimeField()
