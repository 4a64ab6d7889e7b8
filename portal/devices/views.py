"""Pages of devices: the list, details, registration, access, inferences."""

from __future__ import annotations

from django.contrib import messages
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from portal.core import configs, live, panels
from portal.core.bodies import many_images, takes
from portal.core.live import Live
from portal.core.paging import page_of, part_of
from portal.devices import coco, fitness, health_history, pictures, releases, services, unserved
from portal.devices.credentials import SecretNeeded
from portal.devices.errors import BoardError
from portal.devices.filters import DeviceFilter
from portal.devices.forms import AccessForm, DeviceForm, InferForm, SecretForm
from portal.devices.hostkeys import HostKey
from portal.devices.hosts import SITE_LENGTH
from portal.devices.models import Device, DeviceTag, Inference
from portal.devices.moves import AddressHeld
from portal.devices.networks import NotAllowed
from portal.devices.shown import images_of
from portal.devices.thresholds import NAMES, forgiving
from portal.jobs import sites
from portal.jobs.models import IllegalTransition
from portal.teams import audit
from portal.teams.access import operator_required
from workers.contract.messages import msg
from workers.datakit.errors import InputError

HISTORY = 10
NAMED = 8  # images of an earlier inference listed in its row
ACCESS = ("name", "host", "port", "username", "jump", "site", "tags")


def _device(request, pk: int) -> Device:
    rows = Device.objects.for_team(request.team).select_related(
        "probe_job", "busy_with", "created_by", "jump"
    )
    return get_object_or_404(rows, pk=pk)


def device_list(request):
    """All boards by name: online or not, and their current releases."""
    every = Device.objects.for_team(request.team)
    found = DeviceFilter(request.GET, every, request=request)
    rows = found.qs if found.is_valid() else every
    part = part_of(rows.select_related("probe_job", "busy_with").prefetch_related("tags"), request)
    unserved.mark(part)
    current, newer = releases.current(part), releases.newer(part)
    context = {
        "rows": [(device, current.get(device.pk), newer.get(device.pk)) for device in part],
        "part": part,
        "tags": DeviceTag.objects.for_team(request.team),
        "tag": request.GET.get("tag", ""),
        "site": request.GET.get("site", "")[:SITE_LENGTH],
        "any": bool(part) or every.exists(),
    }
    return render(request, "devices/list.html", context)


def device_detail(request, pk):
    """One board, its recent inferences, and a form to try an image."""
    device = _device(request, pk)
    history = device.inferences.submitted().select_related("job", "created_by").prefetch_related("images")
    newest, page = history.first(), page_of(history, request, size=HISTORY)
    known = releases.known(device, {row.release for row in page})
    context = {
        "device": device,
        "live": _live(request, device),
        "form": InferForm(),
        "newest": _inference_live(request, newest) if newest else None,
        "newest_row": newest,
        "page": page,
        "predicted": {row.pk: images_of(row, forgiving({}, known.get(row.release)), NAMED) for row in page},
        "releases": known,
        "panels": panels.of("device", request, device),
        **_health(device),
    }
    return render(request, "devices/detail.html", context)


def _health(device: Device) -> dict:
    found = health_history.history(device)
    return {"health": found, "health_series": found.series()} if found.checks else {}


def device_live(request, pk):
    """The live part of a device's page."""
    return live.respond(request, lambda: _live(request, _device(request, pk)))


def _live(request, device: Device) -> Live:
    unserved.mark([device])
    busy = device.busy_with if device.busy_with and device.busy_with.is_active else None
    context = {
        "device": device,
        "removed": configs.boards().removed(device.profile),
        "busy": busy,
        "site_problem": sites.sentence(sites.queue_at(unserved.QUEUE, device.site))
        if device.is_unserved
        else "",
        "current": releases.current([device]).get(device.pk),
        "newer": releases.newer([device]).get(device.pk),
    }
    body = render_to_string("devices/_detail_live.html", context, request=request)
    active = bool(busy or (device.probe_job and device.probe_job.is_active))
    return Live("device-live", reverse("device-live", args=[device.pk]), body, active)


