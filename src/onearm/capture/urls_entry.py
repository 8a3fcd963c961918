"""Addresses of the form pages: entry, live answers, drafts, files, history."""

from __future__ import annotations

from django.urls import path

from onearm.capture.views import entry_history, entry_live, entry_talk, files, forms

FORM = "subjects/<str:code>/<str:visit>/<int:repeat>/<str:form_id>"

urlpatterns = [
    path(FORM, forms.form_page, name="form"),
    path(f"{FORM}/live", entry_live.live, name="form_live"),
    path(f"{FORM}/draft", entry_live.draft, name="form_draft"),
    path(f"{FORM}/queries", entry_talk.form_queries, name="form_queries"),
    path(f"{FORM}/files", files.attach, name="form_attach"),
    path("files/<int:pk>", files.download, name="file"),
    path("history/<int:pk>", entry_history.history, name="history"),
    path("history/<int:pk>/<int:row>/<str:item>", entry_history.cell_history, name="cell_history"),
]
