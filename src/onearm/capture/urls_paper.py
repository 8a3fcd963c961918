"""Addresses of documents on paper."""

from __future__ import annotations

from django.urls import path

from onearm.capture.views import paper

urlpatterns = [
    path("paper/crf", paper.blank, name="paper_crf"),
    path("paper/crf/<str:form_id>", paper.blank, name="paper_blank"),
    path("paper/forms/<int:pk>", paper.form, name="paper_form"),
    path("paper/subjects/<str:code>", paper.casebook, name="paper_casebook"),
    path("paper/serious/<int:pk>", paper.serious, name="paper_serious"),
]