def device_fitness(request, pk):
    """The checks of the last probe, line by line."""
    device = _device(request, pk)
    removed = configs.boards().removed(device.profile)
    lines = [] if removed else fitness.of_device(device)
    context = {"device": device, "lines": lines, "verdict": fitness.worst(lines), "removed": removed}
    return render(request, "devices/fitness.html", context)


@operator_required
def device_new(request):
    """Register a board: its host key is read before any password is sent, and pinned."""
    boards = configs.boards()
    profile = boards.get(request.GET.get("profile", "")) or next(iter(boards.values()))
    initial = {
        "profile": profile.name,
        "host": profile.address,
        "port": profile.port,
        "username": profile.user,
    }
    form = DeviceForm(request.POST or None, initial=initial, team=request.team)
    profile = boards.get(request.POST.get("profile", "")) or profile
    if form.is_bound and form.is_valid():
        device = _register(request, form)
        if device:
            saved = msg(
                "Saved. Its host key is pinned: {host_key}. Login is checked now.", host_key=device.host_key
            )
            messages.info(request, saved)
            return redirect("device-detail", pk=device.pk)
    context = {"form": form, "profiles": boards, "profile": profile, "profile_data": configs.as_dict(boards)}
    return render(request, "devices/new.html", context, status=422 if form.errors else 200)


def _register(request, form: DeviceForm) -> Device | None:
    data = form.cleaned_data
    fields = {name: data[name] for name in (*ACCESS, "profile")}
    try:
        found = services.shown_host_key(
            request.team, data["host"], data["port"], data.get("jump"), data["site"]
        )
    except BoardError as error:
        form.add_errors({"host": str(error)})
        return None
    try:
        return services.register(
            request.team, request.user, credentials=form.credentials(), host_key=found, **fields
        )
    except (AddressHeld, NotAllowed) as error:
        form.add_errors({"jump": str(error)})
    except BoardError as error:
        form.add_errors({"private_key": str(error)})
    return None


@operator_required
def device_edit(request, pk):
    """Change a board's name, address or credentials."""
    device = _device(request, pk)
    initial = {name: getattr(device, name) for name in ACCESS}
    initial["tags"] = ", ".join(tag.name for tag in device.tags.all())
    form = AccessForm(request.POST or None, initial=initial, team=request.team, device=device)
    if form.is_bound and form.is_valid():
        fields = {name: form.cleaned_data[name] for name in ACCESS}
        try:
            services.update_access(device, credentials=form.credentials(), **fields)
        except SecretNeeded as error:
            form.add_errors({"password": str(error)})
        except (AddressHeld, NotAllowed) as error:
            form.add_errors({"host": str(error)})
        except BoardError as error:
            form.add_errors({"private_key": str(error)})
        else:
            services.start_probe(device, request.user)
            return redirect("device-detail", pk=device.pk)
    context = {"form": form, "device": device}
    return render(request, "devices/edit.html", context, status=422 if form.errors else 200)


@operator_required
def device_host_key(request, pk):
    """Show the pinned host key beside the one that the board shows now, and accept the new one."""
    device = _device(request, pk)
    found, problem = None, ""
    form = SecretForm(request.POST or None)
    try:
        found = services.key_shown_now(device)
    except BoardError as error:
        problem = str(error)
    same = bool(found) and HostKey.parse(device.host_key).matches(found)
    if request.method == "POST" and found:
        # Pin only the key that the person has seen, not one that appeared in between.
        if request.POST.get("host_key") != str(found):
            problem = msg("The board shows a different key now: compare again.")
        elif form.is_valid() and _accept_key(request, device, found, form):
            return redirect("device-detail", pk=device.pk)
    context = {"device": device, "found": found, "same": same, "problem": problem, "form": form}
    return render(request, "devices/host_key.html", context, status=422 if form.errors else 200)


