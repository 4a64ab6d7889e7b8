"""A finding says what is wrong with the data; whether that can be trained on is said by its task."""

from django.db import migrations

NOT_TRAINABLE = "detection-not-trainable-yet"


def forward(apps, schema_editor):
    versions = apps.get_model("datasets", "DatasetVersion").objects
    for pk, findings in versions.exclude(findings=[]).values_list("pk", "findings").iterator():
        kept = [
            {**finding, "level": "error"} if finding["level"] == "block" else finding
            for finding in findings
            if finding["code"] != NOT_TRAINABLE
        ]
        if kept != findings:
            versions.filter(pk=pk).update(findings=kept)


class Migration(migrations.Migration):

    dependencies = [
        ("datasets", "0004_reviews"),
    ]

    operations = [migrations.RunPython(forward, migrations.RunPython.noop)]
