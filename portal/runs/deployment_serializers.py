from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.core.names import one_line
from portal.core.serializers import InTeamField, KnownFieldsOnly
from portal.deployment.models import Deployment, State
from portal.deployment.serializers import DecisionSerializer
from portal.devices.models import Device
from portal.jobs.serializers import JobSerializer
from portal.models.serializers import EvaluationSerializer
from portal.runs.models import Run


class DeploymentSerializer(serializers.ModelSerializer):
    """One attempt to put a compiled model on a device."""

    job = JobSerializer()
    device_name = serializers.CharField(source="device.name")
    virtual = serializers.BooleanField(source="device.is_virtual")
    state = serializers.ChoiceField(choices=State.choices, read_only=True)
    kept = serializers.BooleanField(
        source="is_kept", help_text="whether its release is on the device, so that one can roll back to it"
    )
    gate = DecisionSerializer(allow_null=True, help_text="null for rollbacks, which no policy judges")
    current = serializers.SerializerMethodField()
    run = serializers.SerializerMethodField()
    evaluation = serializers.SerializerMethodField()

    class Meta:
        model = Deployment
        fields = [
            "id", "run", "compiled_model", "device", "device_name", "virtual", "job", "release", "placed",
            "current", "state", "kept", "source", "engine", "evaluation", "activated_at", "rolled_back_at",
            "gate", "override",
        ]  # fmt: skip

    def get_current(self, deployment) -> bool:
        """Whether the board runs it now, as far as known."""
        return deployment.is_current

    def get_run(self, deployment) -> int | None:
        """The run that trained the model."""
        step = getattr(deployment.compiled_model.model.job, "step", None)
        return step.run_id if step else None

    @extend_schema_field(EvaluationSerializer(allow_null=True))
    def get_evaluation(self, deployment):
        """The board's evaluation on the measured images; null until measured."""
        found = next(iter(deployment.job.evaluations.all()), None)
        return EvaluationSerializer(found).data if found else None


class NewDeploymentSerializer(KnownFieldsOnly, serializers.Serializer):
    """Which run's model to deploy to which device; the device's chip selects the model."""

    run = InTeamField(queryset=Run.objects.live())
    device = InTeamField(queryset=Device.objects.all())
    override = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        validators=[one_line],
        help_text="why it is deployed although the policy refuses the model; audit and evidence keep it",
    )
