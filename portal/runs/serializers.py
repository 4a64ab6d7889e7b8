import datetime

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.core.messages import shown
from portal.core.names import one_line, visible
from portal.core.serializers import BoundedListField, InTeamField, KnownFieldsOnly
from portal.datasets.models import DatasetVersion
from portal.devices.models import Device
from portal.jobs.serializers import JobSerializer
from portal.models.models import Model
from portal.models.serializers import CompiledModelSerializer, EvaluationSerializer, ModelSerializer
from portal.runs import tags
from portal.runs.deployment_serializers import DeploymentSerializer
from portal.runs.forms import NOTES_LENGTH
from portal.runs.graph import Graph
from portal.runs.models import Run, Step
from portal.runs.parity_serializers import QualitySerializer
from portal.runs.plan import CHOICES, PARAMS
from portal.runs.quality import quality
from portal.runs.step_kinds import short_title
from portal.runs.verdict import verdict
from portal.tasks.doubts import Grade
from portal.training.methods import DISTILLATION, IMPORTANCES, METHODS, PRUNING, QAT, UNITS
from workers.contract.messages import Message, msg

PARAMS_AT_MOST, PARAM_LENGTH = 50, 100
TOP1_SINCE = datetime.date(2026, 11, 28)  # when values of a metric replaced them
OLDER = "The value where the metric is top-1, null otherwise."


class RunListSerializer(serializers.ModelSerializer):
    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True)
    dataset = serializers.CharField(source="dataset_version.dataset.name")
    dataset_sha256 = serializers.CharField(
        source="dataset_version.content_hash",
        help_text="Of the version's content; empty until it is checked.",
    )
    tags = serializers.SlugRelatedField(slug_field="name", many=True, read_only=True)

    class Meta:
        model = Run
        fields = [
            "id", "name", "notes", "tags", "status", "message", "task", "dataset", "dataset_version",
            "dataset_sha256", "preset", "recipe", "params", "created_by", "created_at", "finished_at",
            "deleted_at", "cloned_from",
        ]  # fmt: skip


class StepSerializer(serializers.ModelSerializer):
    """One node of the run's graph. ``job`` is its current attempt, null before it is started."""

    job = JobSerializer(allow_null=True)
    title = serializers.SerializerMethodField()
    needs = serializers.SerializerMethodField()

    class Meta:
        model = Step
        fields = ["id", "kind", "title", "position", "needs", "inputs", "device", "job", "withheld"]

    def get_title(self, step) -> str:
        return short_title(step)

    def get_needs(self, step) -> list[int]:
        return [needed.pk for needed in step.needs.all()]


class VerdictSerializer(serializers.Serializer):
    """How usable the run's model is, from its evaluations. ``advice`` is empty if there is nothing to do;
    ``note`` is set if the figures are those of a test split.
    """

    grade = serializers.ChoiceField(choices=Grade.choices)
    sentence = serializers.CharField()
    advice = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)


class RunSerializer(RunListSerializer):
    ingest_job = JobSerializer(source="dataset_version.job")
    steps = StepSerializer(many=True, source="graph.steps")
    model = ModelSerializer(source="graph.model", allow_null=True)
    compiled_models = CompiledModelSerializer(many=True, source="graph.compiled")
    deployments = DeploymentSerializer(many=True, source="graph.deployments")
    evaluations = EvaluationSerializer(many=True, source="graph.evaluated.rows")
    verdict = VerdictSerializer(allow_null=True, help_text="null until the run has ended and was evaluated")
    quality = QualitySerializer(
        allow_null=True, help_text="whether it keeps to its limits; null until it has ended and was evaluated"
    )

    class Meta(RunListSerializer.Meta):
        fields = [
            *RunListSerializer.Meta.fields, "ingest_job", "steps", "model", "compiled_models", "deployments",
            "evaluations", "verdict", "quality",
        ]  # fmt: skip

    def to_representation(self, run):
        run.graph = Graph(run)
        run.verdict, run.quality = verdict(run.graph), quality(run.graph)
        return super().to_representation(run)


class RunEditSerializer(KnownFieldsOnly, serializers.Serializer):
    """The editable fields of a run; omitted ones stay."""

    name = serializers.CharField(max_length=120, required=False, validators=[one_line])
    notes = serializers.CharField(
        max_length=NOTES_LENGTH,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        validators=[visible],
    )
    tags = BoundedListField(child=serializers.CharField(max_length=200), required=False, max_length=100)

    def validate_tags(self, names):
        return tags.clean(names)


