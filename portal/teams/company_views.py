"""Signing in by the OpenID provider: there, and back."""

from __future__ import annotations

import functools

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET

from portal.teams import audit, company_sessions, identities, origins, second_factor, sign_ins, throttle
from portal.teams.models import User
from workers.contract.messages import msg

NOT_FRESH = msg(
    "Sign out and in again, then connect within ten minutes: whoever connects an account can sign in with it."
)
BEGUN = "company_sign_in"  # in the session: what the provider's answer is checked against


def _needs_provider(view):
    """Call ``view`` with the module of the provider; without one, go to the sign-in page.

    It is loaded when it is needed: it is off by default, and its library is large.
    """

    @functools.wraps(view)
    def guarded(request):
        if not settings.OIDC_ISSUER:
            return redirect("sign-in")
        from portal.teams import oidc

        return view(request, oidc)

    return guarded


@login_not_required
@never_cache
@require_GET
@_needs_provider
def company_sign_in(request, oidc):
    """Send the browser to the provider; a signed-in person connects their company account."""
    if origins.is_foreign(request):
        return redirect("sign-in")
    if wait := throttle.company_wait(request):
        return _back(request, throttle.company_sentence(wait))
    if request.user.is_authenticated and not sign_ins.is_fresh(request):
        return _back(request, NOT_FRESH)
    try:
        begun = oidc.begin(request.build_absolute_uri(reverse("company-return")))
    except oidc.Away as error:
        return _back(request, str(error))
    url = begun.pop("url")
    request.session[BEGUN] = begun | {"next": request.GET.get("next", ""), "user": request.user.pk}
    return redirect(url)


@login_not_required
@never_cache
@require_GET
@sensitive_variables()
@_needs_provider
def company_return(request, oidc):
    """The provider's answer."""
    begun = request.session.pop(BEGUN, None) or {"at": 0, "user": request.user.pk}
    try:
        if wait := throttle.company_wait(request):
            return _back(request, throttle.company_sentence(wait))
        claims = oidc.finish(begun, request.GET.dict())
        if request.user.is_authenticated:
            return _connect(request, claims, begun)
        return _enter(request, claims, begun)
    except oidc.Away as error:
        return _back(request, str(error))
    except identities.NotAccepted as error:
        audit.refused(throttle.COMPANY, detail=str(error))
        return _back(request, str(error))


company_sign_in.needs_no_team = company_return.needs_no_team = True


def _enter(request, claims: identities.Claims, begun: dict):
    user = identities.sign_in(claims)
    login(request, user, backend="portal.teams.backends.Provider")
    company_sessions.shorten(request)
    second_factor.note(request)
    audit.record(throttle.COMPANY, user, detail=claims.issuer)
    return redirect(_allowed(request, begun["next"]))


def _connect(request, claims: identities.Claims, begun: dict):
    if begun["user"] != request.user.pk:
        raise identities.NotAccepted(identities.ELSEWHERE)
    identities.link(User.objects.get(pk=request.user.pk), claims)
    messages.success(request, msg("Your account is connected: sign in with {name}.", name=settings.OIDC_NAME))
    return redirect("account")


def _allowed(request, url: str) -> str:
    """Where the person wanted to go, if it is a page of this portal."""
    safe = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if safe else reverse("home")


def _back(request, sentence: str):
    messages.error(request, sentence)
    return redirect("account" if request.user.is_authenticated else "sign-in")


@login_not_required
@never_cache
@require_GET
@_needs_provider
def company_sign_out(request, oidc):
    """Send a person who is signed out here to the provider's page for signing out."""
    try:
        url = oidc.sign_out_url(request.build_absolute_uri(reverse("sign-in")))
    except oidc.Away as error:
        return _back(request, str(error))
    return redirect(url or settings.OIDC_ISSUER)


company_sign_out.needs_no_team = True
