"""A team's limits in the API."""

from django.core.exceptions import PermissionDenied
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from portal.core.api import ApiViewSet
from portal.teams import quota_usage, quotas
from portal.teams.forms import QuotaForm
from portal.teams.models import Quota, Role
from portal.teams.serializers import LimitsSerializer, NewQuotaSerializer
from workers.contract.messages import msg


class LimitsViewSet(ApiViewSet):
    """The team's limits for running and queued jobs and for storage."""

    serializer_class = LimitsSerializer
    write_role = Role.ADMIN
    filter_backends: tuple = ()
    pagination_class = None

    @extend_schema(responses=LimitsSerializer)
    def show(self, request):
        """The effective limits, the current usage, and who set what."""
        return Response(LimitsSerializer(self._facts(request.team)).data)

    @extend_schema(request=NewQuotaSerializer, responses=LimitsSerializer)
    def change(self, request):
        """Set one administrator's limits; an omitted field is no limit."""
        given = NewQuotaSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        by = given.validated_data["by"]
        if by == Quota.By.SERVER and not request.user.is_superuser:
            raise PermissionDenied(
                msg("Only an administrator of this server may set what the server allows.")
            )
        form = QuotaForm(request.team, by, given.validated_data)
        if not form.is_valid():
            raise ValidationError(dict(form.errors))
        quotas.set_quota(request.team, by, form.cleaned_data)
        return self.show(request)

    @staticmethod
    def _facts(team) -> dict:
        limits, counts = quotas.limits(team), quota_usage.jobs_of(team)
        stored = quota_usage.storage_of(team)
        rows = {row.by: row for row in Quota.objects.filter(team=team)}
        return {
            "running": limits.running,
            "queued": limits.queued,
            "storage": limits.storage,
            "running_now": {queue: counts.running.get(queue, 0) for queue in quotas.QUEUES},
            "queued_now": counts.queued,
            "storage_now": stored | {"total": sum(stored.values())},
            "ceiling": quotas.ceilings(),
            "server": rows.get(Quota.By.SERVER),
            "team": rows.get(Quota.By.TEAM),
        }


limits = LimitsViewSet.as_view({"get": "show", "put": "change"})
