"""Every address of the application."""

from __future__ import annotations

from django.urls import include, path

from onearm.capture.views import forms, health, month, start, subject

urlpatterns = [
    path("", month.month, name="month"),
    path("start", start.start, name="start"),
    path("subjects", month.subjects, name="subjects"),
    path("subjects/<str:code>", subject.subject_page, name="subject"),
    path(
        "subjects/<str:code>/<str:visit>/<int:repeat>/<str:form_id>", forms.form_page, name="form"
    ),
    path("history/<int:pk>", forms.history, name="history"),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("health", health.health, name="health"),
]
