from rest_framework import serializers

from portal.core import configs, tags
from portal.core.messages import shown
from portal.core.names import one_line
from portal.core.serializers import BoundedListField, InTeamField, KnownFieldsOnly
from portal.devices import access, releases
from portal.devices.fitness import Verdict
from portal.devices.hosts import SITE_LENGTH, check_host, check_site
from portal.devices.models import AccessChange, Device, HealthSample, Inference, InferenceImage, JumpHost
from portal.jobs import sites
from portal.jobs.serializers import JobSerializer
from workers.contract.messages import msg


class DeviceSerializer(serializers.ModelSerializer):
    virtual = serializers.BooleanField(source="is_virtual")
    current_release = serializers.CharField(
        allow_null=True, help_text="what the board said it runs when it was last asked"
    )
    factory_password = serializers.BooleanField(
        allow_null=True, help_text="whether it accepts its factory password; null if unknown"
    )
    newer_model = serializers.SerializerMethodField(
        help_text="the id of a model that was trained on the same dataset later than the one that it runs"
    )
    site_problem = serializers.SerializerMethodField(
        help_text="what is wrong with its site, such as that no worker serves it; else empty"
    )
    tags = serializers.SlugRelatedField(slug_field="name", many=True, read_only=True)
    probe_job = JobSerializer(allow_null=True)

    def get_site_problem(self, device) -> str:
        if not device.site:
            return ""
        if getattr(self, "_served", None) is None:
            self._served = sites.served()
        queue = sites.queue_at("deploy", device.site)
        return "" if queue in self._served else shown(sites.sentence(queue))

    def get_newer_model(self, device) -> int | None:
        rows = self.parent.instance if self.parent else [device]
        if getattr(self, "_newer", None) is None:
            self._newer = releases.newer(rows)
        found = self._newer.get(device.pk)
        return found.model_id if found else None

    class Meta:
        model = Device
        fields = [
            "id", "name", "profile", "virtual", "host", "port", "username", "auth", "host_key", "probe",
            "probe_job", "seen_at", "problem", "current_release", "reported_at", "created_at",
            "factory_password", "jump", "site", "site_problem", "newer_model", "tags",
        ]  # fmt: skip


class CheckSerializer(serializers.Serializer):
    """One check of a board: ``found`` is what it has, ``advice`` what to do if that is not fit."""

    name = serializers.CharField()
    title = serializers.CharField()
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    found = serializers.SerializerMethodField()
    advice = serializers.SerializerMethodField()

    def get_found(self, line) -> str:
        return shown(line.found)

    def get_advice(self, line) -> str:
        return shown(line.advice)


class FitnessSerializer(serializers.Serializer):
    """Whether a board was fit at its last probe; ``unknown`` before the first one."""

    verdict = serializers.ChoiceField(choices=Verdict.choices)
    checks = CheckSerializer(many=True)


class SiteField(serializers.CharField):
    """The name of a site."""

    def __init__(self, **kwargs):
        super().__init__(
            required=False, allow_blank=True, max_length=SITE_LENGTH, validators=[_check_site], **kwargs
        )


def _check_site(text: str) -> None:
    if text:
        check_site(text)


class TagsField(BoundedListField):
    """Tags as people type them, cleaned."""

    def __init__(self, **kwargs):
        super().__init__(child=serializers.CharField(max_length=200), max_length=100, **kwargs)

    def to_internal_value(self, data):
        return tags.clean(super().to_internal_value(data))


class SecretSerializer(KnownFieldsOnly, serializers.Serializer):
    """A password, or a private key with its passphrase. Never returned."""

    password = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=1000, write_only=True
    )
    private_key = serializers.CharField(required=False, allow_blank=True, max_length=20000, write_only=True)
    passphrase = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=1000, write_only=True
    )

    def validate(self, data):
        if data.get("password") and data.get("private_key"):
            raise serializers.ValidationError(
                {"private_key": shown(msg("Give a password or a private key, not both."))}
            )
        return data


class AccessChangeSerializer(serializers.ModelSerializer):
    """A change of a board's credentials. ``done_at`` is set once the new ones have worked."""

    job = JobSerializer()
    created_by = serializers.CharField(source="created_by.username", allow_null=True, read_only=True)

    class Meta:
        model = AccessChange
        fields = [
            "id", "device", "action", "job", "public_key", "created_by", "created_at", "done_at", "undone_at",
        ]  # fmt: skip


class BoardPasswordSerializer(KnownFieldsOnly, serializers.Serializer):
    """The board's new password; without one, the portal generates one."""

    password = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=access.LONGEST, write_only=True
    )


