"""Whether the S3 server that keeps the files is away, and trying again until it is back."""

from __future__ import annotations

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnection

from workers.contract.diskspace import chain
from workers.contract.messages import msg

SENTENCE = msg("The file storage does not answer at the moment: wait a minute, then try again.")
# It answers, but says that it cannot just now, or wants fewer requests.
TOO_MANY = 429


def is_away(error: BaseException | None) -> bool:
    """Whether ``error`` comes from an S3 server that did not answer, or could not do just now what it was
    asked for, so that another try may succeed.
    """
    return any(_is_away(found) for found in chain(error))


def _is_away(error: BaseException) -> bool:
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= 500 or status == TOO_MANY
    return isinstance(error, NoConnection | HTTPClientError | IncompleteReadError)
