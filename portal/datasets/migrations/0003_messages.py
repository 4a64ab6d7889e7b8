"""What people read is kept as a message: the id of a sentence with its parameters."""

import workers.contract.messages
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('datasets', '0002_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='datasetversion',
            name='findings',
            field=models.JSONField(decoder=workers.contract.messages.Decoder, default=list, encoder=workers.contract.messages.Encoder),
        ),
    ]
