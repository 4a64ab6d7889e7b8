"""Whether the database is as this version needs it: nothing missing, nothing that only a newer one knows."""

from __future__ import annotations

from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def missing() -> int:
    """How many migrations of this version are not applied."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def newer() -> list[str]:
    """The applied migrations of our apps that this version does not have."""
    loader = MigrationExecutor(connection).loader
    ours = {app.label for app in apps.get_app_configs() if app.name.startswith("portal.")}
    unknown = [
        key for key in loader.applied_migrations if key[0] in ours and key not in loader.disk_migrations
    ]
    return sorted(f"{label}.{name}" for label, name in unknown)
