"""The caller's notices, and the team's webhooks."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.core.api import ApiViewSet, TeamViewSet
from portal.core.calls import with_query, without_body
from portal.notify import services, webhooks
from portal.notify.events import EVENTS
from portal.notify.models import Notification, Webhook
from portal.notify.serializers import (
    ChoiceSerializer,
    DeliverySerializer,
    MadeWebhookSerializer,
    MarkedSerializer,
    NewWebhookSerializer,
    NotificationSerializer,
    NotificationsQuerySerializer,
    WebhookSerializer,
)
from portal.notify.views import visible_choices
from portal.teams.models import Role, Scope


class NotificationViewSet(mixins.ListModelMixin, ApiViewSet):
    """The caller's notices in this team."""

    queryset = Notification.objects.all()
    serializer_class = NotificationSerializer
    filter_backends: tuple = ()
    write_role = Role.VIEWER
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        rows = self.queryset.shown_to(self.request.user, self.request.team)
        return rows.unread() if self.query.get("unread") else rows

    @with_query(NotificationsQuerySerializer)
    def list(self, request):
        """Newest first; ``unread=yes`` for unread notices only."""
        return super().list(request)

    @extend_schema(responses=NotificationSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def read(self, request, pk=None):
        """Mark a notice as read."""
        row = self.get_object()
        services.mark_read(Notification.objects.filter(pk=row.pk))
        row.refresh_from_db()
        return Response(NotificationSerializer(row).data)

    @extend_schema(responses=MarkedSerializer)
    @action(detail=False, methods=["post"], url_path="read-all")
    @without_body
    def read_all(self, request):
        """Mark all notices as read."""
        return Response({"marked": services.mark_read(self.get_queryset())})


class NoticeChoiceViewSet(ApiViewSet):
    """The caller's notification settings, for all of their teams."""

    serializer_class = ChoiceSerializer
    filter_backends: tuple = ()
    pagination_class = None
    write_role = Role.VIEWER

    @extend_schema(responses=ChoiceSerializer(many=True))
    def show(self, request):
        """Every event that the caller's role can see."""
        choices = visible_choices(request.user, request.membership)
        return Response(
            [{"event": name, "portal": portal, "mail": mail} for name, (portal, mail) in choices.items()]
        )

    @extend_schema(request=ChoiceSerializer(many=True), responses=ChoiceSerializer(many=True))
    def change(self, request):
        """Change the settings of the given events; the others keep theirs."""
        form = ChoiceSerializer(data=request.data, many=True, max_length=2 * len(EVENTS))
        form.is_valid(raise_exception=True)
        services.choose(
            request.user, {row["event"]: (row["portal"], row["mail"]) for row in form.validated_data}
        )
        return self.show(request)


class WebhookViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TeamViewSet):
    """URLs that receive the team's events. For team administrators."""

    queryset = Webhook.objects.select_related("created_by")
    serializer_class = WebhookSerializer
    filter_backends: tuple = ()
    read_role = write_role = Role.ADMIN
    read_scope = Scope.ADMIN
    orderings = ("id", "name", "created_at")
    page_actions = ("list", "deliveries")
    secret_actions = ("create", "secret")
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(request=NewWebhookSerializer, responses={201: MadeWebhookSerializer})
    def create(self, request):
        """Create a webhook. Only this response contains its secret."""
        form = NewWebhookSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        webhook, webhook_secret = webhooks.make(request.team, request.user, **form.validated_data)
        webhook.shown_secret = webhook_secret
        return Response(MadeWebhookSerializer(webhook).data, status=201)

    @extend_schema(request=WebhookSerializer, responses=WebhookSerializer)
    def partial_update(self, request, pk=None):
        """Change the name, URL or events, or enable or disable it."""
        webhook = self.get_object()
        form = WebhookSerializer(webhook, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        if form.validated_data:
            webhooks.change(webhook, **form.validated_data)
        return Response(WebhookSerializer(webhook).data)

    def perform_destroy(self, instance):
        webhooks.delete(instance)

    @extend_schema(responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    @without_body
    def test(self, request, pk=None):
        """Send a test event. The list of deliveries shows the outcome."""
        return Response(DeliverySerializer(webhooks.order_test(self.get_object())).data, status=202)

    @extend_schema(responses=MadeWebhookSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def secret(self, request, pk=None):
        """Generate a new secret. The old one stops working at once."""
        webhook = self.get_object()
        webhook.shown_secret = webhooks.new_secret(webhook)
        return Response(MadeWebhookSerializer(webhook).data)

    @extend_schema(responses=DeliverySerializer(many=True))
    @action(detail=True)
    def deliveries(self, request, pk=None):
        """Deliveries of the last 30 days and their outcomes, newest first."""
        rows = self.paginate_queryset(self.get_object().deliveries.all())
        return self.get_paginated_response(DeliverySerializer(rows, many=True).data)

    @extend_schema(responses={202: DeliverySerializer})
    @without_body
    def again(self, request, pk, number):
        """Send a delivery again: the same event with the same id."""
        delivery = get_object_or_404(self.get_object().deliveries, pk=number)
        webhooks.order_again(delivery)
        delivery.refresh_from_db()
        return Response(DeliverySerializer(delivery).data, status=202)
