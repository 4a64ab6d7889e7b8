"""The bucket is made once, a server that is starting is waited for, and a refusal is a sentence."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from portal.core import bucket


class FakeClient:
    """An S3 client whose ``head_bucket`` raises these errors in turn, then finds the bucket."""

    def __init__(self, *errors: Exception, region: str | None = None):
        self.errors = list(errors)
        self.created: list[dict] = []
        self.meta = SimpleNamespace(region_name=region)

    def head_bucket(self, **arguments) -> None:
        if self.errors:
            raise self.errors.pop(0)

    def create_bucket(self, **arguments) -> None:
        self.created.append(arguments)

    @property
    def storage(self):
        connection = SimpleNamespace(meta=SimpleNamespace(client=self))
        return SimpleNamespace(connection=connection, bucket_name="files")


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "HeadBucket")


STARTING = (EndpointConnectionError(endpoint_url="http://s3:8333"), refusal("503"))


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(bucket, "BETWEEN_TRIES", 0)


def test_it_makes_a_bucket_that_is_not_there():
    client = FakeClient(refusal("404"))
    assert bucket.make_bucket(client.storage)
    assert client.created == [{"Bucket": "files"}]


def test_it_makes_the_bucket_in_the_region_of_the_client():
    client = FakeClient(refusal("404"), region="eu-central-1")
    bucket.make_bucket(client.storage)
    assert client.created[0]["CreateBucketConfiguration"] == {"LocationConstraint": "eu-central-1"}


def test_it_leaves_a_bucket_alone_that_is_there():
    client = FakeClient()
    assert not bucket.make_bucket(client.storage)
    assert client.created == []


def test_it_waits_for_a_server_that_is_still_starting():
    client = FakeClient(*STARTING, refusal("404"))
    assert bucket.make_bucket(client.storage)


def test_it_gives_up_on_a_server_that_never_starts(monkeypatch):
    monkeypatch.setattr(bucket, "WAIT_SECONDS", -1)
    with pytest.raises(bucket.BucketError, match="FILES_S3_ENDPOINT"):
        bucket.make_bucket(FakeClient(*STARTING).storage)


@pytest.mark.parametrize("code", ["403", "AccessDenied", "InvalidAccessKeyId", "400"])
def test_it_does_not_try_again_when_it_is_refused(code):
    client = FakeClient(refusal(code))
    with pytest.raises(bucket.BucketError, match="The bucket files cannot be used"):
        bucket.make_bucket(client.storage)
    assert client.created == []
