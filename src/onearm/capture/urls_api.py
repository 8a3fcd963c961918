"""Every address with those of the programming interface, which are read with its first request."""

from __future__ import annotations

from django.urls import include, path

from onearm.capture.api import api

urlpatterns = [path("api/", api.urls), path("", include("onearm.capture.urls"))]