class PasswordChangeSerializer(AccessChangeSerializer):
    """``password`` is the generated one, returned only here; null if the call gave one."""

    password = serializers.CharField(allow_null=True, default=None)

    class Meta(AccessChangeSerializer.Meta):
        fields = [*AccessChangeSerializer.Meta.fields, "password"]


class NewDeviceSerializer(SecretSerializer):
    """A board to register. ``host_key`` may give the expected key; otherwise the key shown is pinned."""

    name = serializers.CharField(max_length=80, validators=[one_line])
    profile = serializers.CharField(max_length=60)
    host = serializers.CharField(max_length=255, validators=[check_host])
    port = serializers.IntegerField(default=22, min_value=1, max_value=65535)
    username = serializers.CharField(max_length=64, default="root", validators=[one_line])
    host_key = serializers.CharField(required=False, allow_blank=True, max_length=120)
    jump = InTeamField(
        queryset=JumpHost.objects.all(), required=False, allow_null=True, help_text="a jump host"
    )
    site = SiteField(help_text="whose workers reach it, such as `harbour`; empty for the portal's own")
    tags = TagsField(required=False)

    def validate_profile(self, value):
        if value not in configs.boards():
            raise serializers.ValidationError(
                shown(msg("Choose one of {boards}.", boards=", ".join(configs.boards())))
            )
        return value

    def validate(self, data):
        if not data.get("password") and not data.get("private_key"):
            raise serializers.ValidationError({"password": shown(msg("Give a password or a private key."))})
        return super().validate(data)


class EditDeviceSerializer(SecretSerializer):
    """Changes of a board; omitted fields stay.

    The stored credentials belong to the address, port and user: to change one of these, send them again.
    """

    name = serializers.CharField(max_length=80, required=False, validators=[one_line])
    host = serializers.CharField(max_length=255, required=False, validators=[check_host])
    port = serializers.IntegerField(required=False, min_value=1, max_value=65535)
    username = serializers.CharField(max_length=64, required=False, validators=[one_line])
    jump = InTeamField(
        queryset=JumpHost.objects.all(), required=False, allow_null=True, help_text="null: directly"
    )
    site = SiteField(help_text="whose workers reach it; empty for none")
    tags = TagsField(required=False, help_text="replace all tags")


class HostKeysSerializer(serializers.Serializer):
    """The pinned key, and the one that the board shows now."""

    pinned = serializers.CharField()
    shown = serializers.CharField()
    same = serializers.BooleanField()


class NewHostKeySerializer(SecretSerializer):
    """The key to pin. The stored credentials belong to the previous key: send them again with it."""

    host_key = serializers.CharField(
        max_length=120, help_text="The key that a person has looked at, as ``shown`` tells it."
    )


class InferenceImageSerializer(serializers.ModelSerializer):
    """``prediction`` is empty until the board has responded.

    Classification: ``label_id``, ``label`` and ``score``, repeated beside it, and ``top`` if the engine
    reports more classes. Detection: ``boxes``, highest score first, each with ``label_id``, ``label``,
    ``score`` and ``box`` (left, top, width and height in pixels of the image); ``least_score`` if the board
    reports no lower ones.

    ``unlike``: whether the image is unlike all of the model's training images. ``unlikeness`` measures that:
    images of the same kind reach at most 1. Both are null if unknown.
    """

    unlike = serializers.BooleanField(allow_null=True)
    label_id = serializers.IntegerField(source="prediction.label_id", default=None, allow_null=True)
    label = serializers.CharField(source="prediction.label", default="")
    score = serializers.FloatField(source="prediction.score", default=None, allow_null=True)

    class Meta:
        model = InferenceImage
        fields = [
            "name", "width", "height", "prediction", "label_id", "label", "score", "milliseconds", "error",
            "note", "unlike", "unlikeness",
        ]  # fmt: skip


class InferenceSerializer(serializers.ModelSerializer):
    job = JobSerializer()
    images = InferenceImageSerializer(many=True)

    class Meta:
        model = Inference
        fields = ["id", "device", "release", "task", "engine", "created_at", "job", "images"]


class HealthSampleSerializer(serializers.ModelSerializer):
    """What one check found; null means unknown."""

    class Meta:
        model = HealthSample
        fields = [
            "at", "reachable", "release", "foreign", "memory_free", "disk_free", "celsius", "load", "uptime",
            "clock_offset",
        ]  # fmt: skip


class HealthSerializer(serializers.Serializer):
    """``checks`` counts all checks of these days, ``reachable`` those that the device answered."""

    checks = serializers.IntegerField()
    reachable = serializers.IntegerField()
    samples = HealthSampleSerializer(many=True)
