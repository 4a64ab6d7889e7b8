"""Creates the S3 bucket for the files."""

from __future__ import annotations

import time

from botocore.exceptions import BotoCoreError, ClientError

WAIT_SECONDS = 60
BETWEEN_TRIES = 1.0
# The server responds but is not ready. 403 and the like are final.
NOT_READY = {"500", "502", "503", "504", "InternalError", "ServiceUnavailable", "SlowDown"}


class BucketError(Exception):
    """The bucket does not exist and cannot be created; the message is a sentence for the administrator."""


def make_bucket(storage) -> bool:
    """Create the bucket of an S3 storage unless it exists. True if it was created.

    Waits up to a minute for a server that is still starting. Raises BucketError.
    """
    client = storage.connection.meta.client
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return _make(client, storage.bucket_name)
        except (BotoCoreError, ClientError) as error:
            if _is_final(error) or time.monotonic() > deadline:
                raise BucketError(
                    f"The bucket {storage.bucket_name} cannot be used ({error}): check FILES_S3_BUCKET, "
                    "FILES_S3_ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
                ) from error
        time.sleep(BETWEEN_TRIES)


def _make(client, name: str) -> bool:
    try:
        client.head_bucket(Bucket=name)
        return False
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
    region = client.meta.region_name
    where = {} if region in (None, "us-east-1") else {"LocationConstraint": region}
    client.create_bucket(Bucket=name, **({"CreateBucketConfiguration": where} if where else {}))
    return True


def _is_final(error: Exception) -> bool:
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] not in NOT_READY
    return False
