"""Pages of the second factor: the code at sign-in, and setting it up."""

from __future__ import annotations

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from portal.core import encryption, once
from portal.teams import password_links, second_factor, throttle
from portal.teams.access import refuse_unless
from portal.teams.company_sessions import shorten
from portal.teams.forms import CodeForm, NewFactorForm
from portal.teams.models import Membership, Role, User
from workers.contract.messages import msg

WRONG = msg("wrong code of the second factor")
PAGE = "second-factor"


def _throttled(request, template: str, context: dict, wait: int):
    context["throttled"] = throttle.sentence(wait)
    response = render(request, template, context, status=429)
    response["Retry-After"] = str(wait)
    return response


@login_not_required
@never_cache
@sensitive_post_parameters()
def sign_in_code(request):
    """The code after the password. Wrong ones count as failed sign-ins."""
    user = second_factor.held(request)
    if user is None:
        if request.method == "POST":
            messages.warning(request, msg("That took too long: sign in again."))
        return redirect("sign-in")
    form = CodeForm(request.POST or None)
    wait = throttle.request_wait(request, user.get_username()) if form.is_bound else 0
    if wait:
        return _throttled(request, "teams/sign_in_code.html", {"form": CodeForm()}, wait)
    if form.is_valid():
        if second_factor.use(user, form.cleaned_data["code"]):
            return _admitted(request, user)
        throttle.failed(user.get_username(), WRONG)
        form.refuse()
    return render(request, "teams/sign_in_code.html", {"form": form}, status=422 if form.errors else 200)


def _admitted(request, user: User):
    target = second_factor.admit(request, user)
    shorten(request)
    throttle.succeeded(user)
    return redirect(target)


@never_cache
@sensitive_post_parameters()
def second_factor_page(request):
    """The person's second factor: set it up with a QR code, renew the recovery codes, remove it."""
    if not second_factor.is_offered():
        return redirect("account")
    factor = second_factor.of(request.user)
    handle = _change if factor else _set_up
    if request.method == "POST":
        wait = throttle.request_wait(request, request.user.get_username())
        if wait:
            context = _context(request, factor, None)
            return _throttled(request, "teams/second_factor.html", context, wait)
    return handle(request, factor)


def _context(request, factor, form) -> dict:
    context = {
        "factor": factor,
        "form": form,
        "codes": once.take(request, PAGE) if request.method == "GET" else None,
        "demanded": second_factor.is_demanded(request.team),
    }
    if factor:
        return context | {"form": form or CodeForm(), "left": len(factor.recovery)}
    secret = _secret(request)
    address = second_factor.address(request.user, secret)
    picture = segno.make(address, error="m").svg_inline(scale=5, border=4, light="#fff", omitsize=False)
    spaced = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    form = form or NewFactorForm(request.user)
    return context | {"form": form, "picture": picture, "secret": spaced}


def _secret(request) -> str:
    """The secret of this set-up, the same until it is confirmed."""
    try:
        kept = encryption.unseal(request.session[second_factor.NEW])
        if kept["user"] == request.user.pk:
            return kept["secret"]
    except (KeyError, encryption.WrongKey):
        pass
    secret = second_factor.new_secret()
    request.session[second_factor.NEW] = encryption.seal({"user": request.user.pk, "secret": secret})
    return secret


def _set_up(request, factor):
    form = NewFactorForm(request.user, request.POST or None)
    if form.is_bound and form.is_valid():
        secret = _secret(request)
        step = second_factor.step_of(secret, form.cleaned_data["code"])
        if step is not None:
            person = User.objects.get(pk=request.user.pk)
            codes = second_factor.enable(person, secret, step, request.session.session_key)
            del request.session[second_factor.NEW]
            second_factor.note(request)
            once.keep(request, PAGE, codes="\n".join(codes))
            messages.success(request, msg("Your second factor is set up. Other browsers are signed out."))
            return redirect("second-factor")
        form.refuse()
    if "password" in form.errors and form.data.get("password"):
        throttle.failed(request.user.get_username())
    context = _context(request, factor, form)
    return render(request, "teams/second_factor.html", context, status=422 if form.errors else 200)


def _change(request, factor):
    form = CodeForm(request.POST or None)
    if form.is_bound and form.is_valid():
        if second_factor.use(request.user, form.cleaned_data["code"]):
            return _changed(request, factor)
        throttle.failed(request.user.get_username(), WRONG)
        form.refuse()
    context = _context(request, factor, form)
    return render(request, "teams/second_factor.html", context, status=422 if form.errors else 200)


def _changed(request, factor):
    if request.POST.get("act") == "remove":
        second_factor.remove(User.objects.get(pk=request.user.pk))
        request.session.pop(second_factor.DONE, None)
        messages.success(request, msg("Your second factor is removed."))
    else:
        once.keep(request, PAGE, codes="\n".join(second_factor.renew_codes(factor)))
        messages.success(request, msg("The recovery codes are new: the old ones no longer work."))
    return redirect("second-factor")


second_factor_page.needs_no_team = True


@require_POST
def member_factor_reset(request, pk):
    """Remove a member's second factor, for someone who lost their phone."""
    member = get_object_or_404(
        Membership.objects.of_people().filter(team=request.team).select_related("user"), pk=pk
    )
    refuse_unless(request, Role.ADMIN)
    password_links.refuse_unless_resettable(request.user, member.user)
    if second_factor.remove(member.user, request.team):
        messages.success(request, msg("{user} no longer has a second factor.", user=member.user))
    return redirect("team-members")
