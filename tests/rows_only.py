"""A plugin of pytest that leaves out the tests that touch no rows; see ``tests/on_servers.py``."""

import pytest

DATABASE = {"db", "transactional_db"}


def touches_rows(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("django_db") or DATABASE & set(getattr(item, "fixturenames", ())))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.hook.pytest_deselected(items=[item for item in items if not touches_rows(item)])
    items[:] = [item for item in items if touches_rows(item)]
