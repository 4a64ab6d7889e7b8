"""A team with many devices, each with a current model and its health, and a rollout to all of them."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from portal.deployment.models import Deployment
from portal.devices.models import Device, HealthSample
from portal.jobs.models import Job, Status
from portal.rollouts.models import BoardState, Rollout, Target, board_of
from tests.graphs import model_of
from tests.seed import Seeder

SAMPLES = 20  # of each device's health


def fill(team, user, count: int) -> tuple[Device, Rollout]:
    """Return one of the devices, and the rollout."""
    seed, now = Seeder(team, user), timezone.now()
    run = seed.run(seed.version(f"Set of {count}"), f"Model for {count}")
    seed.train(run)
    compiled = seed.convert(run)
    devices = Device.objects.bulk_create(
        Device(
            team=team, created_by=user, name=f"Board {n:04}", profile="virtual",
            host=f"10.1.{n // 250}.{n % 250}", reported_release=f"release-{n}", reported_at=now,
            seen_at=now,
        )
        for n in range(count)
    )  # fmt: skip
    jobs = Job.objects.bulk_create(
        Job(kind="deploy", queue="deploy", team=team, created_by=user, status=Status.SUCCEEDED)
        for _ in devices
    )
    deployments = Deployment.objects.bulk_create(
        # Every other board reports its release after another deployment of it.
        Deployment(
            compiled_model=compiled, device=device, job=job, activated_at=now - timedelta(days=n % 2),
            release=device.reported_release,
        )
        for n, (device, job) in enumerate(zip(devices, jobs, strict=True))
    )  # fmt: skip
    HealthSample.objects.bulk_create(
        HealthSample(device=device, at=now - timedelta(hours=n), reachable=True, memory_free=n << 20)
        for device in devices
        for n in range(SAMPLES)
    )
    return devices[0], _rolled_out(team, user, model_of(run), compiled, devices, deployments)


def _rolled_out(team, user, model, compiled, devices, deployments) -> Rollout:
    deadline = timezone.now() + timedelta(hours=1)
    rollout = Rollout.objects.create(
        team=team, created_by=user, name="To all", model=model, waves=2, wave=2, deadline=deadline
    )
    Target.objects.bulk_create(
        Target(
            rollout=rollout, device=device, compiled_model=compiled, wave=1 + (n >= len(devices) // 4),
            state=BoardState.DONE if n % 5 else BoardState.FAILED, message="" if n % 5 else "It broke: look.",
            deployment=deployment, board=board_of(device),
        )
        for n, (device, deployment) in enumerate(zip(devices, deployments, strict=True))
    )  # fmt: skip
    return rollout


def pages(device: Device, rollout: Rollout) -> dict[str, str]:
    """The pages whose time must not grow with the number of devices."""
    return {
        "list": "/devices/",
        "health": f"/devices/{device.pk}/",
        "rollout": rollout.get_absolute_url(),
        "rollout, live": f"{rollout.get_absolute_url()}live/",
        "rollout, failed": f"{rollout.get_absolute_url()}?state=failed",
        "rollouts": "/rollouts/",
    }
