"""Pages for reviewing and editing the images of a version: grid, single image, changes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.core import names
from portal.datasets import copies, drafts, drawing, grid, indexes, proposals
from portal.datasets.change_texts import sentence
from portal.datasets.draft_models import Draft
from portal.datasets.edit_forms import ChangeForm, FilterForm
from portal.datasets.models import DatasetVersion
from portal.datasets.refused_changes import ChangeRefused
from portal.datasets.version_views import find_ready_version
from portal.teams.access import member_required, refuse_unless
from portal.teams.models import Role
from workers.datakit.changes import Plan
from workers.datakit.errors import StagingError
from workers.datakit.index import Filter, Index

CHANGES_SHOWN = 200
BOX_ROWS = 50  # on a page of an image's boxes, without scripts
DECISIONS = {"accept": proposals.accept, "reject": proposals.reject}


def version_images(request, pk):
    """A version's images, filtered; members edit them here."""
    version = find_ready_version(request, pk)
    with _opened(version) as index:
        draft, plan = _draft_and_plan(request, version, index)
        filters = FilterForm(request.GET, version, index, _here(draft, version))
        form = _act(request, version, filters.wanted)
        if form.is_bound and not form.errors:
            return redirect(request.get_full_path())
        page = grid.page_of(index, plan, filters.wanted, _after(request), _here(draft, version))
        context = _context(version, draft, plan, form) | {"filters": filters, "page": page, "index": index}
        context["chosen"] = form.chosen() if form.errors else set()
    return render(request, "datasets/images.html", context, status=422 if form.errors else 200)


def version_image(request, pk, number):
    """One image: large, with its details, and links to its neighbours in the filter."""
    version = find_ready_version(request, pk)
    with _opened(version) as index:
        row = index.image(number)
        if row is None:
            raise Http404
        draft, plan = _draft_and_plan(request, version, index)
        filters = FilterForm(request.GET, version, index, _here(draft, version))
        form = _act(request, version, Filter(ids=(number,)))
        if form.is_bound and not form.errors:
            return redirect(_following(request, form, version, index, number))
        here = _here(draft, version)
        waiting = proposals.waiting_of(here, index, [number])
        before, after = index.neighbours(number, filters.wanted)
        image = grid.GridImage(plan.now(row), plan, waiting.rows.get(number))
        context = _context(version, draft, plan, form) | {
            "filters": filters,
            "image": image,
            "box_rows": Paginator(image.boxes, BOX_ROWS).get_page(request.GET.get("boxes")),
            "waiting": waiting,
            "next_waiting": waiting.next_to(number),
            "previous": before,
            "next": after,
            "place": index.count_to(number, filters.wanted),
            "total": index.count(filters.wanted),
            "back": index.page_of(number, filters.wanted, grid.PAGE),
            "findings": _findings_of(version, row),
        }
        if index.has_boxes:
            proposed = proposals.left_boxes(waiting.rows.get(number), plan)
            context["drawing"] = drawing.state(version, image.now, plan, proposed)
        context["labelling"] = drawing.progress(index, here, number)
    return render(request, "datasets/image.html", context, status=422 if form.errors else 200)


@member_required
def version_changes(request, pk):
    """A person's changes to a version: edit classes and split, and commit."""
    version = find_ready_version(request, pk)
    with _opened(version) as index:
        form = _act(request, version, Filter())
        if form.is_bound and not form.errors:
            return redirect(request.get_full_path())
        draft, plan = _draft_and_plan(request, version, index)
        changes = draft.done().order_by("-number")[:CHANGES_SHOWN] if draft else []
        described = [(change, sentence(change, plan.first_names)) for change in changes]
        here = _here(draft, version)
        waiting = len(proposals.waiting(here, index))
        undrawn = len(proposals.unlabelled(here, index)) if index.has_boxes else 0
    newest = DatasetVersion.objects.newest_of([version.dataset_id]).first()
    context = _context(version, draft, plan, form) | {
        "changes": described,
        "waiting": waiting,
        "undrawn": undrawn,
        "newest": newest if newest and newest.pk != version.pk else None,
    }
    return render(request, "datasets/changes.html", context, status=422 if form.errors else 200)


def version_copies(request, pk, code):
    """Duplicates side by side; members keep one of each."""
    version = find_ready_version(request, pk)
    if code not in copies.CODES:
        raise Http404
    finding = next((one for one in version.findings if one["code"] == code), None)
    form = ChangeForm()
    with _opened(version) as index:
        draft, plan = _draft_and_plan(request, version, index)
        shown = copies.groups(index, plan, code)
        if request.method == "POST":
            form = _remove(request, version, copies.to_remove(shown, request.POST))
            if not form.errors:
                return redirect(request.path)
    context = _context(version, draft, plan, form) | {"groups": shown, "code": code, "finding": finding}
    return render(request, "datasets/copies.html", context, status=422 if form.errors else 200)


