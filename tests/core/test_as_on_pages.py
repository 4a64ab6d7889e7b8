"""What a person reads on a page, a program gets by the API as well."""

import pytest
from rest_framework.test import APIClient

from portal.datasets.services import create_version
from portal.teams.models import AuditEntry
from tests.factories import class_zip
from tests.seed import Seeder

pytestmark = pytest.mark.django_db(transaction=True)


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_an_image_of_a_version_and_its_thumbnail(team, alice, charlie, run_jobs):
    version = create_version(team, alice, "Pets", class_zip())
    run_jobs()
    api, base = client_of(alice), f"/api/v1/dataset-versions/{version.pk}/images/"
    row = api.get(base).json()["images"][0]
    picture = api.get(f"{base}{row['id']}/")
    assert picture["Content-Type"].startswith("image/") and len(picture.content) == row["size"]
    assert api.get(f"{base}{row['id']}/thumbnail/")["Content-Type"].startswith("image/")
    known = {"If-None-Match": picture["ETag"]}
    assert api.get(f"{base}{row['id']}/", headers=known).status_code == 304
    assert api.get(f"{base}999999/").status_code == 404
    assert client_of(charlie).get(f"{base}{row['id']}/").status_code == 404


def test_the_audit_as_a_table_and_that_somebody_took_it(team, alice):
    alice.memberships.update(role="admin")
    answer = client_of(alice).get("/api/v1/audit/csv/?result=done")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert b"".join(answer.streaming_content).startswith(b"\xef\xbb\xbfat,result,actor_name")
    assert AuditEntry.objects.filter(verb="audit.export").exists()


def test_the_curves_of_runs_over_each_other(team, alice):
    seed = Seeder(team, alice)
    version = seed.version()
    runs = [seed.run(version), seed.run(version)]
    for run in runs:
        seed.train(run)
    api, ids = client_of(alice), ",".join(str(run.pk) for run in runs)
    found = api.get(f"/api/v1/runs/compare/curves/?ids={ids}").json()
    assert found and all(len(curves) == 2 for curves in found.values())
    assert api.get("/api/v1/runs/compare/curves/?ids=1").status_code == 400


def test_a_person_chooses_the_language_of_pages_and_mails(team, alice):
    api = client_of(alice)
    assert api.get("/api/v1/me/").json()["language"] == ""
    assert (
        api.put("/api/v1/me/language/", {"language": "zh-hans"}, format="json").json()["language"]
        == "zh-hans"
    )
    assert api.put("/api/v1/me/language/", {"language": "tlh"}, format="json").status_code == 400
    alice.refresh_from_db()
    assert alice.language == "zh-hans"
