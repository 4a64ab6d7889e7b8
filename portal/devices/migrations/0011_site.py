from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("devices", "0010_tags")]

    operations = [
        migrations.AddField(
            model_name="device",
            name="site",
            field=models.CharField(blank=True, db_default="", default="", max_length=30),
        ),
    ]
