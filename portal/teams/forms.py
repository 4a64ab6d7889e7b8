"""Forms of accounts, members, tokens and the audit."""

from __future__ import annotations

from django import forms
from django.contrib.auth import forms as auth
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from portal.core import languages
from portal.core.forms import LONGEST_TEXT, Styled, StyledForm
from portal.core.messages import shown
from portal.core.names import one_line
from portal.teams import audit_verbs, password_links, quotas, second_factor, tokens
from portal.teams.models import Quota, Result, Role, Scope, Team, User, Via

LIFETIMES = [(7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (366, _("a year"))]
NAMES_SHOWN = 5
INVITATION_LIFETIMES = [(1, _("1 day")), (7, _("7 days")), (30, _("30 days"))]


class SignInForm(Styled, auth.AuthenticationForm):
    def get_invalid_login_error(self):
        """A directory that does not answer is no wrong password."""
        if fault := getattr(self.request, "directory_fault", ""):
            return forms.ValidationError(shown(fault), code="directory")
        return super().get_invalid_login_error()


def _code_field(help_text: str) -> forms.CharField:
    attrs = {"autocomplete": "one-time-code", "autocapitalize": "none"}
    label = _("One-time code")
    return forms.CharField(
        max_length=40, label=label, widget=forms.TextInput(attrs=attrs), help_text=help_text
    )


class CodeForm(StyledForm):
    """A code of the second factor, or a recovery code."""

    code = _code_field(_("The six digits that your app shows, or a recovery code."))

    def refuse(self) -> None:
        sentence = _("This code is not right, or was used already: wait for the next one.")
        self.add_errors({"code": sentence})


class NewFactorForm(CodeForm):
    """Sets a second factor up. It asks for the password: an open browser is not enough."""

    code = _code_field(_("The six digits that your app shows now."))

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user
        if not user.has_usable_password():
            return
        self.fields["password"] = forms.CharField(
            label=_("Your password"),
            strip=False,
            max_length=LONGEST_TEXT,
            widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "class": "form-control"}),
        )

    def clean_code(self) -> str:
        return "".join(self.cleaned_data["code"].split())

    def clean_password(self) -> str:
        if not self.user.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError(_("This is not your password: type it again."))
        return self.cleaned_data["password"]


class OffersToRevokeTokens:
    """A form for a new password that offers to revoke the person's API tokens."""

    revokes_at_first = False

    def __init__(self, user, *args, **kwargs):
        super().__init__(user, *args, **kwargs)
        names = [token.name for token in tokens.alive(user)] if user else []
        if names:
            self.fields["revoke_tokens"] = forms.BooleanField(
                required=False,
                initial=self.revokes_at_first,
                label=_("Also revoke my API tokens: %(names)s") % {"names": _shortened(names)},
                help_text=_(
                    "They do not depend on the password. Revoke them if somebody else may have known it; "
                    "programs then need new ones."
                ),
                widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
            )

    @property
    def revokes_tokens(self) -> bool:
        return self.cleaned_data.get("revoke_tokens", False)


def _shortened(names: list[str]) -> str:
    return ", ".join(names[:NAMES_SHOWN]) + (f" … ({len(names)})" if len(names) > NAMES_SHOWN else "")


class PasswordForm(OffersToRevokeTokens, Styled, auth.PasswordChangeForm):
    pass


class EmailForm(Styled, forms.ModelForm):
    """A new e-mail address. It asks for the password: whoever controls the address can reset the password."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    class Meta:
        model = User
        fields = ("email",)
        labels = {"email": _("E-mail address")}
        help_texts = {"email": _("For links to a new password, and for notices. It may stay empty.")}

    def clean_password(self) -> str:
        if not self.instance.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError(_("This is not your password: type it again."))
        return self.cleaned_data["password"]


class ForgottenForm(Styled, auth.PasswordResetForm):
    """Requests a password-reset link by mail."""

    def send_links(self, host: str, is_https: bool) -> None:
        """Send one to each account of the address; failed mails are logged."""
        self.save(
            domain_override=host,
            use_https=is_https,
            subject_template_name="teams/forgotten_subject.txt",
            email_template_name="teams/forgotten_mail.txt",
            token_generator=password_links.LinkTokens(),
        )

    def send_mail(self, subject_template_name, email_template_name, context, *args, **kwargs):
        """Send it in the recipient's language."""
        with translation.override(languages.of(context["user"])):
            super().send_mail(subject_template_name, email_template_name, context, *args, **kwargs)


class NewPasswordForm(OffersToRevokeTokens, Styled, auth.SetPasswordForm):
    """A new password by link: the old one is lost, perhaps to someone else."""

    revokes_at_first = True


class AccountForm(Styled, auth.UserCreationForm):
    """A new account for a holder of an invitation. Names must differ by more than case."""

    class Meta(auth.UserCreationForm.Meta):
        model = User
        fields = ("username", "email")

    def clean_username(self):
        one_line(self.cleaned_data.get("username") or "")
        return super().clean_username()


class TeamForm(Styled, forms.ModelForm):
    class Meta:
        model = Team
        fields = ("name",)
        labels = {"name": _("Name")}
        help_texts = {"name": _("As everybody in it sees it. No other team of this server may have it.")}


