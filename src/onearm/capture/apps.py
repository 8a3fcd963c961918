"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig


class CaptureConfig(AppConfig):
    """Tables are named ``capture_*``; keys are 64-bit."""

    name = "onearm.capture"
    label = "capture"
    verbose_name = "onearm"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the acts around accounts to the trail."""
        from onearm.capture import accounts  # noqa: F401 - its receivers connect on import
