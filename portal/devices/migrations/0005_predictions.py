"""What a board predicted is one column, whatever the task; earlier answers are all of classification."""

from django.db import migrations, models

BATCH = 500


def fill(apps, schema_editor):
    images = apps.get_model("devices", "InferenceImage").objects.exclude(label_id=None)
    apps.get_model("devices", "Inference").objects.filter(images__in=images).update(task="classification")
    numbers = list(images.values_list("pk", flat=True))
    for start in range(0, len(numbers), BATCH):
        rows = list(images.filter(pk__in=numbers[start : start + BATCH]))
        for row in rows:
            row.prediction = {"label_id": row.label_id, "label": row.label, "score": row.score}
        images.model.objects.bulk_update(rows, ["prediction"])


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0004_messages'),
    ]

    operations = [
        migrations.AddField('inference', 'task', models.CharField(blank=True, default='', max_length=20), preserve_default=False),
        migrations.AddField('inferenceimage', 'prediction', models.JSONField(default=dict)),
        migrations.AddField('inferenceimage', 'width', models.PositiveIntegerField(null=True)),
        migrations.AddField('inferenceimage', 'height', models.PositiveIntegerField(null=True)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
