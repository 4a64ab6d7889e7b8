"""The page on which a person lets a model propose labels for a version's images."""

from __future__ import annotations

from django.shortcuts import redirect, render

from portal.datasets import drafts, indexes, proposals
from portal.datasets.refused_changes import ChangeRefused
from portal.datasets.version_views import find_ready_version
from portal.models.models import Prelabelling
from portal.prelabelling import services
from portal.prelabelling.forms import ClassesForm, ModelForm
from portal.teams.access import member_required
from portal.teams.quotas import QuotaReached


@member_required
def prelabel(request, pk):
    """Choose the model (by query parameters), then map its classes and start."""
    version = find_ready_version(request, pk)
    models = services.usable(version)
    choice = ModelForm(request.GET or None, models=models)
    model = choice.cleaned_data["model"] if choice.is_bound and choice.is_valid() else None
    draft = drafts.open_draft(request.user, version.dataset)
    here = draft if draft and draft.base_id == version.pk else None
    with indexes.opened(version) as index:
        plan = drafts.plan_of(here, index)
        unlabelled = len(proposals.unlabelled(here, index))
    form = matched = None
    if model is not None:
        matched = services.matched(model, plan)
        initial = {"score": services.usual_score(model)}
        form = ClassesForm(request.POST or None, initial=initial, matched=matched, plan=plan)
        if request.method == "POST" and form.is_valid() and (made := _start(request, version, model, form)):
            return redirect("job-detail", pk=made.job_id)
    context = {
        "version": version,
        "choice": choice,
        "model": model,
        "form": form,
        "known": [one for one in matched or [] if one.class_id is not None],
        "unlabelled": unlabelled,
        "most": proposals.MOST,
        "earlier": here.prelabellings.select_related("model", "job")[:5] if here else [],
    }
    return render(request, "prelabelling/new.html", context, status=422 if form and form.errors else 200)


def _start(request, version, model, form: ClassesForm) -> Prelabelling | None:
    """Start the job; if that is refused, return None, with the reason in the form."""
    try:
        return services.start(request.user, version, model, form.classes(), form.cleaned_data["score"])
    except (ChangeRefused, QuotaReached) as error:
        form.add_errors({"": str(error)})
    return None
