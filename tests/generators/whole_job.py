"""The whole job with nothing but the generated client: upload, run, wait, download, deploy, infer.

Run with the address of a portal, a token, an archive and an image. Prints what came out as JSON.
"""

import base64
import hashlib
import io
import json
import sys
import time
from pathlib import Path

from slipway_client import AuthenticatedClient
from slipway_client.api.dataset_versions import dataset_versions_export_retrieve, dataset_versions_retrieve
from slipway_client.api.datasets import datasets_create
from slipway_client.api.deployments import deployments_create, deployments_retrieve
from slipway_client.api.devices import devices_create, devices_inferences_create
from slipway_client.api.inferences import inferences_retrieve
from slipway_client.api.jobs import jobs_files_list, jobs_files_retrieve
from slipway_client.api.runs import runs_create, runs_retrieve
from slipway_client.api.uploads import uploads_create, uploads_partial_update
from slipway_client.models import (
    DatasetVersionsExportRetrieveFormat,
    FileVersionRequest,
    ImagesRequest,
    NewDeploymentRequest,
    NewDeviceRequest,
    NewRunRequest,
    ReceivedVersionRequest,
    UploadsCreateTusResumable,
    UploadsPartialUpdateTusResumable,
)
from slipway_client.types import File

PATIENCE = 120  # seconds


def wait(ask, is_over):
    """What ``ask`` answers, once it is over."""
    until = time.monotonic() + PATIENCE
    while not is_over(found := ask()):
        assert time.monotonic() < until, found
        time.sleep(0.1)
    return found


def sent(client, archive: Path) -> str:
    """Send the archive as a resumable upload, in two pieces; return its id."""
    data = archive.read_bytes()
    told = f"filename {base64.b64encode(archive.name.encode()).decode()}"
    resumable = UploadsCreateTusResumable.TUS_1_0_0
    made = uploads_create.sync_detailed(
        client=client, tus_resumable=resumable, upload_length=len(data), upload_metadata=told
    )
    assert made.status_code == 201, made.content
    pk = made.headers["Location"].strip("/").rpartition("/")[2]
    for start, end in ((0, 1000), (1000, len(data))):
        answer = uploads_partial_update.sync_detailed(
            pk,
            client=client,
            body=File(io.BytesIO(data[start:end])),
            tus_resumable=UploadsPartialUpdateTusResumable.TUS_1_0_0,
            upload_offset=start,
        )
        assert answer.status_code == 204, answer.content
    return pk


def main(address: str, token: str, archive: Path, image: Path) -> dict:
    client = AuthenticatedClient(base_url=address, token=token, raise_on_unexpected_status=True)
    form = FileVersionRequest(
        name="In one call", file=File(archive.open("rb"), archive.name, "application/zip")
    )
    at_once = datasets_create.sync(client=client, body=form)
    version = datasets_create.sync(
        client=client, body=ReceivedVersionRequest(name="Pets", upload=sent(client, archive))
    )
    for one in (at_once, version):
        wait(
            lambda pk=one.id: dataset_versions_retrieve.sync(pk, client=client),
            lambda it: it.state == "ready",
        )
    exported = dataset_versions_export_retrieve.sync(
        version.id, client=client, format_=DatasetVersionsExportRetrieveFormat.FOLDERS
    )
    board = NewDeviceRequest(name="Bench", profile="virtual", host="127.0.0.1", password="secret")
    device = devices_create.sync(client=client, body=board)
    plan = NewRunRequest(dataset_version=version.id, preset="fast", chips=["rv1106"], devices=[device.id])
    started = runs_create.sync(client=client, body=plan)
    run = wait(
        lambda: runs_retrieve.sync(started.id, client=client),
        lambda it: it.status in ("succeeded", "failed", "cancelled"),
    )
    files = jobs_files_list.sync(run.compiled_models[0].job.id, client=client)
    model = next(one for one in files if one.name.endswith(".rknn"))
    content = jobs_files_retrieve.sync(run.compiled_models[0].job.id, model.name, client=client)
    again = deployments_create.sync(
        client=client, body=NewDeploymentRequest(run=run.id, device=device.id), idempotency_key="again"
    )
    deployed = wait(
        lambda: deployments_retrieve.sync(again.id, client=client), lambda it: it.job.status == "succeeded"
    )
    asked = devices_inferences_create.sync(
        device.id, client=client, body=ImagesRequest([File(image.open("rb"), image.name, "image/png")])
    )
    answered = wait(
        lambda: inferences_retrieve.sync(asked.id, client=client), lambda it: it.job.status == "succeeded"
    )
    return {
        "status": run.status,
        "stages": sorted(one.stage for one in run.evaluations),
        "is_whole": hashlib.sha256(content.payload.read()).hexdigest() == model.sha256,
        "is_zip": exported.payload.read(2) == b"PK",
        "is_deployed": deployed.activated_at is not None,
        "labels": [one.label for one in answered.images],
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))))
