from rest_framework import serializers

from portal.core.field_messages import BOARDS, HOURS, MINUTES
from portal.core.names import one_line
from portal.core.serializers import BoundedListField, InTeamField, KnownFieldsOnly
from portal.devices.models import Device
from portal.models.models import Model
from portal.rollouts.models import BoardState, Group, Rollout, Target
from portal.rollouts.planning import BOARDS_AT_MOST, WAVES_AT_MOST


class GroupSerializer(serializers.ModelSerializer):
    """Devices that belong together. ``time_zone`` is empty for the server's."""

    created_by = serializers.CharField(source="created_by.username", allow_null=True, read_only=True)

    class Meta:
        model = Group
        fields = ["id", "name", "time_zone", "devices", "created_by", "created_at"]


class NewGroupSerializer(KnownFieldsOnly, serializers.Serializer):
    """All devices of the group."""

    name = serializers.CharField(max_length=80, validators=[one_line])
    devices = BoundedListField(child=InTeamField(queryset=Device.objects.all()), max_length=BOARDS_AT_MOST)
    time_zone = serializers.CharField(
        max_length=60, required=False, allow_blank=True, help_text="such as Asia/Shanghai"
    )


class TargetSerializer(serializers.ModelSerializer):
    """A device of a rollout: `waiting`, `running`, `succeeded`, `away`, `failed`, `skipped`, `undoing`,
    `rolled-back`. ``before`` is the deployment that ran there before.
    """

    device_name = serializers.CharField(source="device.name")

    class Meta:
        model = Target
        fields = [
            "id", "device", "device_name", "wave", "state", "message", "compiled_model", "deployment",
            "before",
        ]  # fmt: skip


class RolloutSerializer(serializers.ModelSerializer):
    """A model on its way to many devices. ``counts`` has the number of boards in each state."""

    created_by = serializers.CharField(source="created_by.username", allow_null=True, read_only=True)
    counts = serializers.SerializerMethodField()

    class Meta:
        model = Rollout
        fields = [
            "id", "name", "model", "status", "message", "wave", "waves", "at_once", "may_fail",
            "needs_approval", "pause_minutes", "resumes_at", "opens", "closes", "deadline", "board_images",
            "override", "counts",
            "created_by", "created_at", "finished_at",
        ]  # fmt: skip

    def get_counts(self, rollout) -> dict[str, int]:
        found = {str(state): getattr(rollout, f"in_{state.name.lower()}") for state in BoardState}
        return {state: count for state, count in found.items() if count}


class NewRolloutSerializer(KnownFieldsOnly, serializers.Serializer):
    """Which model to bring to which devices, and how. Boards with models of other datasets are left alone."""

    model = InTeamField(queryset=Model.objects.live())
    name = serializers.CharField(max_length=120, required=False, allow_blank=True, validators=[one_line])
    devices = BoundedListField(
        child=InTeamField(queryset=Device.objects.all()), required=False, max_length=BOARDS_AT_MOST
    )
    groups = BoundedListField(
        child=InTeamField(queryset=Group.objects.all()),
        required=False,
        max_length=100,
        help_text="and their devices",
    )
    tags = BoundedListField(
        child=serializers.CharField(max_length=200),
        required=False,
        max_length=100,
        help_text="and the devices with one of these tags",
    )
    waves = BoundedListField(
        child=serializers.CharField(max_length=80),
        required=False,
        max_length=WAVES_AT_MOST,
        help_text="`1` (boards), `25%` (of all, reached with this wave) or a group's name; then the rest",
    )
    at_once = serializers.IntegerField(min_value=1, max_value=50, required=False, error_messages=BOARDS)
    may_fail = serializers.FloatField(
        min_value=0,
        max_value=1,
        required=False,
        help_text="of each wave, 0 to 1; more failures halt the rollout",
    )
    needs_approval = serializers.BooleanField(required=False, help_text="of each wave but the first")
    pause_minutes = serializers.IntegerField(
        min_value=0, max_value=10080, required=False, error_messages=MINUTES
    )
    opens = serializers.TimeField(
        required=False, allow_null=True, help_text="in the board's time zone; an undo does not wait for it"
    )
    closes = serializers.TimeField(required=False, allow_null=True)
    hours = serializers.IntegerField(
        min_value=1,
        max_value=2160,
        required=False,
        help_text="how long boards that are away are tried again",
        error_messages=HOURS,
    )
    board_images = serializers.IntegerField(
        min_value=0, max_value=2000, required=False, help_text="images to measure on each board"
    )
    replace_others = serializers.BooleanField(
        required=False, help_text="also change boards with models of other datasets"
    )
    override = serializers.CharField(max_length=500, required=False, allow_blank=True, validators=[one_line])
