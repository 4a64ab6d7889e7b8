"""The detail of an audit entry is a message.

SQLite makes a table anew to alter it, and its triggers go with the old one: these are made again.
"""

from importlib import import_module

from django.db import migrations

from portal.core.messages import MessageField

append_only = import_module("portal.teams.migrations.0002_audit_is_append_only")
DROP = append_only.run({"sqlite": append_only.DROP["sqlite"]})
MAKE = append_only.run({"sqlite": append_only.MAKE["sqlite"]})


class Migration(migrations.Migration):
    dependencies = [("teams", "0002_audit_is_append_only")]

    operations = [
        migrations.RunPython(DROP, MAKE),
        migrations.AlterField("auditentry", "detail", MessageField(blank=True)),
        migrations.RunPython(MAKE, DROP),
    ]
