"""Addresses of exports, snapshots, files to load and amendments."""

from __future__ import annotations

from django.urls import path

from onearm.capture.views import amend, api_keys, exchange, preview

urlpatterns = [
    path("exchange", exchange.exchange, name="exchange"),
    path("exchange/export", exchange.take_out, name="take_out"),
    path("exchange/archive", exchange.take_archive, name="take_archive"),
    path("exchange/snapshots", exchange.name_snapshot, name="name_snapshot"),
    path("exchange/snapshots/<int:pk>", exchange.take_snapshot, name="take_snapshot"),
    path("imports", exchange.imports, name="imports"),
    path("imports/<int:pk>", exchange.taken_file, name="taken_file"),
    path("imports/<int:pk>/file", exchange.original, name="taken_original"),
    path("my/keys", api_keys.keys, name="api_keys"),
    path("amendments", amend.amendments, name="amendments"),
    path("amendments/<int:number>", amend.amendment, name="amendment"),
    path("study", preview.study_now, name="study"),
    path("amendments/<int:number>/forms", preview.study_preview, name="study_preview"),
    path("amendments/<int:number>/forms/<str:form_id>", preview.form_preview, name="form_preview"),
    path(
        "amendments/<int:number>/forms/<str:form_id>/live",
        preview.preview_live,
        name="preview_live",
    ),
    path("amendments/<int:number>/checks", preview.check_spec, name="check_spec"),
    path("amendments/<int:number>/<slug:what>.csv", preview.check_file, name="check_file"),
]