@extend_schema_field({"type": "object", "additionalProperties": {}, "maxProperties": PARAMS_AT_MOST})
class ParamsField(serializers.DictField):
    """Parameters by name; ``runs/plan.py`` defines them and their ranges."""

    def to_internal_value(self, data):
        if isinstance(data, dict):
            if len(data) > PARAMS_AT_MOST:
                raise serializers.ValidationError(
                    _("Name at most %(most)d parameters.") % {"most": PARAMS_AT_MOST}
                )
            for name, value in data.items():
                if len(str(name)) > PARAM_LENGTH or len(repr(value)) > PARAM_LENGTH:
                    raise serializers.ValidationError(
                        _("A parameter and its value have up to %(most)d characters.")
                        % {"most": PARAM_LENGTH}
                    )
        return super().to_internal_value(data)


class NewRunSerializer(KnownFieldsOnly, serializers.Serializer):
    """One request for the whole run: what to train on, how, and where to deploy."""

    inside = {"params": (*PARAMS, *CHOICES)}
    name = serializers.CharField(max_length=120, required=False, allow_blank=True, validators=[one_line])
    dataset_version = InTeamField(queryset=DatasetVersion.objects.all())
    preset = serializers.CharField(required=False, allow_blank=True, max_length=60)
    recipe = serializers.CharField(required=False, allow_blank=True, max_length=60)
    chips = BoundedListField(child=serializers.CharField(max_length=60), required=False, max_length=50)
    devices = BoundedListField(
        child=InTeamField(queryset=Device.objects.all()), required=False, max_length=200
    )
    params = ParamsField(required=False)


class CloneSerializer(NewRunSerializer):
    """The changes to the cloned run; everything else stays."""

    dataset_version = InTeamField(queryset=DatasetVersion.objects.all(), required=False)


class ImproveSerializer(KnownFieldsOnly, serializers.Serializer):
    """How to improve a run's model."""

    inside = {"params": (*PARAMS, *CHOICES)}
    method = serializers.ChoiceField(choices=[(name, method.title) for name, method in METHODS.items()])
    name = serializers.CharField(max_length=120, required=False, allow_blank=True, validators=[one_line])
    params = ParamsField(required=False)
    anyway = serializers.BooleanField(
        required=False, help_text="qat, distill: do it although nothing measured says that it helps."
    )
    teacher = InTeamField(
        queryset=Model.objects.live(),
        required=False,
        help_text="distill: a model of the same task, classes and input size",
    )
    teacher_recipe = serializers.CharField(
        max_length=60,
        required=False,
        help_text="distill, instead of teacher: a recipe, trained first from its pretrained weights",
    )
    unlabelled = InTeamField(
        queryset=DatasetVersion.objects.all(),
        required=False,
        help_text="distill: a dataset version whose images are learned from without labels",
    )
    share = serializers.FloatField(required=False, help_text="prune: of the cost that remains, 0.1 to 0.9")
    unit = serializers.ChoiceField(list(UNITS.items()), required=False, help_text="prune: unit of the cost")
    importance = serializers.ChoiceField(
        choices=list(IMPORTANCES.items()), required=False, help_text="prune: which channels stay"
    )

    def validate(self, attrs):
        """Refuse what belongs to another method: it would be ignored."""
        given = [name for name, value in attrs.items() if name in OWNERS and value is not False]
        others = [name for name in given if attrs["method"] not in OWNERS[name]]
        if others:
            raise serializers.ValidationError({name: [shown(_owned_by(OWNERS[name]))] for name in others})
        return attrs


# The methods that take these fields of ImproveSerializer; all take the others.
OWNERS = {
    "anyway": (QAT, DISTILLATION),
    **dict.fromkeys(("teacher", "teacher_recipe", "unlabelled"), (DISTILLATION,)),
    **dict.fromkeys(("share", "unit", "importance"), (PRUNING,)),
}


def _owned_by(methods: tuple[str, ...]) -> Message:
    if len(methods) > 1:
        return msg(
            "Only the methods {methods} take it: choose one of them, or leave it out.",
            methods=", ".join(methods),
        )
    return msg("Only the method {method} takes it: choose that one, or leave it out.", method=methods[0])


class ComparedRowSerializer(serializers.Serializer):
    """One row; ``values`` are in the order of the runs, null if a run has none."""

    name = serializers.CharField()
    unit = serializers.CharField(
        help_text="text, number, hash, size, flag, yes, share (0 to 1), points, ms, bytes or seconds"
    )
    values = serializers.ListField(child=serializers.JSONField(allow_null=True))
    differs = serializers.BooleanField()


class CompareQuerySerializer(serializers.Serializer):
    ids = serializers.CharField(allow_blank=True, max_length=200, help_text="Two to six numbers: `12,15`.")


class ComparisonSerializer(serializers.Serializer):
    """Runs side by side. A class has ``[Paddle, int8]`` for each run."""

    runs = RunListSerializer(many=True)
    parameters = ComparedRowSerializer(many=True)
    results = ComparedRowSerializer(many=True)
    classes = ComparedRowSerializer(many=True)
    notices = serializers.ListField(child=serializers.CharField())
