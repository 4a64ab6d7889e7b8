"""For people who are not signed in: accepting an invitation, resetting a forgotten password."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import PasswordResetConfirmView
from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from portal.core.api import ApiViewSet
from portal.core.forms import LONGEST_TEXT
from portal.core.messages import shown
from portal.core.names import one_line
from portal.core.serializers import KnownFieldsOnly
from portal.teams import mails, password_links, passwords, services, throttle
from portal.teams.account_api import checked, form_errors
from portal.teams.authentication import TooManyPasswords
from portal.teams.forms import AccountForm, NewPasswordForm
from portal.teams.models import Invitation, Membership, Role, Scope, User
from portal.teams.permissions import require_scope
from workers.contract.messages import msg

LINK = "The link, or its path."
COMPANY_ONLY = msg("On this server people join with their company account: sign in first.")


class Gone(APIException):
    status_code = 410


class NoMail(APIException):
    status_code = 409


class NewAccountSerializer(KnownFieldsOnly, serializers.Serializer):
    """A signed-in caller sends only the link and joins as themselves; otherwise an account is created."""

    link = serializers.CharField(max_length=500, help_text=LINK)
    username = serializers.CharField(required=False, max_length=150, validators=[one_line])
    password = serializers.CharField(required=False, trim_whitespace=False, max_length=LONGEST_TEXT)
    email = serializers.EmailField(required=False, max_length=254)


class JoinedSerializer(serializers.Serializer):
    """The team that was joined."""

    team = serializers.IntegerField(source="team_id")
    name = serializers.CharField(source="team.name")
    role = serializers.ChoiceField(choices=Role.choices)
    username = serializers.CharField(source="user.username")


class ForgottenSerializer(KnownFieldsOnly, serializers.Serializer):
    email = serializers.EmailField(max_length=254)


class PasswordByLinkSerializer(KnownFieldsOnly, serializers.Serializer):
    """Browsers are signed out. ``revoke_tokens`` revokes the person's API tokens, in every team."""

    link = serializers.CharField(max_length=500, help_text=LINK)
    new_password = serializers.CharField(trim_whitespace=False, max_length=LONGEST_TEXT)
    revoke_tokens = serializers.BooleanField(default=True)


class SignedOutViewSet(ApiViewSet):
    """The link itself grants access; no sign-in needed."""

    serializer_class = JoinedSerializer
    permission_classes = (AllowAny,)
    filter_backends: tuple = ()
    pagination_class = None
    refusals = (410,)

    @extend_schema(request=NewAccountSerializer, responses={201: JoinedSerializer})
    def accept(self, request):
        """Join a team by an invitation link, which works once: 410 if it is used or expired."""
        data = checked(NewAccountSerializer, request)
        found = services.find_invitation(_parts(data["link"])[-1])
        if found is None:
            raise Gone(shown(msg("This link was used, withdrawn or has ended: ask for a new one.")))
        joined = self._as_oneself(found) if request.user.is_authenticated else _as_new(found, data)
        return Response(JoinedSerializer(joined).data, status=201)

    def _as_oneself(self, found: Invitation) -> Membership:
        require_scope(self.request, Scope.ADMIN)
        return services.accept(found, self.request.user)

    @extend_schema(request=ForgottenSerializer, responses={202: None})
    def forgot_password(self, request):
        """Send a password-reset link by mail. The response is the same for an unknown address.

        409 if the server sends no mail; a team administrator can create a link then.
        """
        email = checked(ForgottenSerializer, request)["email"]
        if not settings.EMAIL_HOST:
            raise NoMail(
                shown(msg("This server sends no mail: ask an administrator of your team for a link."))
            )
        wait = throttle.mails_wait(request)
        if wait:
            raise TooManyPasswords(wait, throttle.mails_sentence(wait))
        if throttle.may_mail(email):
            mails.order(email, request.get_host(), request.is_secure())
        return Response(status=202)

    @extend_schema(request=PasswordByLinkSerializer, responses={204: None})
    @transaction.atomic
    def reset(self, request):
        """Set a new password by a link, which works once: 410 if it is used or expired.

        The response header ``Tokens-Working`` counts the person's tokens that still work.
        """
        data = checked(PasswordByLinkSerializer, request)
        uid, secret = ["", *_parts(data["link"])][-2:]
        user = PasswordResetConfirmView().get_user(uid)
        form = (
            NewPasswordForm(user, {f"new_password{n}": data["new_password"] for n in (1, 2)})
            if user
            else None
        )
        if form is None or password_links.find(user, secret) is None:
            raise Gone(shown(msg("This link was used or has ended: ask for a new one.")))
        if not form.is_valid():
            raise serializers.ValidationError(form_errors(form))
        if not password_links.use_up(user, secret):
            raise Gone(shown(msg("This link was used or has ended: ask for a new one.")))
        form.save()
        left = passwords.follow_up(user, "password.reset", revoke_tokens=data["revoke_tokens"])
        return Response(status=204, headers={"Tokens-Working": str(left)})


def _as_new(found: Invitation, data: dict) -> Membership:
    wanted = {name: data.get(name, "") for name in ("username", "email")}
    if settings.PASSWORD_ACCOUNTS:
        raise PermissionDenied(shown(COMPANY_ONLY))
    form = AccountForm(
        {**wanted, "password1": data.get("password", ""), "password2": data.get("password", "")}
    )
    if not form.is_valid():
        raise serializers.ValidationError(form_errors(form))
    user: User = services.accept_as_new(found, wanted["username"], data["password"], wanted["email"])
    return user.memberships.select_related("team", "user").get(team=found.team)


def _parts(link: str) -> list[str]:
    """The components of a link's path; the secrets come last."""
    return [part for part in urlsplit(link.strip()).path.split("/") if part] or [""]
