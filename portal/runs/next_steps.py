"""What to do with the models of a finished run: try, download, deploy, improve."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.deployment import services as deployment
from portal.devices import releases
from portal.devices.models import Device
from portal.devices.releases import KnownRelease
from portal.models.file_names import rknn_names
from portal.models.models import CompiledModel
from portal.runs.graph import Graph


@dataclass(frozen=True)
class Target:
    """A device that fits a model of the run, and its current model as far as known."""

    device: Device
    runs_now: KnownRelease | None
    is_this: bool  # it runs this run's model


@dataclass
class NextSteps:
    models: list[tuple[CompiledModel, str]]  # with the name of the download
    targets: list[Target] = field(default_factory=list)

    @property
    def model_id(self) -> int:
        """The model that all of them were compiled from."""
        return self.models[0][0].model_id

    @property
    def running(self) -> list[Device]:
        """The devices that run a model of this run."""
        return [target.device for target in self.targets if target.is_this]


def next_steps(graph: Graph) -> NextSteps | None:
    """None while the run is active, if it compiled nothing, or if it was deleted."""
    ready = [one for one in graph.compiled if one.is_ready] if graph.run.is_final else []
    if not ready or graph.run.deleted_at:
        return None
    names = rknn_names(ready)
    return NextSteps([(one, names[one.pk]) for one in ready], _targets(graph, ready))


def _targets(graph: Graph, ready: list[CompiledModel]) -> list[Target]:
    devices = Device.objects.filter(team=graph.run.team_id).order_by("name")
    fitting = [device for device in devices if any(deployment.fits(one, device) for one in ready)]
    now = releases.current(fitting)
    own = {row.pk for row in graph.deployments}
    found = [(device, now.get(device.pk)) for device in fitting]
    return [Target(device, known, bool(known and known.deployment_id in own)) for device, known in found]
