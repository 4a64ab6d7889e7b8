"""The network of an address, to count by, and how often a refusal was repeated.

The column may be null: SQLite then adds it to the table as it is, whose trigger keeps the audit append-only.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("teams", "0007_password_links")]

    operations = [
        migrations.RemoveIndex(model_name="auditentry", name="teams_audit_address_d0e0e0_idx"),
        migrations.AddField(
            model_name="auditentry", name="network", field=models.CharField(max_length=40, null=True)
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["network", "at"], name="teams_audit_network_ba9b97_idx"),
        ),
        migrations.CreateModel(
            name="RepeatedRefusal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("times", models.PositiveIntegerField(default=1)),
                (
                    "entry",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="repeats",
                        to="teams.auditentry",
                    ),
                ),
            ],
        ),
    ]
