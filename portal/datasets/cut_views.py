"""The page that makes a classification dataset from a version's boxes."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from portal.core.forms import StyledForm
from portal.core.names import one_line
from portal.datasets import cuts
from portal.datasets.version_views import find_ready_version
from portal.teams.access import member_required
from portal.teams.quotas import QuotaReached
from workers.datakit.cutting import CROPS, LABELLED, MOST_MARGIN
from workers.datakit.errors import InputError


class CutForm(StyledForm):
    name = forms.CharField(max_length=120, label=_("Name of the new dataset"), validators=[one_line])
    how = forms.ChoiceField(
        label=_("Its images"),
        widget=forms.RadioSelect,
        initial=CROPS,
        choices=[
            (CROPS, _("Each box becomes an image of its class")),
            (LABELLED, _("Each image gets the class of its boxes; those with several classes are left out")),
        ],
    )
    margin = forms.IntegerField(
        label=_("Margin around a box, % of its sides"),
        min_value=0,
        max_value=int(100 * MOST_MARGIN),
        initial=10,
        help_text=_("For images of boxes: some of an object's surroundings help to tell what it is."),
    )
    least_side = forms.IntegerField(
        label=_("Smallest box, pixels"),
        min_value=1,
        max_value=10_000,
        initial=16,
        help_text=_("Boxes that are less wide or high are left out."),
    )


@member_required
def version_cut(request, pk):
    """Choose the options, and start."""
    source = find_ready_version(request, pk)
    try:
        cuts.check(source)
    except InputError as error:
        messages.error(request, str(error))
        return redirect("dataset-version", pk=pk)
    form = CutForm(request.POST or None, initial={"name": f"{source.dataset.name[:100]} crops"})
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        data["margin"] /= 100
        try:
            version = cuts.create(source, request.user, data.pop("name"), **data)
            return redirect("dataset-version", pk=version.pk)
        except (InputError, QuotaReached) as error:
            form.add_errors({"": str(error)})
    context = {"version": source, "form": form}
    return render(request, "datasets/cut.html", context, status=422 if form.errors else 200)