class TeamSettingsForm(TeamForm):
    unsure_below_percent = forms.IntegerField(
        min_value=0,
        max_value=100,
        label=_("Unsure below, %"),
        help_text=_("A board's prediction with a lower score is marked as unsure. 0 marks none."),
    )
    max_drop_percent = forms.FloatField(
        min_value=0,
        max_value=100,
        label=_("Largest allowed drop, points"),
        help_text=_("A run whose int8 model or board loses more says that it misses its limits."),
    )
    fail_under_percent = forms.FloatField(
        required=False,
        min_value=0,
        max_value=100,
        label=_("Required quality, %"),
        help_text=_("A run whose model scores lower also misses its limits. Empty: nothing is required."),
    )

    second_factor = forms.BooleanField(
        required=False,
        label=_("Everybody needs a second factor"),
        help_text=_("Whoever has none must set one up before they see anything of the team."),
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )

    def __init__(self, *args, instance: Team, **kwargs):
        shares = {f"{name}_percent": getattr(instance, name) for name in Team.SETTINGS}
        initial = {name: None if share is None else round(100 * share, 6) for name, share in shares.items()}
        initial["second_factor"] = instance.second_factor
        super().__init__(*args, instance=instance, initial=initial, **kwargs)
        if not second_factor.is_offered():
            del self.fields["second_factor"]

    @property
    def shares(self) -> dict[str, float | None]:
        """The settings as fractions, by the team's columns. Call it on a valid form."""
        given = {name: self.cleaned_data[f"{name}_percent"] for name in Team.SETTINGS}
        return {name: None if percent is None else percent / 100 for name, percent in given.items()}


class QuotaForm(StyledForm):
    """A team's limits, set by one of the two administrators; an empty field is no limit of theirs.

    Nobody can exceed the server's settings, nor the team's administrator the limits of the server's
    administrator.
    """

    LABELS = {
        "running_default": _("Checks of uploads at a time"),
        "running_train": _("Trainings at a time"),
        "running_convert": _("Conversions at a time"),
        "running_deploy": _("Jobs on boards at a time"),
        "queued": _("Jobs that wait"),
        "storage_mb": _("Storage, MB"),
    }

    def __init__(self, team, by: str, data=None):
        self.team, self.by = team, by
        rows = {row.by: row for row in Quota.objects.filter(team=team)}
        self.most = quotas.ceilings()
        if by == Quota.By.TEAM and Quota.By.SERVER in rows:
            server = rows[Quota.By.SERVER]
            self.most = {name: quotas.least(most, getattr(server, name)) for name, most in self.most.items()}
        self.base_fields = {
            name: forms.IntegerField(label=label, required=False, min_value=1, max_value=2_000_000_000)
            for name, label in self.LABELS.items()
        }
        initial = {name: getattr(rows[by], name) for name in quotas.FIELDS} if by in rows else {}
        super().__init__(data, initial=initial, auto_id=f"{by}-%s")
        for name, most in self.most.items():
            if most is not None:
                self.fields[name].help_text = _("At most %(most)d.") % {"most": most}

    def clean(self):
        data = super().clean()
        for name, most in self.most.items():
            if most is not None and (data.get(name) or 0) > most:
                sentence = _("At most %(most)d, which is what the server allows: choose less.")
                self.add_errors({name: sentence % {"most": most}})
        return data


class RoleForm(StyledForm):
    role = forms.ChoiceField(
        choices=Role, widget=forms.Select(attrs={"class": "form-select-sm w-auto"}), label=_("Role")
    )


class InvitationForm(StyledForm):
    role = forms.ChoiceField(choices=Role, initial=Role.MEMBER, label=_("Role"))
    days = forms.TypedChoiceField(choices=INVITATION_LIFETIMES, coerce=int, initial=7, label=_("Valid for"))
    note = forms.CharField(
        max_length=100,
        required=False,
        label=_("For whom"),
        help_text=_("A note for you (optional)."),
        validators=[one_line],
    )


class TokenForm(StyledForm):
    name = forms.CharField(
        max_length=100,
        label=_("Name"),
        help_text=_("What uses it, such as nightly training."),
        validators=[one_line],
    )
    scopes = forms.MultipleChoiceField(
        choices=Scope,
        initial=[Scope.READ],
        widget=forms.CheckboxSelectMultiple,
        label=_("Scopes"),
        help_text=_("A token never has more rights than you."),
        error_messages={"required": _("Choose at least one.")},
    )
    days = forms.TypedChoiceField(choices=LIFETIMES, coerce=int, initial=90, label=_("Valid for"))


class ServiceForm(StyledForm):
    name = forms.CharField(
        max_length=100, label=_("Name"), help_text=_("What uses it, such as nightly training."),
        validators=[one_line],
    )  # fmt: skip
    role = forms.ChoiceField(
        choices=[(role.value, role.label) for role in (Role.VIEWER, Role.MEMBER, Role.OPERATOR)],
        initial=Role.MEMBER,
        label=_("Role"),
    )


class AuditForm(StyledForm):
    """Filters of the audit; all are optional."""

    person = forms.CharField(required=False, max_length=150, label=_("Person"))
    verb = forms.CharField(
        required=False, max_length=40, label=_("Action"), widget=forms.Select(choices=audit_verbs.choices)
    )
    via = forms.ChoiceField(required=False, choices=[("", _("Any way")), *Via.choices], label=_("Via"))
    result = forms.ChoiceField(required=False, choices=[("", _("Any")), *Result.choices], label=_("Result"))
    since = forms.DateField(
        required=False, label=_("From day"), widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(required=False, label=_("To day"), widget=forms.DateInput(attrs={"type": "date"}))
    text = forms.CharField(
        required=False, max_length=100, label=_("Holds"), help_text=_("Object, detail, token or address.")
    )
    calls = forms.BooleanField(required=False, label=_("Show API calls that changed nothing"))
