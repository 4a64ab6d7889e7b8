from rest_framework import serializers

from portal.core.field_messages import BYTES, CYCLES, MILLISECONDS, MINUTES
from portal.core.names import one_line
from portal.core.serializers import BoundedListField, InTeamField, KnownFieldsOnly
from portal.datasets.models import DatasetVersion
from portal.fitting import goals
from portal.fitting.forms import MOST_MEGABYTES, MOST_MEGACYCLES, MOST_MS
from portal.fitting.models import FitSearch
from portal.fitting.standing import Standing
from portal.jobs.models import Status
from portal.jobs.serializers import JobSerializer
from portal.runs.plan import PlanError

FIELD_OF = {"sizes": "input_sizes", "minutes": "budget_minutes"}  # of the goal's errors


class NewFitSearchSerializer(KnownFieldsOnly, serializers.Serializer):
    """What the model must keep to, and how long the search may take."""

    dataset_version = InTeamField(queryset=DatasetVersion.objects.all())
    chip = serializers.CharField(max_length=20)
    channel_order = serializers.ChoiceField(choices=["rgb", "bgr"], required=False)
    max_ms = serializers.FloatField(
        min_value=0.01,
        max_value=MOST_MS,
        required=False,
        help_text="an image's time on the chip, estimated",
        error_messages=MILLISECONDS,
    )
    max_cycles = serializers.IntegerField(
        min_value=1000, max_value=round(MOST_MEGACYCLES * 1e6), required=False, error_messages=CYCLES
    )
    max_memory_bytes = serializers.IntegerField(
        min_value=10_000, max_value=MOST_MEGABYTES * goals.MEGABYTE, required=False, error_messages=BYTES
    )
    min_accuracy = serializers.FloatField(
        min_value=0, max_value=1, required=False, help_text="of the task's metric, of the compiled model"
    )
    budget_minutes = serializers.IntegerField(
        min_value=goals.MINUTES[0], max_value=goals.MINUTES[1], error_messages=MINUTES
    )
    name = serializers.CharField(max_length=120, required=False, allow_blank=True, validators=[one_line])
    recipes = BoundedListField(child=serializers.CharField(max_length=60), required=False, max_length=50)
    input_sizes = BoundedListField(
        child=serializers.RegexField(r"^\d{1,4}x\d{1,4}$", max_length=9),
        required=False,
        max_length=50,
        help_text="such as `64x64`; every size of the recipes if omitted",
    )
    augmentation = serializers.CharField(max_length=60, required=False)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)

    def goal(self) -> goals.Goal:
        """Raises PlanError with a sentence for each invalid field."""
        try:
            return self._goal(self.validated_data)
        except PlanError as error:
            named = {FIELD_OF.get(name, name): sentence for name, sentence in error.fields.items()}
            raise PlanError(named) from error

    @staticmethod
    def _goal(data: dict) -> goals.Goal:
        limits = {"ms": "max_ms", "cycles": "max_cycles", "memory": "max_memory_bytes"}
        limits["accuracy"] = "min_accuracy"
        return goals.check(
            data["dataset_version"],
            data["chip"],
            channel_order=data.get("channel_order", ""),
            limits={name: data.get(field) for name, field in limits.items()},
            minutes=data["budget_minutes"],
            name=data.get("name", ""),
            recipes=data.get("recipes", ()),
            sizes=[tuple(map(int, size.split("x"))) for size in data.get("input_sizes", ())],
            params={name: data[name] for name in ("augmentation", "seed") if name in data},
        )


class FitLimitsSerializer(serializers.Serializer):
    """``null`` is no limit."""

    ms = serializers.FloatField(allow_null=True)
    cycles = serializers.FloatField(allow_null=True)
    memory = serializers.FloatField(allow_null=True, help_text="bytes of weights and feature maps")
    accuracy = serializers.FloatField(allow_null=True)


class FitTrialSerializer(serializers.Serializer):
    """A run of a candidate; ``run`` is null until there is room in the queue."""

    number = serializers.IntegerField(help_text="of the round, from 0")
    epochs = serializers.IntegerField()
    run = serializers.IntegerField(source="run_id", allow_null=True)


class CandidateSerializer(serializers.Serializer):
    """A recipe at one input size, with the newest measurements; ``null`` until measured."""

    id = serializers.IntegerField(source="candidate.pk")
    recipe = serializers.CharField(source="candidate.recipe")
    input_size = serializers.ListField(child=serializers.IntegerField(), source="candidate.size")
    estimated_cycles = serializers.IntegerField(source="candidate.cycles", allow_null=True)
    estimated_memory = serializers.IntegerField(source="candidate.memory", allow_null=True)
    left_out = serializers.CharField(source="candidate.left_out", allow_blank=True)
    trials = FitTrialSerializer(many=True)
    compiled_model = serializers.IntegerField(source="compiled.pk", allow_null=True, default=None)
    value = serializers.FloatField(allow_null=True)
    cycles = serializers.IntegerField(allow_null=True)
    memory = serializers.IntegerField(allow_null=True)
    ms = serializers.FloatField(allow_null=True, help_text="estimated from the cycles")
    keeps = serializers.BooleanField(help_text="whether it keeps to the limits")


class FitSearchListSerializer(serializers.ModelSerializer):
    """``met``, ``outcome`` and ``winner`` are set at its end; ``winner`` is a candidate's id."""

    limits = FitLimitsSerializer()
    status = serializers.ChoiceField(Status.choices, help_text="running while its candidates train")
    job = JobSerializer()

    class Meta:
        model = FitSearch
        fields = [
            "id", "name", "dataset_version", "task", "chip", "channel_order", "limits", "budget_seconds",
            "status", "job", "met", "outcome", "winner", "created_at",
        ]  # fmt: skip


class FitSearchSerializer(FitSearchListSerializer):
    """A search with its candidates."""

    winner_run = serializers.SerializerMethodField(help_text="the run whose model won: deploy that")
    candidates = CandidateSerializer(many=True, source="standing.entries")

    class Meta(FitSearchListSerializer.Meta):
        fields = [*FitSearchListSerializer.Meta.fields, "winner_run", "candidates"]

    def get_winner_run(self, search) -> int | None:
        won = (one for one in search.standing.entries if one.candidate.pk == search.winner_id and one.trial)
        return next((one.trial.run_id for one in won), None)

    def to_representation(self, search):
        search.standing = Standing(search)
        return super().to_representation(search)
