from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("datasets", "0006_old_archives")]

    operations = [
        migrations.RemoveField(model_name="datasetversion", name="archive"),
        migrations.RemoveField(model_name="datasetversion", name="thumbs"),
    ]
