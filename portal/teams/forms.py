"""Django's own forms for accounts, in our dress."""

from django.contrib.auth import forms as auth

from portal.core.forms import Styled


class SignInForm(Styled, auth.AuthenticationForm):
    pass


class PasswordForm(Styled, auth.PasswordChangeForm):
    pass
