"""Serializers of the application on a board."""

from __future__ import annotations

from rest_framework import serializers

from portal.application.forms import KINDS, MOST_CA, SPEEDS, AppForm
from portal.application.models import Application
from portal.core.field_messages import MILLISECONDS, PIXELS
from portal.core.names import one_line
from portal.core.serializers import InTeamField, KnownFieldsOnly
from portal.devices.models import Device
from portal.jobs.serializers import JobSerializer


class ApplicationSerializer(serializers.ModelSerializer):
    """The application on a board. ``config`` is its ``config.json`` without passwords; ``told`` is what the
    board told at ``told_at``: `installed`, `running`, `release`, `frames`, `rate`, `ms`, `problem`,
    `restarts`, `boot`, `outputs`, the lines sent lately (`recent`) and its `log`.
    """

    config = serializers.JSONField()
    told = serializers.JSONField(source="state")
    job = JobSerializer(allow_null=True)

    class Meta:
        model = Application
        fields = ["id", "device", "config", "told", "told_at", "act", "job", "created_at"]


class NewApplicationSerializer(KnownFieldsOnly, serializers.Serializer):
    """Where pictures come from and where predictions go. MQTT needs ``host`` and ``topic``, a serial port
    ``serial_port``, HTTP ``url``. ``password`` is the broker's; without it, the stored one is kept.
    """

    device = InTeamField(queryset=Device.objects.select_related("team"))
    source = serializers.ChoiceField(["camera", "folder"], default="camera")
    width = serializers.IntegerField(default=640, min_value=16, max_value=2304, error_messages=PIXELS)
    height = serializers.IntegerField(default=480, min_value=16, max_value=1296, error_messages=PIXELS)
    folder = serializers.CharField(default="pictures", max_length=64, help_text="beside the releases")
    every_ms = serializers.IntegerField(
        default=200, min_value=0, max_value=3_600_000, error_messages=MILLISECONDS
    )
    only_changes = serializers.BooleanField(default=False)
    output = serializers.ChoiceField([name for name, _title in KINDS])
    host = serializers.CharField(required=False, max_length=255, validators=[one_line])
    port = serializers.IntegerField(
        required=False, min_value=1, max_value=65535, help_text="1883, or 8883 with `tls`, by default"
    )
    tls = serializers.BooleanField(required=False, help_text="the broker's certificate is checked")
    ca = serializers.CharField(
        required=False, max_length=MOST_CA, help_text="certificates as PEM text; else those that it trusts"
    )
    topic = serializers.CharField(required=False, max_length=255, validators=[one_line])
    qos = serializers.IntegerField(required=False, min_value=0, max_value=1)
    user = serializers.CharField(required=False, max_length=255, validators=[one_line])
    password = serializers.CharField(required=False, max_length=255, write_only=True)
    serial_port = serializers.CharField(required=False, max_length=65, help_text="such as /dev/ttyS1")
    baud = serializers.IntegerField(
        required=False, min_value=SPEEDS[0], max_value=SPEEDS[-1],
        help_text=f"one of {', '.join(map(str, SPEEDS))}",
    )  # fmt: skip
    url = serializers.CharField(required=False, max_length=500)

    def validate(self, data):
        """By the form of the page."""
        fields = {**data, "device": data.get("serial_port", "")}
        form = AppForm(fields)
        if not form.is_valid():
            errors = dict(form.errors)
            if "device" in errors:
                errors["serial_port"] = errors.pop("device")
            raise serializers.ValidationError(errors)
        return {"device": data["device"], "config": form.config, "password": data.get("password")}
