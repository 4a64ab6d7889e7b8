"""What people read is kept as a message: the id of a sentence with its parameters."""

import portal.core.messages
import workers.contract.messages
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0003_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='device',
            name='probe',
            field=models.JSONField(decoder=workers.contract.messages.Decoder, default=dict, encoder=workers.contract.messages.Encoder),
        ),
        migrations.AlterField(
            model_name='device',
            name='problem',
            field=portal.core.messages.MessageField(blank=True),
        ),
        migrations.AlterField(
            model_name='inferenceimage',
            name='error',
            field=portal.core.messages.MessageField(blank=True),
        ),
        migrations.AlterField(
            model_name='inferenceimage',
            name='note',
            field=portal.core.messages.MessageField(blank=True),
        ),
    ]
