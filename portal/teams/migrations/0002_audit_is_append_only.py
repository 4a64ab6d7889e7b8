"""The database itself refuses to change what was recorded.

SQLite refuses updates only: the test runner empties tables by DELETE, and whoever can write to the
database's file can do anything anyhow. PostgreSQL refuses updates and deletes, but for tokens' calls, which a
sweep removes; TRUNCATE needs a right of its own.
"""

from django.db import migrations

TABLE = "teams_auditentry"
WORDS = "the audit is append-only"
CALLS_GO = "IF TG_OP = 'DELETE' AND OLD.verb = 'api.call' THEN RETURN OLD; END IF; "
MAKE = {
    "sqlite": [
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
    ],
    "postgresql": [
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {CALLS_GO}RAISE EXCEPTION '{WORDS}'; END $$",
        f"CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON {TABLE} "
        "FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    ],
}
DROP = {
    "sqlite": ["DROP TRIGGER IF EXISTS audit_no_update"],
    "postgresql": [
        f"DROP TRIGGER IF EXISTS audit_no_change ON {TABLE}",
        "DROP FUNCTION IF EXISTS audit_refuse()",
    ],
}


def run(statements):
    def execute(apps, editor):
        for statement in statements.get(editor.connection.vendor, []):
            editor.execute(statement, params=None)

    return execute


class Migration(migrations.Migration):
    dependencies = [("teams", "0001_initial")]

    operations = [migrations.RunPython(run(MAKE), run(DROP))]
