"""Who may sign in how. ``settings.AUTHENTICATION_BACKENDS`` holds those that are configured."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.backends import ModelBackend


class NamedAccounts(ModelBackend):
    """Passwords of the portal, for the accounts in PASSWORD_ACCOUNTS only."""

    def authenticate(self, request, username=None, password=None, **kwargs):
        user = super().authenticate(request, username=username, password=password, **kwargs)
        return user if user is not None and self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user) -> bool:
        return super().user_can_authenticate(user) and user.get_username() in settings.PASSWORD_ACCOUNTS


class Provider(ModelBackend):
    """Sessions of people who came from the OpenID provider; it takes no password."""

    def authenticate(self, request, **credentials):
        return None


class Directory(ModelBackend):
    """Names and passwords of the directory (LDAP), on the sign-in page. The API takes their tokens.

    A directory that does not answer is no wrong password: ``request.directory_fault`` then says so.
    """

    def authenticate(self, request, username=None, password=None, **kwargs):
        if request is None or getattr(request, "by_password", False) or not username or not password:
            return None
        from portal.teams import directory, identities

        try:
            claims = directory.check(username, password)
            return identities.sign_in(claims) if claims else None
        except (directory.Away, identities.NotAccepted) as error:
            request.directory_fault = str(error)
            return None