def _accept_key(request, device: Device, found: HostKey, form: SecretForm) -> bool:
    """Pin the key with the secret that was entered for it; False with the reason in the form."""
    try:
        services.update_access(device, host_key=found, credentials=form.credentials())
    except SecretNeeded as error:
        form.add_errors({"password": str(error)})
    except BoardError as error:
        form.add_errors({"private_key": str(error)})
    else:
        services.start_probe(device, request.user)
        messages.success(request, msg("The new host key is pinned: {found}.", found=found))
        return True
    return False


@operator_required
def device_delete(request, pk):
    """Ask for confirmation, then remove a device and its history."""
    device = _device(request, pk)
    if request.method == "POST":
        try:
            services.delete(device)
        except IllegalTransition as error:
            messages.error(request, str(error))
            return redirect("device-detail", pk=pk)
        messages.success(
            request, msg("{name} is removed. Nothing on the board was changed.", name=device.name)
        )
        return redirect("device-list")
    context = {
        "device": device,
        "inferences": device.inferences.count(),
        "deployments": releases.attempts(device),
    }
    return render(request, "devices/delete.html", context)


@require_POST
@operator_required
def device_probe(request, pk):
    """Probe the board."""
    device = _device(request, pk)
    services.start_probe(device, request.user)
    audit.record("device.probe", device)
    return redirect("device-detail", pk=device.pk)


@takes(many_images)
@require_POST
@operator_required
def device_infer(request, pk):
    """Send images to the board."""
    device = _device(request, pk)
    try:
        inference = services.start_inference(device, request.user, request.FILES.getlist("images"))
    except InputError as error:
        form = InferForm(request.POST, request.FILES)
        form.is_valid()
        form.errors.pop("images", None)
        form.add_errors({"images": str(error)})
        return render(request, "devices/try.html", {"device": device, "form": form}, status=422)
    return redirect("inference-detail", pk=device.pk, number=inference.pk)


def _inference(request, pk: int, number: int) -> Inference:
    rows = Inference.objects.for_team(request.team).submitted().prefetch_related("images")
    return get_object_or_404(rows.select_related("job", "device"), pk=number, device_id=pk)


def inference_detail(request, pk, number):
    """A board's predictions for some images."""
    inference = _inference(request, pk, number)
    if any(name in request.GET for name in NAMES) and not (inference.job and inference.job.is_active):
        # With this reader's thresholds: the live part is the same for everyone.
        body = _answers(request, inference, request.GET)
    else:
        body = _inference_live(request, inference)
    return render(request, "devices/inference.html", {"inference": inference, "live": body})


def inference_coco(request, pk, number):
    """The detected boxes, as one COCO file."""
    inference = _inference(request, pk, number)
    thresholds = forgiving(request.GET, _known(inference))
    response = JsonResponse(coco.file_of(inference, thresholds))
    response["Content-Disposition"] = f'attachment; filename="inference-{inference.pk}-coco.json"'
    return response


def inference_live(request, pk, number):
    """The live part of an inference."""
    return live.respond(request, lambda: _inference_live(request, _inference(request, pk, number)))


def _inference_live(request, inference: Inference) -> Live:
    body = _answers(request, inference, {})
    url = reverse("inference-live", args=[inference.device_id, inference.pk])
    return Live(f"inference-{inference.pk}", url, body, bool(inference.job and inference.job.is_active))


def _known(inference: Inference) -> releases.KnownRelease | None:
    return releases.known(inference.device, {inference.release}).get(inference.release)


def _answers(request, inference: Inference, query) -> SafeString:
    """Each image with its prediction; ``query`` may hold thresholds."""
    known = _known(inference)
    thresholds = forgiving(query, known)
    images = images_of(inference, thresholds)
    context = {
        "inference": inference,
        "known": known,
        "images": images,
        "thresholds": thresholds,
        "has_boxes": any(row.view and row.view.overlay for row in images),
    }
    return render_to_string("devices/_answers.html", context, request=request)


def inference_image(request, pk, number, position):
    """An image as the board got it."""
    image = get_object_or_404(_inference(request, pk, number).images, position=position)
    return pictures.serve(image)
