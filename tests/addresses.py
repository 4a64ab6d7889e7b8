"""Every address that can be read, with a row of the seed in it: from the tables of rights."""

from __future__ import annotations

from tests.authorization_table import API, PAGES
from tests.test_authorization_matrix import api_values, page_values, pages

# What needs an archive that the seed has not got or a secret of one's own, and a file of everything.
LEFT_OUT = {"GET dataset-versions/{pk}/export/", "GET password-reset", "GET audit-csv"}


def readable(rows: dict) -> dict[str, str]:
    """``GET runs/{pk}/`` or ``GET run-detail`` → its address; ``rows`` are of ``make_rows``."""
    values, templates, found = api_values(rows), pages(), {}
    for key, rule in API.items():
        path = key.split(" ")[1]
        pk = values.get(path) or values.get(path.split("/")[0])
        parts = {"pk": pk, "name": "model.onnx", "position": 0, "number": rows["delivery"].pk}
        found[key] = "/api/v1/" + path.format(**parts) + rule.query
    for key in PAGES:
        name = key.split(" ")[1]
        parts = page_values(rows, name) | ({"number": 1} if name == "dataset-thumb" else {})  # an image's
        found[key] = "/" + templates[name].format(**parts)
    return {key: found[key] for key in found if key.startswith("GET ") and key not in LEFT_OUT}