def _remove(request, version: DatasetVersion, ids: list[int]) -> ChangeForm:
    """Remove the images in the person's draft; the form has errors if that was refused."""
    refuse_unless(request, Role.MEMBER)
    form = ChangeForm({"act": "remove"})
    try:
        drafts.add(request.user, version, "remove", {"images": {"ids": ids}})
    except ChangeRefused as refusal:
        form.refuse(refusal.field, str(refusal))
    return form


@require_POST
@member_required
def version_commit(request, pk):
    """Commit the changes as the next version."""
    version = find_ready_version(request, pk)
    draft = _own_draft(request, version)
    message = request.POST.get("message", "").strip()
    try:
        if sentence := names.fault(message):
            raise ChangeRefused(sentence)
        made = drafts.commit(draft, message)
    except ChangeRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("dataset-changes", pk=version.pk)
    return redirect("dataset-version", pk=made.pk)


@require_POST
@member_required
def version_discard(request, pk):
    """Discard the changes."""
    version = find_ready_version(request, pk)
    try:
        drafts.discard(_own_draft(request, version))
        messages.success(request, _("The changes are discarded; nothing was changed."))
    except ChangeRefused as refusal:
        messages.error(request, str(refusal))
    return redirect("dataset-images", pk=version.pk)


@contextlib.contextmanager
def _opened(version: DatasetVersion) -> Iterator[Index]:
    """The version's index; a 404 if it is lost, which the version's own page explains."""
    try:
        with indexes.opened(version) as index:
            yield index
    except StagingError as error:
        raise Http404(str(error)) from error


def _own_draft(request, version: DatasetVersion) -> Draft:
    rows = Draft.objects.for_team(request.team).filter(created_by=request.user, base=version)
    return get_object_or_404(rows.filter(state="open"))


def _after(request) -> int:
    given = request.GET.get("after", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def _draft_and_plan(request, version: DatasetVersion, index: Index) -> tuple[Draft | None, Plan]:
    """The person's draft of this dataset, if it is open, and its plan for this version's images."""
    draft = drafts.open_draft(request.user, version.dataset)
    return draft, drafts.plan_of(_here(draft, version), index)


def _here(draft: Draft | None, version: DatasetVersion) -> Draft | None:
    """The draft, if it belongs to this version."""
    return draft if draft and draft.base_id == version.pk else None


def _context(version: DatasetVersion, draft: Draft | None, plan: Plan, form: ChangeForm) -> dict:
    here = _here(draft, version)
    return {
        "version": version,
        "draft": here,
        "elsewhere": None if here else draft,
        "undoable": plan.length,
        "redoable": bool(here and here.changes.filter(undone=True).exists()),
        "choices": grid.class_choices(plan),
        "form": form,
    }


def _following(request, form: ChangeForm, version: DatasetVersion, index: Index, number: int) -> str:
    """The next page after a change of one image: the next image of the same kind that waits, otherwise
    back.
    """
    act, draft = form.cleaned_data["act"], drafts.open_draft(request.user, version.dataset)
    following = None
    if act in DECISIONS:
        following = proposals.waiting_of(draft, index, []).next_to(number)
    elif act == "relabel" and index.image(number).is_unlabelled:
        following = drawing.progress(index, draft, number).following
    return (
        reverse("dataset-image-page", args=[version.pk, following]) if following else request.get_full_path()
    )


def _act(request, version: DatasetVersion, shown: Filter) -> ChangeForm:
    """Apply the requested change; the form has errors if it was refused, and is unbound without a change."""
    if request.method != "POST":
        return ChangeForm()
    refuse_unless(request, Role.MEMBER)
    form = ChangeForm(request.POST)
    if not form.is_valid():
        return form
    try:
        if form.cleaned_data["act"] in ("undo", "redo"):
            _go_back_or_on(request, version, form.cleaned_data["act"])
        elif form.cleaned_data["act"] in DECISIONS:
            DECISIONS[form.cleaned_data["act"]](request.user, version, form.change(shown)[1]["images"])
        elif form.cleaned_data["act"] == "add-box":
            drawing.add(request.user, version, *form.drawn())
        else:
            drafts.add(request.user, version, *form.change(shown))
    except ChangeRefused as refusal:
        form.refuse(refusal.field, str(refusal))
    return form


def _go_back_or_on(request, version: DatasetVersion, act: str) -> None:
    draft = drafts.open_draft(request.user, version.dataset)
    if draft is not None and draft.base_id == version.pk:
        drafts.undo(draft) if act == "undo" else drafts.redo(draft)


def _findings_of(version: DatasetVersion, row) -> list[tuple[dict, str]]:
    """The findings about an image, each with what it says about this image."""
    return [(f, row.marks[f["code"]]) for f in version.findings if f["code"] in row.marks]
