"""Lets the sweep remove tokens' calls, and still nothing else (SQLite never refused deletes, see 0003)."""

from django.db import migrations

WORDS = "the audit is append-only"
BODY = (
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {rule}"
    f"RAISE EXCEPTION '{WORDS}'; END $$"
)
RULE = "IF TG_OP = 'DELETE' AND OLD.verb = 'api.call' THEN RETURN OLD; END IF; "


def replace(rule):
    def execute(apps, editor):
        if editor.connection.vendor == "postgresql":
            editor.execute(BODY.format(rule=rule), params=None)

    return execute


class Migration(migrations.Migration):
    dependencies = [("teams", "0003_audit_is_append_only")]

    operations = [migrations.RunPython(replace(RULE), replace(""))]
