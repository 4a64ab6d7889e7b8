"""The state of the database that the previous release works with: the last migration of each app.

At a release, ``python -m tests.previous_release`` prints the state of this checkout, to stand here from
then on.
"""

STATE = [
    ("core", "0002_answers_keep_headers"),
    ("teams", "0005_limits_of_quality"),
    ("jobs", "0004_error_kind_text"),
    ("notify", "0003_messages"),
    ("datasets", "0009_cuts"),
    ("devices", "0010_tags"),
    ("models", "0010_model_files"),
    ("compilation", "0002_search_found"),
    ("deployment", "0006_profile"),
    ("camera", "0002_live_views"),
    ("rollouts", "0002_one_rollout_for_a_board"),
    ("review", "0001_initial"),
    ("application", "0001_initial"),
    ("runs", "0007_newer_models"),
    ("fitting", "0002_spent_seconds"),
]


def today() -> list[tuple[str, str]]:
    """The last migration of each of our apps in this checkout."""
    import django
    from django.apps import apps
    from django.db.migrations.loader import MigrationLoader

    django.setup()
    ours = {app.label for app in apps.get_app_configs() if app.name.startswith("portal.")}
    return sorted(node for node in MigrationLoader(None).graph.leaf_nodes() if node[0] in ours)


if __name__ == "__main__":
    for node in today():
        print(f"    {node!r},".replace("'", '"'))
