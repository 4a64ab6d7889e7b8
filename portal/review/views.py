"""Pages of the review queue."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import Http404, HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.core.messages import shown
from portal.core.numbers import whole_number
from portal.core.paging import page_of
from portal.datasets.models import Dataset
from portal.devices import pictures
from portal.review import deciding, pages, rules, versions
from portal.review.deciding import ReviewRefused
from portal.review.forms import QueueFilter, RuleForm, initial_of
from portal.review.models import Item, Rule
from portal.teams.access import member_required, operator_required
from portal.teams.quotas import QuotaReached

PAGE = 60
RECENT = 12  # decided ones on the queue's page
DECISIONS = {"accept": deciding.accept, "discard": deciding.discard, "undo": deciding.undo}


def _item(request, pk: int) -> Item:
    rows = Item.objects.for_team(request.team).select_related("device", "dataset", "decided_by", "version")
    return get_object_or_404(rows, pk=pk)


def queue(request):
    """The images to review, newest first, and recent decisions."""
    filters = QueueFilter(request.GET or {}, team=request.team)
    rows = Item.objects.for_team(request.team).select_related("device", "dataset").filter(**filters.chosen)
    page = page_of(rows.waiting(), request, size=PAGE)
    decided = rows.exclude(decided_at=None).exclude(file="").order_by("-decided_at")[:RECENT]
    context = {
        "filters": filters,
        "page": page,
        "items": pages.shown(page.rows),
        "waiting": rows.waiting().count(),
        "first": rows.waiting().first(),
        "decided": pages.shown(list(decided)),
        "collections": versions.collections(request.team),
        "rules": pages.rules_of(request.team),
    }
    return render(request, "review/queue.html", context)


def item(request, pk):
    """One image: what was predicted, and a key for each decision."""
    row = _item(request, pk)
    waiting = Item.objects.for_team(request.team).waiting()
    found = pages.choices(row)
    context = {
        "item": row,
        "shot": pages.shown([row])[0],
        "choices": found,
        "next": waiting.filter(pk__gt=row.pk).first() or waiting.exclude(pk=row.pk).first(),
        "previous": waiting.filter(pk__lt=row.pk).last(),
        "left": waiting.count(),
        "proposed": deciding.proposed(row),
        "has_boxes": deciding.has_boxes(row),
    }
    if context["has_boxes"] and row.is_waiting and found:
        context["drawing"] = pages.drawing(row, found)
    return render(request, "review/item.html", context)


def image(request, pk):
    """The image as the device got it."""
    row = _item(request, pk)
    if not row.file:
        raise Http404
    return pictures.serve(row)


@require_POST
@member_required
def decide(request, pk, decision):
    """Accept, discard or bring back an image; go on with the next one."""
    row = _item(request, pk)
    if decision not in DECISIONS:
        raise Http404
    options = {"label": request.POST["class"]} if decision == "accept" and request.POST.get("class") else {}
    try:
        DECISIONS[decision](row, request.user, **options)
    except ReviewRefused as error:
        messages.error(request, str(error))
        return redirect("review-item", pk=pk)
    if decision == "undo":
        return redirect("review-item", pk=pk)
    waiting = Item.objects.for_team(request.team).waiting()
    following = waiting.filter(pk__gt=pk).first() or waiting.first()
    return redirect("review-item", pk=following.pk) if following else redirect("review-list")


@require_POST
@member_required
def boxes(request, pk):
    """Keep the boxes drawn so far: a JSON object with ``boxes``, with class ids as the page has them."""
    row = _item(request, pk)
    try:
        names = deciding.class_names(row)
        kept = deciding.draw(row, [[names[int(box[0])], *box[1:]] for box in _body(request)["boxes"]])
    except ReviewRefused as refusal:
        return JsonResponse({"detail": shown(str(refusal))}, status=422)
    except (LookupError, TypeError, ValueError, OverflowError):
        return JsonResponse({"detail": _("The boxes arrived incomplete: try again.")}, status=422)
    ids = {name: number for number, name in enumerate(names)}
    return JsonResponse({"boxes": [[ids[name], *place] for name, *place in kept]})


def _body(request: HttpRequest) -> dict:
    try:
        return json.loads(request.body)
    except RecursionError as error:
        raise ValueError("too deep") from error


def draft(request, pk):
    """The accepted images that the next version of a dataset will get."""
    dataset = get_object_or_404(Dataset.objects.for_team(request.team).live(), pk=pk)
    page = page_of(versions.draft_of(dataset).select_related("device", "dataset"), request, size=PAGE)
    context = {
        "dataset": dataset,
        "page": page,
        "items": pages.shown(page.rows),
        "base": deciding.newest_version(dataset),
        "count": versions.draft_of(dataset).count(),
        "most": versions.MOST,
    }
    return render(request, "review/draft.html", context)


@require_POST
@member_required
def version_new(request, pk):
    """Make the next version of a dataset from the accepted images."""
    dataset = get_object_or_404(Dataset.objects.for_team(request.team).live(), pk=pk)
    try:
        version = versions.make(dataset, request.user)
    except (ReviewRefused, QuotaReached) as error:
        messages.error(request, str(error))
        return redirect("review-list")
    return redirect("dataset-version", pk=version.pk)


@operator_required
def rule_list(request):
    """The rules by which images are kept; set one."""
    chosen = whole_number(request.GET.get("rule", ""))
    rule = Rule.objects.for_team(request.team).filter(pk=chosen).first() if chosen else None
    initial = initial_of(rule) if rule else {"device": request.GET.get("device", "")[:18]}
    form = RuleForm(request.POST or None, initial=initial, team=request.team)
    if form.is_bound and form.is_valid():
        data = form.values
        rules.put(request.team, request.user, data.pop("device"), **data)
        return redirect("review-rules")
    context = {"form": form, "rules": pages.rules_of(request.team)}
    return render(request, "review/rules.html", context, status=422 if form.errors else 200)


@require_POST
@operator_required
def rule_remove(request, pk):
    rules.remove(get_object_or_404(Rule.objects.for_team(request.team), pk=pk), request.user)
    return redirect("review-rules")
