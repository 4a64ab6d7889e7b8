"""The report of a run, as the API describes it."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.core.deprecation import deprecated_fields
from portal.jobs.models import Status
from portal.models.models import Origin
from portal.runs.parity_serializers import QualitySerializer
from portal.runs.serializers import OLDER, TOP1_SINCE, VerdictSerializer
from portal.training.methods import IMPORTANCES, UNITS
from workers.contract.splits import SPLITS


@extend_schema_field(
    {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2, "nullable": True}
)
class IntervalField(serializers.ListField):
    """The lower and the upper edge."""

    child = serializers.FloatField()


class ReportDatasetSerializer(serializers.Serializer):
    name = serializers.CharField()
    version = serializers.IntegerField()
    sha256 = serializers.CharField(allow_blank=True)
    train_images = serializers.IntegerField()
    val_images = serializers.IntegerField()
    test_images = serializers.IntegerField()
    classes = serializers.ListField(child=serializers.CharField())


@deprecated_fields("onnx_top1", "int8_top1", since=TOP1_SINCE)
class ReportModelSerializer(serializers.Serializer):
    chip = serializers.CharField()
    onnx_value = serializers.FloatField(allow_null=True)
    onnx_top1 = serializers.FloatField(allow_null=True, help_text=OLDER)
    int8_value = serializers.FloatField(allow_null=True)
    int8_top1 = serializers.FloatField(allow_null=True, help_text=OLDER)
    agreement = serializers.FloatField(allow_null=True)
    images = serializers.IntegerField(allow_null=True)
    rknn_sha256 = serializers.CharField(allow_null=True)
    rknn_bytes = serializers.IntegerField(allow_null=True)
    provenance = serializers.DictField()


@deprecated_fields("board_top1", since=TOP1_SINCE)
class ReportBoardSerializer(serializers.Serializer):
    device = serializers.CharField()
    virtual = serializers.BooleanField()
    engine = serializers.CharField(allow_blank=True)
    release = serializers.CharField(allow_blank=True)
    images = serializers.IntegerField(allow_null=True)
    board_value = serializers.FloatField(allow_null=True)
    board_top1 = serializers.FloatField(allow_null=True, help_text=OLDER)
    agreement = serializers.FloatField(allow_null=True)
    ms_median = serializers.FloatField(allow_null=True)
    ms_p95 = serializers.FloatField(allow_null=True)


class ComparedSerializer(serializers.Serializer):
    """Two models on the same images; values are of the metric, 0 to 1. ``lost`` and ``gained`` count the
    images that the run's model got worse or better; ``by_chance``: the difference may be chance.
    """

    images = serializers.IntegerField()
    deployed = serializers.FloatField(allow_null=True)
    new = serializers.FloatField(allow_null=True)
    deployed_interval = IntervalField(allow_null=True, help_text="95 % confidence interval, null if unknown")
    new_interval = IntervalField(allow_null=True)
    changed = serializers.IntegerField()
    lost = serializers.IntegerField()
    gained = serializers.IntegerField()
    by_chance = serializers.BooleanField()


class BaselineSerializer(serializers.Serializer):
    """A run's model against the model that was deployed when images came from boards, both in the simulator.

    ``held_out`` are the measured images without those from boards; both are null until measured. Neither
    model is judged by ``in_training`` images from boards, which are in the training split, nor by ``known``
    measured images, which an earlier model was trained on.
    """

    chip = serializers.CharField()
    release = serializers.CharField(allow_blank=True)
    device = serializers.CharField(allow_blank=True)
    model = serializers.IntegerField(allow_null=True)
    model_name = serializers.CharField(allow_blank=True)
    job = serializers.IntegerField(allow_null=True)
    status = serializers.ChoiceField(choices=Status.choices, allow_null=True)
    problem = serializers.CharField(allow_blank=True)
    split = serializers.ChoiceField(choices=SPLITS, allow_null=True)
    held_out = ComparedSerializer(allow_null=True)
    from_boards = ComparedSerializer(allow_null=True)
    in_training = serializers.IntegerField()
    known = serializers.IntegerField()


class ReportStepSerializer(serializers.Serializer):
    step = serializers.CharField()
    job = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Status.choices)
    seconds = serializers.FloatField(allow_null=True)
    tool_seconds = serializers.DictField(child=serializers.FloatField())


class ReportSecondsSerializer(serializers.Serializer):
    """The total, the time in external tools and on boards, and the rest; ``None`` before the end."""

    total = serializers.FloatField(allow_null=True)
    tools = serializers.FloatField(allow_null=True)
    portal = serializers.FloatField(allow_null=True)


class ChainFileSerializer(serializers.Serializer):
    name = serializers.CharField()
    sha256 = serializers.CharField()
    bytes = serializers.IntegerField()
    url = serializers.CharField(help_text="the address of the download")


class ChainBoardSerializer(serializers.Serializer):
    """A release on a board. ``sha256`` is its model's, verified there if ``recorded``."""

    device = serializers.CharField()
    device_id = serializers.IntegerField()
    virtual = serializers.BooleanField()
    release = serializers.CharField(allow_blank=True)
    current = serializers.BooleanField(help_text="the board runs it now, as far as is known")
    path = serializers.CharField(allow_null=True, help_text="the release's folder on the board")
    sha256 = serializers.CharField(allow_null=True)
    recorded = serializers.BooleanField()
    manifest_sha256 = serializers.CharField(allow_null=True)
    score_threshold = serializers.FloatField(
        allow_null=True, help_text="from which the release shows a detector's boxes; null for other tasks"
    )
    activated_at = serializers.DateTimeField(allow_null=True)
    chip = serializers.CharField()
    job = serializers.IntegerField(allow_null=True)


