from django.urls import reverse
from rest_framework import serializers

from portal.core.messages import shown
from portal.core.serializers import BoundedListField, KnownFieldsOnly
from portal.notify import targets
from portal.notify.events import EVENTS, WEBHOOK_EVENTS
from portal.notify.models import Audience, Delivery, Notification, Webhook


class NotificationSerializer(serializers.ModelSerializer):
    sentence = serializers.SerializerMethodField()

    class Meta:
        model = Notification
        fields = ["id", "event", "sentence", "path", "created_at", "read_at"]

    def get_sentence(self, row) -> str:
        event = EVENTS.get(row.event)
        return event.render(row.facts) if event else ""


class NotificationsQuerySerializer(serializers.Serializer):
    unread = serializers.ChoiceField(choices=["yes"], required=False, help_text="Only what is not read yet.")


class MarkedSerializer(serializers.Serializer):
    """How many notices were unread before."""

    marked = serializers.IntegerField()


class ChoiceSerializer(KnownFieldsOnly, serializers.Serializer):
    """Which events of a kind to be told of, in the portal and by mail."""

    event = serializers.ChoiceField(choices=list(EVENTS))
    portal = serializers.ChoiceField(choices=Audience.choices)
    mail = serializers.ChoiceField(choices=Audience.choices)


class WebhookSerializer(KnownFieldsOnly, serializers.ModelSerializer):
    """A webhook. Its secret appears only in the response that created it."""

    events = BoundedListField(
        child=serializers.ChoiceField(choices=WEBHOOK_EVENTS), allow_empty=False, max_length=20
    )
    created_by = serializers.CharField(source="created_by.username", allow_null=True, read_only=True)

    class Meta:
        model = Webhook
        fields = [
            "id", "name", "url", "events", "active", "failures", "stopped_because", "created_by",
            "created_at",
        ]  # fmt: skip
        read_only_fields = ["failures", "stopped_because"]

    def validate_url(self, value):
        try:
            targets.check(value)
        except targets.BadTarget as error:
            raise serializers.ValidationError(shown(error)) from error
        return value

    def validate_events(self, value):
        return list(dict.fromkeys(value))


class NewWebhookSerializer(WebhookSerializer):
    class Meta(WebhookSerializer.Meta):
        fields = ["name", "url", "events"]


class MadeWebhookSerializer(WebhookSerializer):
    """A webhook with its new secret, which no later response contains."""

    secret = serializers.CharField(read_only=True, source="shown_secret")

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class DeliverySerializer(serializers.ModelSerializer):
    again = serializers.SerializerMethodField(help_text="where to POST to send it once more")

    class Meta:
        model = Delivery
        fields = [
            "id", "event", "uuid", "body", "created_at", "state", "attempts", "next_at", "tried_at", "status",
            "milliseconds", "answer", "problem", "again",
        ]  # fmt: skip

    def get_again(self, row) -> str:
        return reverse("webhook-deliver-again", args=[row.webhook_id, row.pk])
