"""What people read is kept as a message: the id of a sentence with its parameters."""

import portal.core.messages
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0002_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='run',
            name='message',
            field=portal.core.messages.MessageField(blank=True),
        ),
    ]
