"""The routes of the REST API, version 1."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from portal.application.api import ApplicationViewSet
from portal.camera.api import CaptureDraftViewSet, CaptureViewSet
from portal.compilation.api import CompiledModelViewSet, LayerErrorsViewSet, SearchViewSet
from portal.core.api import BoardProfileViewSet, ChipViewSet, IndexViewSet, RecipeViewSet, SchemaView
from portal.datasets.api import DatasetVersionViewSet, DatasetViewSet
from portal.datasets.draft_api import DraftViewSet
from portal.datasets.upload_api import upload_detail, upload_list
from portal.deployment.policy_api import PolicyViewSet
from portal.deployment.profile_api import ProfileViewSet
from portal.devices.api import DeviceViewSet, InferenceViewSet
from portal.devices.jump_api import JumpHostViewSet
from portal.fitting.api import FitSearchViewSet
from portal.history.api import HistoryViewSet, ProvenanceViewSet
from portal.home.views import api_docs
from portal.jobs.api import HostViewSet, JobViewSet, QueueViewSet
from portal.models.api import EvaluationViewSet, ModelViewSet
from portal.notify.api import NoticeChoiceViewSet, NotificationViewSet, WebhookViewSet
from portal.prelabelling.api import PrelabellingViewSet
from portal.review.api import ItemViewSet, RuleViewSet
from portal.rollouts.api import GroupViewSet, RolloutViewSet
from portal.runs.api import RunViewSet
from portal.runs.deployment_api import DeploymentViewSet
from portal.runs.import_api import ModelFileViewSet
from portal.teams.account_api import MeViewSet, SignInViewSet
from portal.teams.api import AuditViewSet, InvitationViewSet, MemberViewSet, TeamsViewSet, TokenViewSet
from portal.teams.quota_api import limits
from portal.teams.service_api import ServiceAccountViewSet
from portal.teams.signed_out_api import SignedOutViewSet

router = SimpleRouter()
router.register("datasets", DatasetViewSet)
router.register("dataset-versions", DatasetVersionViewSet)
router.register("drafts", DraftViewSet)
router.register("prelabellings", PrelabellingViewSet)
router.register("capture-drafts", CaptureDraftViewSet)
router.register("captures", CaptureViewSet)
router.register("runs", RunViewSet)
router.register("fit-searches", FitSearchViewSet)
router.register("jobs", JobViewSet)
router.register("history", HistoryViewSet, basename="history")
router.register("provenance", ProvenanceViewSet, basename="provenance")
router.register("queue", QueueViewSet, basename="queue")
router.register("hosts", HostViewSet, basename="host")
router.register("models", ModelViewSet)
router.register("model-files", ModelFileViewSet)
router.register("compiled-models", CompiledModelViewSet)
router.register("layer-errors", LayerErrorsViewSet)
router.register("quantization-searches", SearchViewSet)
router.register("evaluations", EvaluationViewSet)
router.register("devices", DeviceViewSet)
router.register("inferences", InferenceViewSet)
router.register("deployments", DeploymentViewSet)
router.register("profiles", ProfileViewSet)
router.register("policies", PolicyViewSet)
router.register("rollouts", RolloutViewSet)
router.register("device-groups", GroupViewSet)
router.register("device-apps", ApplicationViewSet)
router.register("review-items", ItemViewSet)
router.register("review-rules", RuleViewSet)
router.register("jump-hosts", JumpHostViewSet)
router.register("notifications", NotificationViewSet)
router.register("webhooks", WebhookViewSet)
router.register("teams", TeamsViewSet, basename="team")
router.register("members", MemberViewSet, basename="member")
router.register("invitations", InvitationViewSet)
router.register("sign-ins", SignInViewSet)
router.register("tokens", TokenViewSet)
router.register("service-accounts", ServiceAccountViewSet, basename="service-account")
router.register("audit", AuditViewSet, basename="audit")

NAMES = (
    *(prefix for prefix, _viewset, _name in router.registry),
    *("uploads", "limits", "me", "notification-choices", "recipes", "chips", "board-profiles"),
    *("schema", "docs"),
)

urlpatterns = [
    path("", IndexViewSet.as_view({"get": "show"}, names=NAMES)),
    # URLs of files end like the file's name.
    re_path(r"^jobs/(?P<pk>\d{1,18})/files/(?P<name>.+)$", JobViewSet.as_view({"get": "file"})),
    path("uploads/", upload_list, name="api-uploads"),
    path("uploads/<uuid:pk>/", upload_detail, name="api-upload"),
    path("", include(router.urls)),
    path("limits/", limits),
    path("me/", MeViewSet.as_view({"get": "show", "patch": "partial_update"})),
    path("me/language/", MeViewSet.as_view({"put": "language"})),
    path("me/password/forgotten/", SignedOutViewSet.as_view({"post": "forgot_password"})),
    path("me/password/reset/", SignedOutViewSet.as_view({"post": "reset"})),
    path("invitations/accept/", SignedOutViewSet.as_view({"post": "accept"})),
    path("me/password/", MeViewSet.as_view({"post": "password"})),
    path("notification-choices/", NoticeChoiceViewSet.as_view({"get": "show", "put": "change"})),
    re_path(
        r"^webhooks/(?P<pk>\d{1,18})/deliveries/(?P<number>\d{1,18})/again/$",
        WebhookViewSet.as_view({"post": "again"}),
        name="webhook-deliver-again",
    ),
    path("recipes/", RecipeViewSet.as_view({"get": "show"})),
    path("chips/", ChipViewSet.as_view({"get": "show"})),
    path("board-profiles/", BoardProfileViewSet.as_view({"get": "show"})),
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", api_docs, name="api-docs"),
]
