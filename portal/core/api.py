"""What the endpoints share."""

from rest_framework import viewsets


class TeamViewSet(viewsets.GenericViewSet):
    """Starts every query from the asker's team; another team's id is as unknown as any other."""

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset().none()
        return super().get_queryset().for_team(self.request.team)
