"""What people read is kept as a message: the id of a sentence with its parameters."""

import workers.contract.messages
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('models', '0002_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='compiledmodel',
            name='facts',
            field=models.JSONField(decoder=workers.contract.messages.Decoder, default=dict, encoder=workers.contract.messages.Encoder),
        ),
        migrations.AlterField(
            model_name='model',
            name='facts',
            field=models.JSONField(decoder=workers.contract.messages.Decoder, default=dict, encoder=workers.contract.messages.Encoder),
        ),
    ]
