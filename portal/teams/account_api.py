"""The caller's own account: identity, e-mail address, password, and signed-in browsers."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.core.api import ApiViewSet
from portal.core.calls import without_body
from portal.core.forms import LONGEST_TEXT
from portal.core.serializers import KnownFieldsOnly
from portal.teams import audit, passwords, sign_ins, throttle
from portal.teams.authentication import TooManyPasswords
from portal.teams.forms import EmailForm, PasswordForm
from portal.teams.models import Role, Scope, SignIn, User
from workers.contract.messages import msg_n


class MeSerializer(serializers.ModelSerializer):
    """The caller, their team, and the token's permissions."""

    email = serializers.CharField(help_text="empty without one")
    language = serializers.CharField(help_text="of pages and mails; empty: what the browser asks for")
    team = serializers.SerializerMethodField()
    role = serializers.SerializerMethodField()
    scopes = serializers.SerializerMethodField(help_text="of the token; null without one")
    expires_at = serializers.SerializerMethodField(help_text="when the token ends; null without one")

    class Meta:
        model = User
        fields = ["id", "username", "email", "language", "team", "role", "scopes", "expires_at"]

    def get_team(self, user) -> int:
        return self.context["request"].team.pk

    @extend_schema_field(serializers.ChoiceField(Role.choices))
    def get_role(self, user) -> str:
        return self.context["request"].membership.role

    def get_scopes(self, user) -> list[str] | None:
        token = getattr(self.context["request"], "token", None)
        return token.scopes if token else None

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_expires_at(self, user):
        token = getattr(self.context["request"], "token", None)
        return serializers.DateTimeField().to_representation(token.expires_at) if token else None


class LanguageSerializer(KnownFieldsOnly, serializers.Serializer):
    language = serializers.ChoiceField(choices=settings.LANGUAGES)


class NewEmailSerializer(KnownFieldsOnly, serializers.Serializer):
    email = serializers.EmailField(allow_blank=True, max_length=254)
    password = serializers.CharField(
        trim_whitespace=False, max_length=LONGEST_TEXT, help_text="one's own, to be sure"
    )


class NewPasswordSerializer(KnownFieldsOnly, serializers.Serializer):
    """Other browsers are signed out. API tokens do not depend on the password: they keep working unless
    ``revoke_tokens`` revokes all of the caller's tokens, in every team, including the one used for this
    call.
    """

    revoke_tokens = serializers.BooleanField(default=False)
    old_password = serializers.CharField(trim_whitespace=False, max_length=LONGEST_TEXT)
    new_password = serializers.CharField(trim_whitespace=False, max_length=LONGEST_TEXT)


class SignInSerializer(serializers.ModelSerializer):
    browser = serializers.CharField(source="words", help_text="such as Firefox on Windows")

    class Meta:
        model = SignIn
        fields = ["id", "browser", "address", "created_at", "seen_at"]


class MeViewSet(ApiViewSet):
    """The caller's account. Changes need the scope admin (for tokens) and the current password."""

    serializer_class = MeSerializer
    filter_backends: tuple = ()
    pagination_class = None
    write_role, write_scope = Role.VIEWER, Scope.ADMIN

    def _me(self) -> Response:
        user = User.objects.get(pk=self.request.user.pk)
        return Response(MeSerializer(user, context={"request": self.request}).data)

    @extend_schema(responses=MeSerializer)
    def show(self, request):
        return self._me()

    @extend_schema(request=NewEmailSerializer, responses=MeSerializer)
    def partial_update(self, request):
        """Change the e-mail address."""
        data = checked(NewEmailSerializer, request)
        person = User.objects.get(pk=request.user.pk)
        self._saved(EmailForm(data, instance=person), "password")
        audit.record("account.email", person)
        return self._me()

    @extend_schema(request=LanguageSerializer, responses=MeSerializer)
    def language(self, request):
        """Set the language of pages and mails."""
        person = User.objects.get(pk=request.user.pk)
        person.language = checked(LanguageSerializer, request)["language"]
        person.save(update_fields=["language"])
        return self._me()

    @extend_schema(request=NewPasswordSerializer, responses={204: None})
    def password(self, request):
        """Change the password. The response header ``Tokens-Working`` counts the tokens that still work."""
        data = checked(NewPasswordSerializer, request)
        names = {"new_password1": data["new_password"], "new_password2": data["new_password"]}
        form = PasswordForm(request.user, {**data, **names})
        self._saved(form, "old_password")
        former = request.session.session_key
        if former and request.auth is None:
            update_session_auth_hash(request._request, request.user)
        left = passwords.follow_up(
            request.user,
            "password.change",
            revoke_tokens=data["revoke_tokens"],
            session_keys=(former, request.session.session_key),
        )
        return Response(status=204, headers={"Tokens-Working": str(left)})

    def _saved(self, form, asked: str) -> None:
        """Save the form if it is valid; wrong passwords are throttled."""
        name = self.request.user.get_username()
        wait = throttle.request_wait(self.request, name)
        if wait:
            raise TooManyPasswords(wait)
        if form.is_valid():
            form.save()
            return
        if asked in form.errors:
            throttle.failed(name)
        raise serializers.ValidationError(form_errors(form))


def form_errors(form) -> dict[str, list[str]]:
    """A page form's errors by the API's fields: a password is typed once here, and twice there."""
    return {key.rstrip("12"): [str(text) for text in texts] for key, texts in form.errors.items()}


def checked(kind, request) -> dict:
    """The call's data, validated by its serializer. Raises ValidationError."""
    form = kind(data=request.data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


class SignInViewSet(mixins.ListModelMixin, ApiViewSet):
    """The browsers in which the caller is signed in, most recently used first."""

    queryset = SignIn.objects.all()
    serializer_class = SignInSerializer
    read_scope = write_scope = Scope.ADMIN
    write_role = Role.VIEWER
    lookup_value_regex = r"\d{1,18}"
    filter_backends: tuple = ()

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        return self.queryset.filter(user=self.request.user)

    @extend_schema(responses={204: None})
    def destroy(self, request, pk=None):
        """Sign one browser out."""
        row = self.get_object()
        audit.record("sign-out.remote", request.user, detail=row.browser)
        sign_ins.end([row])
        return Response(status=204)

    @extend_schema(responses={204: None})
    @action(detail=False, methods=["post"], url_path="end-others")
    @without_body
    def end_others(self, request):
        """Sign out every browser except the calling one."""
        count = sign_ins.end(request.user.sign_ins.exclude(session_key=request.session.session_key))
        audit.record(
            "sign-out.remote",
            request.user,
            detail=msg_n("{count} other browser", "{count} other browsers", count),
        )
        return Response(status=204)
