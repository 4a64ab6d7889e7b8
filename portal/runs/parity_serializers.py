"""Serializers of a run's parity and quality."""

from __future__ import annotations

from rest_framework import serializers

from portal.models.serializers import ParitySerializer
from portal.runs.quality import LIMITS, STATES
from portal.tasks import Stage


class MissSerializer(serializers.Serializer):
    """A limit that a model misses."""

    limit = serializers.ChoiceField(choices=LIMITS)
    allowed = serializers.FloatField(help_text="the limit, 0 to 1")
    value = serializers.FloatField(help_text="what was measured, 0 to 1")
    chip = serializers.CharField(allow_blank=True)
    device = serializers.CharField(allow_null=True, help_text="the board that measured it")
    sentence = serializers.CharField()


class QualitySerializer(serializers.Serializer):
    """Whether the run's models meet its limits; its status does not depend on it."""

    state = serializers.ChoiceField(choices=STATES)
    max_drop = serializers.FloatField(help_text="the most that may be lost from the trained model, 0 to 1")
    fail_under = serializers.FloatField(allow_null=True, help_text="the least metric, 0 to 1")
    misses = MissSerializer(many=True)


class LimitsQuerySerializer(serializers.Serializer):
    """Limits that replace the run's own, 0 to 1."""

    max_drop = serializers.FloatField(required=False, min_value=0, max_value=1)
    fail_under = serializers.FloatField(required=False, min_value=0, max_value=1)


class ChangedSerializer(serializers.Serializer):
    """An image whose prediction changed. ``image`` is its number in the dataset version."""

    image = serializers.IntegerField()
    truth = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    right = serializers.BooleanField(help_text="right now, or no worse than before")
    gain = serializers.IntegerField(help_text="1: became better; -1: became worse; 0: neither")
    drift = serializers.FloatField(help_text="how far the scores moved, 0 to 1")


class StageResultSerializer(serializers.Serializer):
    """One stage: its measurements, and the changes since the previous stage."""

    stage = serializers.ChoiceField(choices=Stage.choices)
    title = serializers.CharField()
    device = serializers.CharField(allow_null=True)
    evaluation = serializers.IntegerField()
    engine = serializers.CharField()
    images = serializers.IntegerField()
    value = serializers.FloatField(allow_null=True)
    interval = serializers.ListField(
        child=serializers.FloatField(),
        allow_null=True,
        help_text="95 %, low and high; null where none is given",
    )
    parity = ParitySerializer()
    changed = ChangedSerializer(many=True, help_text="the worst of them first")


class LossSerializer(serializers.Serializer):
    """The stage with the largest loss, the likely cause and what to do, as one sentence."""

    stage = serializers.ChoiceField(choices=Stage.choices, allow_null=True, help_text="null: none lost any")
    device = serializers.CharField(allow_null=True)
    by_chance = serializers.BooleanField(help_text="on so few images that chance may have done it")
    sentence = serializers.CharField()


class BranchSerializer(serializers.Serializer):
    """A compiled model, from training to the boards."""

    chip = serializers.CharField()
    compiled_model = serializers.IntegerField()
    drop = serializers.FloatField(help_text="from the trained model to the compiled one, 0 to 1")
    finding = LossSerializer()
    stages = StageResultSerializer(many=True)


class ParityMetricSerializer(serializers.Serializer):
    name = serializers.CharField(allow_blank=True)
    title = serializers.CharField(allow_blank=True)


class ParityReportSerializer(serializers.Serializer):
    """All stages on the same images."""

    run = serializers.IntegerField()
    name = serializers.CharField()
    metric = ParityMetricSerializer()
    split = serializers.CharField()
    score_threshold = serializers.FloatField(
        allow_null=True, help_text="from which a detector's boxes are shown; null for other tasks"
    )
    quality = QualitySerializer(allow_null=True, help_text="null until the run has ended and was evaluated")
    branches = BranchSerializer(many=True)
