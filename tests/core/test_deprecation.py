"""What will go says so in its headers and in the schema, for as long as it stays."""

import datetime

import pytest
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from rest_framework import mixins, serializers
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.test import APIClient

from portal.core.api import TeamViewSet
from portal.core.deprecation import Deprecation, deprecated, deprecated_fields
from portal.datasets.models import Dataset

SINCE, SUNSET = datetime.date(2026, 11, 1), datetime.date(2027, 5, 1)


@deprecated_fields("title", since=SINCE, instead="/api/v1/docs/")
class OldSerializer(serializers.ModelSerializer):
    title = serializers.CharField(source="name")

    class Meta:
        model = Dataset
        fields = ["id", "name", "title"]


class OldViewSet(mixins.ListModelMixin, TeamViewSet):
    queryset = Dataset.objects.all()
    serializer_class = OldSerializer

    @deprecated(SINCE, SUNSET, instead="/api/v1/datasets/")
    def create(self, request):
        """Made here before."""
        return Response(status=204)


router = DefaultRouter()
router.include_root_view = False
router.register("old", OldViewSet)
urlpatterns = [path("api/v1/", include(router.urls))]


@pytest.fixture
def client(alice, settings):
    settings.ROOT_URLCONF = __name__
    client = APIClient()
    client.force_authenticate(alice)
    return client


def test_an_endpoint_that_will_go_says_since_when_until_when_and_what_instead(client):
    answer = client.post("/api/v1/old/")
    assert answer["Deprecation"] == "@1793491200"
    assert answer["Sunset"] == "Sat, 01 May 2027 00:00:00 GMT"
    assert answer["Link"] == '</api/v1/datasets/>; rel="successor-version"'


def test_a_refusal_of_it_says_so_as_well(bob, client):
    client.force_authenticate(bob)
    answer = client.post("/api/v1/old/")
    assert answer.status_code == 403
    assert answer["Deprecation"] == "@1793491200"


def test_answers_with_a_field_that_will_go_say_so(client):
    answer = client.get("/api/v1/old/")
    assert answer["Deprecation"] == "@1793491200"
    assert "Sunset" not in answer


def test_the_schema_marks_the_endpoint_and_the_field():
    schema = SchemaGenerator(patterns=urlpatterns).get_schema(public=True)
    assert schema["paths"]["/api/v1/old/"]["post"]["deprecated"] is True
    assert "deprecated" not in schema["paths"]["/api/v1/old/"]["get"]
    fields = schema["components"]["schemas"]["Old"]["properties"]
    assert fields["title"]["deprecated"] is True
    assert "deprecated" not in fields["name"]


def test_what_stays_says_nothing(alice):
    client = APIClient()
    client.force_authenticate(alice)
    assert "Deprecation" not in client.get("/api/v1/datasets/")


def test_nothing_may_be_gone_before_it_was_deprecated():
    with pytest.raises(ValueError, match="only be gone after"):
        Deprecation(SUNSET, SINCE)
