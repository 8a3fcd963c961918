"""Addresses of accounts, access, the trail and the first steps."""

from __future__ import annotations

from django.urls import path

from onearm.capture.views import accounts, journal, redaction, review, start, trail

urlpatterns = [
    path("start", start.start, name="start"),
    path("next", start.next_steps, name="next_steps"),
    path("people", accounts.people, name="people"),
    path("people/new", accounts.new_person, name="person_new"),
    path("people/<int:pk>", accounts.person, name="person"),
    path("people/<int:pk>/<slug:what>", accounts.act, name="person_act"),
    path("access", accounts.authorised, name="authorised"),
    path("access/review", accounts.review, name="access_review"),
    path("me", accounts.my_account, name="my_account"),
    path("accept", accounts.accept, name="accept_signature"),
    path("trail", trail.search, name="trail"),
    path("trail.csv", trail.as_csv, name="trail_csv"),
    path("review", review.review, name="review"),
    path("review/<slug:name>.csv", review.review_file, name="review_file"),
    path("redactions", redaction.redactions, name="redactions"),
    path("redactions/ask/<int:pk>", redaction.ask, name="redaction_ask"),
    path("journal", journal.journal_page, name="journal"),
    path("journal.csv", journal.journal_file, name="journal_file"),
    path("sites", start.sites, name="sites"),
]
