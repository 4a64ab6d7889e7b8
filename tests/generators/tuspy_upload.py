"""An upload by tuspy: broken off, damaged, resumed by another uploader; prints what it saw as JSON.

Run with the address of the endpoint, a token and a file.
"""

import hashlib
import json
import sys

from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError
from tusclient.uploader import Uploader


class Damaged(Uploader):
    """Its digests are of another algorithm than it says, as those of damaged bytes are other ones."""

    CHECKSUM_ALGORITHM_PAIR = ("sha1", hashlib.sha256)


def main(address: str, token: str, path: str) -> dict:
    client = TusClient(address, headers={"Authorization": f"Bearer {token}"})
    told = {"metadata": {"filename": "pets.zip", "dataset": "Pets"}, "chunk_size": 1000}
    first = client.uploader(path, upload_checksum=True, **told)
    first.upload_chunk()
    # From here on as another process, which knows the address and asks how far the upload is.
    options = {"client": client, "url": first.url, "chunk_size": 1000, "upload_checksum": True}
    damaged = status_of(Damaged(path, **options))
    second = Uploader(path, **options)
    resumed_at = second.offset
    second.upload()
    return {"damaged": damaged, "resumed_at": resumed_at, "offset": second.offset}


def status_of(uploader: Uploader) -> int:
    """The status with which the next chunk is refused; 0 when it is taken."""
    try:
        uploader.upload_chunk()
    except TusCommunicationError as error:
        return error.status_code
    return 0


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:4])))
