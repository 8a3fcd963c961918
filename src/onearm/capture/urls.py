"""Every address of the pages; those of the programming interface are in ``urls_api``."""

from __future__ import annotations

from django.urls import include, path

from onearm.capture.views import health, month, subject

urlpatterns = [
    path("", month.month, name="month"),
    path("subjects", month.subjects, name="subjects"),
    path("subjects/<str:code>", subject.subject_page, name="subject"),
    path("", include("onearm.capture.urls_entry")),
    path("", include("onearm.capture.urls_accounts")),
    path("", include("onearm.capture.urls_conduct")),
    path("", include("onearm.capture.urls_exchange")),
    path("", include("onearm.capture.urls_paper")),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("health", health.health, name="health"),
]
