"""URLs of accounts, the team, its tokens and its audit."""

from django.urls import path

from portal.teams import (
    audit_views,
    company_views,
    quota_views,
    second_factor_views,
    service_views,
    team_views,
    token_views,
    views,
)

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/code/", second_factor_views.sign_in_code, name="sign-in-code"),
    path("sign-in/company/", company_views.company_sign_in, name="company-sign-in"),
    path("sign-in/company/return/", company_views.company_return, name="company-return"),
    path("sign-out/company/", company_views.company_sign_out, name="company-sign-out"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("account/", views.account, name="account"),
    path("account/second-factor/", second_factor_views.second_factor_page, name="second-factor"),
    path("password/", views.password_change, name="password-change"),
    path("password/forgotten/", views.password_forgotten, name="password-forgotten"),
    path("password/new/<uidb64>/<token>/", views.password_reset, name="password-reset"),
    path("sign-ins/", views.sign_in_list, name="sign-in-list"),
    path("sign-ins/<int:pk>/end/", views.sign_in_end, name="sign-in-end"),
    path("sign-ins/end-others/", views.sign_in_end_others, name="sign-in-end-others"),
    path("invitations/<str:secret>/", views.invitation, name="invitation"),
    path("team/", team_views.team_members, name="team-members"),
    path("team/members/<int:pk>/role/", team_views.member_role, name="team-member-role"),
    path("team/members/<int:pk>/remove/", team_views.member_remove, name="team-member-remove"),
    path("team/members/<int:pk>/reset-link/", team_views.member_reset_link, name="team-member-reset-link"),
    path(
        "team/members/<int:pk>/second-factor/",
        second_factor_views.member_factor_reset,
        name="team-member-factor-reset",
    ),
    path("team/invitations/new/", team_views.invitation_new, name="team-invitation-new"),
    path(
        "team/invitations/<int:pk>/withdraw/",
        team_views.invitation_withdraw,
        name="team-invitation-withdraw",
    ),
    path("team/settings/", team_views.team_settings, name="team-settings"),
    path("team/limits/", quota_views.team_limits, name="team-limits"),
    path("team/new/", team_views.team_new, name="team-new"),
    path("team/switch/", team_views.team_switch, name="team-switch"),
    path("team/tokens/", token_views.token_list, name="token-list"),
    path("team/tokens/<int:pk>/revoke/", token_views.token_revoke, name="token-revoke"),
    path("team/service-accounts/", service_views.service_list, name="service-account-list"),
    path("team/service-accounts/<int:pk>/", service_views.service_detail, name="service-account-detail"),
    path("team/service-accounts/<int:pk>/end/", service_views.service_end, name="service-account-end"),
    path("team/audit/", audit_views.audit_list, name="audit-list"),
    path("team/audit.csv", audit_views.audit_csv, name="audit-csv"),
]
