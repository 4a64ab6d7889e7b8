"""Pages of the team: members, settings, switching teams."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from portal.core import once
from portal.core.numbers import whole_number
from portal.teams import password_links, second_factor, services
from portal.teams.access import admin_required, refuse_unless
from portal.teams.forms import InvitationForm, RoleForm, TeamForm, TeamSettingsForm
from portal.teams.models import IN_WORDS, Invitation, Membership, Role
from workers.contract.messages import msg

ROLES = [
    (gettext_lazy("Viewer"), gettext_lazy("sees and downloads everything of the team")),
    (gettext_lazy("Member"), gettext_lazy("also uploads datasets and starts runs")),
    (
        gettext_lazy("Operator"),
        gettext_lazy("also registers devices, deploys to them and runs inference on them"),
    ),
    (
        gettext_lazy("Administrator"),
        gettext_lazy("also invites and removes people, sees all tokens and the audit"),
    ),
]


@never_cache
def team_members(request, form: InvitationForm | None = None, status: int = 200):
    """Members and open invitations."""
    members = Membership.objects.of_people().filter(team=request.team).select_related("user")
    resettable = password_links.resettable(request.user).filter(memberships__team=request.team)
    resettable = set(resettable.values_list("pk", flat=True)) if request.may_admin else set()
    with_factor = second_factor.owners(resettable)
    context = {
        "members": [
            (member, RoleForm(initial={"role": member.role}, auto_id=f"%s-{member.pk}"),
             member.user_id in resettable and member.user != request.user, member.user_id in with_factor)
            for member in members.order_by("user__username")
        ],
        "invitations": services.open_invitations(request.team).select_related("created_by"),
        "form": form or InvitationForm(),
        "once": once.take(request, "team-members"),
        "roles": ROLES,
    }  # fmt: skip
    return render(request, "teams/members.html", context, status=status)


def _member(request, pk: int) -> Membership:
    rows = Membership.objects.of_people().filter(team=request.team).select_related("user", "team")
    return get_object_or_404(rows, pk=pk)


@require_POST
def member_role(request, pk):
    """Change a member's role."""
    member = _member(request, pk)
    refuse_unless(request, Role.ADMIN)
    form = RoleForm(request.POST)
    if form.is_valid():
        try:
            services.change_role(member, form.cleaned_data["role"])
        except services.TeamError as error:
            messages.error(request, str(error))
        else:
            messages.success(
                request,
                msg("{user} now has the role {role}.", user=member.user, role=IN_WORDS[member.role]),
            )
    return redirect("team-members")


def member_remove(request, pk):
    """Ask for confirmation, then remove a person from the team. Anyone may remove themselves."""
    member = _member(request, pk)
    if member.user != request.user:
        refuse_unless(request, Role.ADMIN)
    if request.method == "POST":
        try:
            services.remove_member(member)
        except services.TeamError as error:
            messages.error(request, str(error))
            return redirect("team-members")
        messages.success(request, msg("{user} is no longer in {team}.", user=member.user, team=member.team))
        return redirect("home" if member.user == request.user else "team-members")
    tokens = member.user.tokens.filter(team=request.team, revoked_at=None).count()
    return render(request, "teams/member_remove.html", {"member": member, "tokens": tokens})


@require_POST
@never_cache
def member_reset_link(request, pk):
    """Create a one-time password link for a member; the team's page shows it."""
    member = _member(request, pk)
    refuse_unless(request, Role.ADMIN)
    password_links.refuse_unless_resettable(request.user, member.user)
    path = password_links.reset_path(member.user, request.user, request.team)
    link = request.build_absolute_uri(path)
    hint = _(
        "Give it to %(name)s in person or over a channel that you trust: whoever opens it sets the password. "
        "It works once, for 24 hours, and signs %(name)s out everywhere."
    ) % {"name": member.user}
    once.keep(request, "team-members", words=_("The link for a new password"), value=link, hint=hint)
    return redirect("team-members")


@require_POST
@admin_required
@never_cache
def invitation_new(request):
    """Create an invitation; the team's page shows its link this one time."""
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return team_members(request, form, status=422)
    path = services.invite(request.team, request.user, **form.cleaned_data)[1]
    link = request.build_absolute_uri(path)
    once.keep(request, "team-members", words=_("The link of the invitation"), value=link)
    return redirect("team-members")


@require_POST
def invitation_withdraw(request, pk):
    """Withdraw an invitation."""
    found = get_object_or_404(Invitation.objects.for_team(request.team), pk=pk, used_at=None)
    refuse_unless(request, Role.ADMIN)
    services.withdraw(found)
    messages.success(request, msg("The invitation is withdrawn: its link no longer works."))
    return redirect("team-members")


# --- the team itself --------------------------------------------------------------------------


@admin_required
def team_settings(request):
    """The team's name, which predictions are unsure, and what new runs require of their models."""
    form = TeamSettingsForm(request.POST or None, instance=request.team)
    if form.is_bound and form.is_valid():
        before = form.initial["name"]
        request.team.name = before  # the form has changed the row; the service records the old value
        if form.cleaned_data["name"] != before:
            services.rename_team(request.team, form.cleaned_data["name"])
        services.change_settings(request.team, **form.shares)
        services.demand_second_factor(request.team, form.cleaned_data.get("second_factor", False))
        messages.success(request, msg("The settings are saved."))
        return redirect("team-settings")
    return render(request, "teams/settings.html", {"form": form}, status=422 if form.errors else 200)


def team_new(request):
    """Create another team on this server (server administrators only)."""
    services.refuse_unless_server_admin(request.user)
    form = TeamForm(request.POST or None)
    if form.is_bound and form.is_valid():
        team = services.create_team(form.cleaned_data["name"], request.user)
        request.session["team"] = team.pk
        messages.success(request, msg("{team} is made; invite its people.", team=team))
        return redirect("team-members")
    return render(request, "teams/new.html", {"form": form}, status=422 if form.errors else 200)


team_new.needs_no_team = True


@require_POST
def team_switch(request):
    """Switch to another of the person's teams."""
    wanted = request.POST.get("team", "")
    rows = request.user.memberships.select_related("team")
    member = get_object_or_404(rows, team_id=whole_number(wanted) or 0)
    request.session["team"] = member.team_id
    messages.info(request, msg("You work in {team} now.", team=member.team))
    return redirect("home")
