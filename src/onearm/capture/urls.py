"""Every address of the application."""

from __future__ import annotations

from django.urls import include, path

from onearm.capture.views import health

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("health", health.health, name="health"),
]