class ChainLinkSerializer(serializers.Serializer):
    """The output of a job, with its tools."""

    job = serializers.IntegerField(allow_null=True)
    tools = serializers.DictField(child=serializers.CharField())
    files = ChainFileSerializer(many=True)


class ChainModelSerializer(ChainLinkSerializer):
    chip = serializers.CharField()
    channel_order = serializers.CharField()
    quantized = serializers.BooleanField(allow_null=True)
    calibration = serializers.DictField(child=serializers.IntegerField(), help_text="images, seed")


class ChainOnnxSerializer(ChainLinkSerializer):
    opset = serializers.IntegerField(allow_null=True)
    cut_tensor = serializers.CharField(allow_null=True)


class BatchNormSerializer(serializers.Serializer):
    """Batch normalization: each epoch's statistics were measured on training images, without augmentation."""

    images = serializers.IntegerField()


class ChainPaddleSerializer(ChainLinkSerializer):
    recipe = serializers.CharField()
    preset = serializers.CharField(allow_blank=True)
    params = serializers.DictField()
    pretrained = serializers.DictField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="name and sha256 of the weights it started from",
    )
    batch_norm = BatchNormSerializer(allow_null=True)


class ChainProposedSerializer(serializers.Serializer):
    """Labels of a version that a model proposed: boxes, or images of a set without boxes."""

    model = serializers.IntegerField()
    name = serializers.CharField(help_text="the model's name when it proposed them")
    images = serializers.IntegerField()
    accepted = serializers.IntegerField()
    corrected = serializers.IntegerField()


class ChainDatasetSerializer(serializers.Serializer):
    name = serializers.CharField()
    version = serializers.IntegerField()
    version_id = serializers.IntegerField()
    sha256 = serializers.CharField(allow_blank=True, help_text="over files and labels")
    upload = serializers.CharField(allow_blank=True, help_text="the uploaded file's name")
    proposed = ChainProposedSerializer(many=True)
    uploaded_at = serializers.DateTimeField()
    job = serializers.IntegerField(allow_null=True)


class RelatedModelSerializer(serializers.Serializer):
    """A model that another one was made from, or that was made from it."""

    model = serializers.IntegerField()
    name = serializers.CharField()
    run = serializers.IntegerField(allow_null=True)
    origin = serializers.ChoiceField(choices=Origin.choices)
    recipe = serializers.CharField(allow_blank=True)
    value = serializers.FloatField(allow_null=True, help_text="the metric of its weights, 0 to 1")


class UnlabelledSerializer(serializers.Serializer):
    """The dataset version whose images were learned from without labels."""

    version_id = serializers.IntegerField()
    name = serializers.CharField()
    sha256 = serializers.CharField(allow_blank=True, help_text="over files and labels")


class ChainLineageSerializer(serializers.Serializer):
    """Which models the model was made from, and which were made from it."""

    origin = serializers.ChoiceField(choices=Origin.choices)
    share = serializers.FloatField(allow_null=True, help_text="of the cost that pruning left")
    unit = serializers.ChoiceField(choices=list(UNITS.items()), allow_null=True)
    importance = serializers.ChoiceField(choices=list(IMPORTANCES.items()), allow_null=True)
    parents = RelatedModelSerializer(many=True, help_text="whose weights it started from, the newest first")
    teacher = RelatedModelSerializer(allow_null=True)
    teacher_recipe = serializers.CharField(
        allow_null=True, help_text="the recipe that was trained to teach it, where the teacher is no model"
    )
    unlabelled = UnlabelledSerializer(allow_null=True)
    children = RelatedModelSerializer(many=True, help_text="trained from its weights, or by it as a teacher")


class ChainSerializer(serializers.Serializer):
    """From the file on the board back to the upload."""

    boards = ChainBoardSerializer(many=True)
    models = ChainModelSerializer(many=True)
    onnx = ChainOnnxSerializer()
    paddle = ChainPaddleSerializer()
    lineage = ChainLineageSerializer()
    dataset = ChainDatasetSerializer()


class ReportMetricSerializer(serializers.Serializer):
    """The metric of a report's values."""

    name = serializers.CharField(allow_blank=True)
    title = serializers.CharField(allow_blank=True)


@deprecated_fields("paddle_top1", since=TOP1_SINCE)
class ReportSerializer(serializers.Serializer):
    """The output of ``runs/report.py``. Values are of the metric, 0 to 1; ``None`` means not measured."""

    run = serializers.IntegerField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    message = serializers.CharField(allow_blank=True)
    task = serializers.CharField()
    metric = ReportMetricSerializer()
    verdict = VerdictSerializer(allow_null=True)
    quality = QualitySerializer(allow_null=True)
    dataset = ReportDatasetSerializer()
    split = serializers.ChoiceField(
        choices=SPLITS,
        help_text="What the values are measured on: `test`, or `val` where the dataset has no test split.",
    )
    recipe = serializers.CharField()
    params = serializers.DictField()
    paddle_value = serializers.FloatField(allow_null=True)
    paddle_top1 = serializers.FloatField(allow_null=True, help_text=OLDER)
    models = ReportModelSerializer(many=True)
    boards = ReportBoardSerializer(many=True)
    baselines = BaselineSerializer(many=True)
    steps = ReportStepSerializer(many=True)
    seconds = ReportSecondsSerializer()
    notices = serializers.ListField(child=serializers.CharField())
    versions = serializers.DictField(child=serializers.CharField())
    notes = serializers.CharField(allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField())
    provenance = ChainSerializer()
