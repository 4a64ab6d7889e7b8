"""What people read is kept as a message: the id of a sentence with its parameters."""

import portal.core.messages
import workers.contract.messages
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notify', '0002_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='delivery',
            name='problem',
            field=portal.core.messages.MessageField(blank=True),
        ),
        migrations.AlterField(
            model_name='notification',
            name='facts',
            field=models.JSONField(decoder=workers.contract.messages.Decoder, default=dict, encoder=workers.contract.messages.Encoder),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='stopped_because',
            field=portal.core.messages.MessageField(blank=True),
        ),
    ]
