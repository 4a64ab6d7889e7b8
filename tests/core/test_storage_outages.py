"""An S3 server that is away: a sentence and a time to try again, and never a defect."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from portal import servers
from portal.core.outages import outage_of


def refusal(status):
    facts = {"Error": {"Code": "Refused"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(facts, "PutObject")


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://s3:8333/"),
        ReadTimeoutError(endpoint_url="http://s3:8333/"),
        refusal(500),
        refusal(503),
        refusal(429),
    ],
)
def test_a_storage_that_is_away_is_an_outage_also_under_another_error(error):
    wrapped = OSError("upload failed")
    wrapped.__context__ = error
    for found in (error, wrapped):
        outage = outage_of(found)
        assert outage.status == 503 and "file storage" in outage.sentence


@pytest.mark.parametrize("error", [refusal(403), refusal(404), NoCredentialsError(), OSError("no such file")])
def test_what_no_waiting_mends_is_none(error):
    assert outage_of(error) is None


def test_postgresql_and_s3_are_not_waited_for_without_end():
    rows = {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {"connect_timeout": 3, "sslmode": "require"},
    }
    servers.patient_postgresql(rows)
    assert rows["OPTIONS"]["connect_timeout"] == 3 and rows["OPTIONS"]["sslmode"] == "require"
    assert rows["OPTIONS"]["tcp_user_timeout"] <= 30_000
    for name in ("tcp_keepalives_idle", "tcp_user_timeout"):  # the server lets go of locks, too
        assert f"-c {name}=" in rows["OPTIONS"]["options"]
    other = {"ENGINE": "django.db.backends.sqlite3"}
    servers.patient_postgresql(other)
    assert "OPTIONS" not in other
    assert servers.s3_config("http://s3:8333").connect_timeout <= 5
    assert servers.s3_config("http://s3:8333").s3["addressing_style"] == "path"
