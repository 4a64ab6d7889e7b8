import pytest

from portal.datasets import uploads
from portal.teams.models import AuditEntry


@pytest.mark.django_db
def test_discarding_an_upload_stands_in_the_audit(team, alice):
    upload = uploads.create(team, alice, 1000, "pets.zip")
    uploads.discard(upload)
    entry = AuditEntry.objects.get(verb="upload.discard")
    assert (entry.team, entry.object_label) == (team, "pets.zip")
