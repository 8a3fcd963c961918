"""Addresses of the programming interface, below ``api/``."""

from __future__ import annotations

from onearm.capture.api import api

urlpatterns, app_name, _ = api.urls
