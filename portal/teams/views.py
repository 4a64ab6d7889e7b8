"""Signing in and out, and changing one's own password."""

from django.contrib import messages
from django.contrib.auth import views as auth
from django.urls import reverse_lazy

from portal.teams.forms import PasswordForm, SignInForm

sign_in = auth.LoginView.as_view(
    template_name="teams/sign_in.html", authentication_form=SignInForm, redirect_authenticated_user=True
)
sign_out = auth.LogoutView.as_view(next_page=reverse_lazy("sign-in"))
sign_out.needs_no_team = True


class PasswordChange(auth.PasswordChangeView):
    template_name = "teams/password.html"
    form_class = PasswordForm
    success_url = reverse_lazy("home")

    def form_valid(self, form):
        messages.success(self.request, "Your password is changed.")
        return super().form_valid(form)


password_change = PasswordChange.as_view()
password_change.needs_no_team = True
