"""Pages of accounts: signing in and out, passwords, signed-in browsers, invitations."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from portal.teams import (
    audit,
    company_sessions,
    mails,
    password_links,
    passwords,
    second_factor,
    services,
    sign_ins,
    throttle,
)
from portal.teams.forms import (
    AccountForm,
    EmailForm,
    ForgottenForm,
    NewPasswordForm,
    PasswordForm,
    SignInForm,
)
from portal.teams.models import IN_WORDS, Invitation, SignIn, User
from workers.contract.messages import msg, msg_n

NO_PASSWORD = msg("You sign in with your company account: its password is changed there.")


class SignInPage(auth.LoginView):
    """Name and password. After too many wrong attempts, the person must wait."""

    template_name = "teams/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def post(self, request, *args, **kwargs):
        wait = throttle.request_wait(request, self._name())
        if wait:
            form = SignInForm(request, initial={"username": self._name()})
            return _must_wait(self, form, wait)
        return super().post(request, *args, **kwargs)

    def get_context_data(self, **kwargs):
        provider = settings.OIDC_NAME if settings.OIDC_ISSUER else ""
        left = self.request.GET.get("left") == "company"
        return super().get_context_data(provider=provider, left=left, **kwargs)

    def _name(self) -> str:
        """The name as the form takes it: stripped first, since it may have any number of spaces around it."""
        return self.request.POST.get("username", "").strip()[:150]

    def form_valid(self, form):
        user = form.get_user()
        if second_factor.of(user):
            second_factor.hold(self.request, user, self.get_success_url())
            return redirect("sign-in-code")
        response = super().form_valid(form)
        company_sessions.shorten(self.request)
        throttle.succeeded(user)
        return response

    def form_invalid(self, form):
        if self._name() and self.request.POST.get("password"):
            throttle.failed(self._name())
        return super().form_invalid(form)


def _must_wait(view, form, wait: int, sentence: str = ""):
    """The page again, without the typed values, with how long to wait."""
    context = view.get_context_data(form=form, throttled=sentence or throttle.sentence(wait))
    return view.render_to_response(context, status=429, headers={"Retry-After": str(wait)})


sign_in = SignInPage.as_view()


class SignOut(auth.LogoutView):
    next_page = reverse_lazy("sign-in")

    def post(self, request, *args, **kwargs):
        if company_sessions.is_of_provider(request):
            self.next_page = reverse("sign-in") + "?left=company"
        if request.user.is_authenticated:
            audit.record("sign-out", request.user)
            SignIn.objects.filter(session_key=request.session.session_key).delete()
        return super().post(request, *args, **kwargs)


sign_out = SignOut.as_view()
sign_out.needs_no_team = True


class PasswordChange(auth.PasswordChangeView):
    """A new password. Wrong current passwords count as failed sign-ins."""

    template_name = "teams/password.html"
    form_class = PasswordForm
    success_url = reverse_lazy("home")

    def dispatch(self, request, *args, **kwargs):
        if request.user.is_authenticated and not request.user.has_usable_password():
            messages.info(request, NO_PASSWORD)
            return redirect("account")
        return super().dispatch(request, *args, **kwargs)

    def post(self, request, *args, **kwargs):
        wait = throttle.request_wait(request, request.user.get_username())
        if wait:
            return _must_wait(self, PasswordForm(request.user), wait)
        return super().post(request, *args, **kwargs)

    def form_valid(self, form):
        session = self.request.session
        former = session.session_key
        response = super().form_valid(form)  # gives the session another key
        left = passwords.follow_up(
            self.request.user,
            "password.change",
            revoke_tokens=form.revokes_tokens,
            session_keys=(former, session.session_key),
        )
        messages.success(self.request, msg("Your password is changed. Other browsers are signed out."))
        if left:
            messages.warning(self.request, passwords.still_working(left))
        return response

    def form_invalid(self, form):
        _count_wrong(form, "old_password", self.request.user)
        return super().form_invalid(form)


password_change = PasswordChange.as_view()
password_change.needs_no_team = True


def _count_wrong(form, field: str, user: User) -> None:
    """Count a wrong password in a form of a signed-in person; an empty field does not count."""
    if field in form.errors and form.data.get(field):
        throttle.failed(user.get_username())


def account(request):
    """The person's own e-mail address."""
    person = User.objects.get(pk=request.user.pk)  # an invalid form must not change the signed-in user
    wait = throttle.request_wait(request, person.get_username()) if request.method == "POST" else 0
    if wait:
        context = _account_context(person, EmailForm(instance=person), throttled=throttle.sentence(wait))
        response = render(request, "teams/account.html", context, status=429)
        response["Retry-After"] = str(wait)
        return response
    form = EmailForm(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        form.save()
        audit.record("account.email", person)
        messages.success(request, _("Your e-mail address is saved."))
        return redirect("account")
    _count_wrong(form, "password", person)
    context = _account_context(person, form)
    return render(request, "teams/account.html", context, status=422 if form.errors else 200)


def _account_context(person: User, form: EmailForm, **more) -> dict:
    """What the page shows besides the form, as far as the server offers it."""
    provider = settings.OIDC_NAME if settings.OIDC_ISSUER else ""
    return {
        "form": form,
        "has_password": person.has_usable_password(),
        "factor_offered": second_factor.is_offered(),
        "factor": second_factor.of(person),
        "provider": provider,
        "is_connected": bool(provider) and person.identities.filter(issuer=settings.OIDC_ISSUER).exists(),
        **more,
    }


account.needs_no_team = True


class PasswordForgotten(auth.PasswordResetView):
    """Mails a link. Where mail is not set up, says who can create one."""

    template_name = "teams/forgotten.html"
    form_class = ForgottenForm
    success_url = reverse_lazy("sign-in")

    def get_context_data(self, **kwargs):
        return super().get_context_data(has_mail=bool(settings.EMAIL_HOST), **kwargs)

    def post(self, request, *args, **kwargs):
        if not settings.EMAIL_HOST:
            return self.get(request, *args, **kwargs)
        wait = throttle.mails_wait(request)
        if wait:
            return _must_wait(self, ForgottenForm(), wait, throttle.mails_sentence(wait))
        return super().post(request, *args, **kwargs)

    def form_valid(self, form):
        """The same page, in the same time, whether or not the address is known."""
        email = form.cleaned_data["email"]
        if throttle.may_mail(email):
            mails.order(email, self.request.get_host(), self.request.is_secure())
        messages.success(self.request, msg("If an account has this address, a link is on its way to it."))
        return redirect(self.success_url)


password_forgotten = PasswordForgotten.as_view()


class PasswordReset(auth.PasswordResetConfirmView):
    """A new password by a one-time link, from a mail or from an administrator."""

    template_name = "teams/password_reset.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("sign-in")
    token_generator = password_links.LinkTokens()

    @transaction.atomic
    def form_valid(self, form):
        if not password_links.use_up(self.user, self.request.session.get(auth.INTERNAL_RESET_SESSION_TOKEN)):
            self.validlink = False  # used by someone else between the page and its submission
            return self.render_to_response(self.get_context_data())
        response = super().form_valid(form)
        left = passwords.follow_up(form.user, "password.reset", revoke_tokens=form.revokes_tokens)
        messages.success(self.request, msg("Your new password is set: sign in with it."))
        if left:
            messages.warning(self.request, passwords.still_working(left))
        return response


password_reset = PasswordReset.as_view()


# --- signed-in browsers ------------------------------------------------------------------------


def sign_in_list(request):
    """The browsers in which this person is signed in."""
    rows = sign_ins.current(request.user)
    context = {"rows": rows, "this": request.session.session_key}
    return render(request, "teams/sign_ins.html", context)


@require_POST
def sign_in_end(request, pk):
    """Sign one browser out."""
    row = get_object_or_404(request.user.sign_ins, pk=pk)
    audit.record("sign-out.remote", request.user, detail=row.browser)
    sign_ins.end([row])
    messages.success(request, msg("That browser is signed out."))
    return redirect("sign-in-list")


@require_POST
def sign_in_end_others(request):
    """Sign out every browser except this one."""
    count = sign_ins.end(request.user.sign_ins.exclude(session_key=request.session.session_key))
    audit.record(
        "sign-out.remote",
        request.user,
        detail=msg_n("{count} other browser", "{count} other browsers", count),
    )
    messages.success(request, msg("Signed out elsewhere: {count}.", count=count))
    return redirect("sign-in-list")


for _view in (sign_in_list, sign_in_end, sign_in_end_others):
    _view.needs_no_team = True


# --- invitations ------------------------------------------------------------------------------


@login_not_required
@never_cache
@sensitive_post_parameters()
def invitation(request, secret):
    """Join a team by a link: with the person's account, or with a new one."""
    found = services.find_invitation(secret)
    if found is None:
        return render(request, "teams/invitation_gone.html", status=410)
    if request.user.is_authenticated:
        return _join(request, found)
    may_create = not settings.PASSWORD_ACCOUNTS
    form = AccountForm(request.POST or None)
    if may_create and form.is_bound and form.is_valid():
        data = form.cleaned_data
        try:
            user = services.accept_as_new(found, data["username"], data["password1"], data["email"])
        except services.TeamError as error:
            form.add_errors({"": str(error)})
        else:
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            return _welcome(request, found)
    context = {"invitation": found, "form": form, "sign_in_url": f"{reverse('sign-in')}?next={request.path}"}
    context["may_create"] = may_create
    return render(request, "teams/invitation.html", context, status=422 if form.errors else 200)


def _join(request, found: Invitation):
    if request.method == "POST":
        try:
            services.accept(found, request.user)
        except services.TeamError as error:
            messages.error(request, str(error))
            return redirect("home")
        return _welcome(request, found)
    return render(request, "teams/invitation.html", {"invitation": found})


def _welcome(request, found: Invitation):
    request.session["team"] = found.team_id
    messages.success(
        request,
        msg("Welcome to {team}. Your role: {role}.", team=found.team, role=IN_WORDS[found.role]),
    )
    return redirect("home")
