"""Addresses of enrolment, visits, cleaning, safety and dashboards."""

from __future__ import annotations

from django.urls import path

from onearm.capture.views import (
    cleaning,
    dashboards,
    enrol,
    queries,
    ranges,
    reconcile,
    safety,
    subject,
)

urlpatterns = [
    path("screening", enrol.screening_log, name="screening"),
    path("screening/add", enrol.add_subject, name="screen"),
    path("subjects/<str:code>/enrolment", enrol.enrolment_page, name="enrolment"),
    path("accrual", enrol.accrual, name="accrual"),
    path("accrual/cap", enrol.site_cap, name="site_cap"),
    path("subjects/<str:code>/visits", subject.add_visit, name="add_visit"),
    path("subjects/<str:code>/missed", subject.miss_visit, name="miss_visit"),
    path("subjects/<str:code>/ask", queries.ask_page, name="ask"),
    path("queries", queries.query_list, name="queries"),
    path("queries/<int:pk>", queries.query_page, name="query"),
    path("verification/plan", cleaning.plan_page, name="plan"),
    path("verification/<int:pk>", cleaning.verify_page, name="verify"),
    path("state/<str:target>/report", cleaning.lock_report, name="lock_report"),
    path("state/<str:target>", cleaning.state_page, name="state"),
    path("sign/<str:target>", cleaning.sign_page, name="sign"),
    path("serious", safety.serious_list, name="serious"),
    path("serious/contacts", safety.contacts, name="contacts"),
    path("serious/reconciled", reconcile.reconciliations, name="reconciliations"),
    path("serious/reconciled/<int:pk>", reconcile.reconciliation, name="reconciliation"),
    path("serious/reconciled/<int:pk>/file", reconcile.as_file, name="reconciliation_file"),
    path("serious/<int:pk>", safety.serious_event, name="serious_event"),
    path("deviations", safety.deviations, name="deviations"),
    path("ranges", ranges.ranges, name="ranges"),
    path("ranges/results", ranges.results, name="ranges_results"),
    path("ranges/template", ranges.template, name="ranges_template"),
    path("ranges/files", ranges.hand_in, name="ranges_hand_in"),
    path("ranges/files/<int:pk>", ranges.file_page, name="ranges_file"),
    path("ranges/<int:pk>/end", ranges.end, name="ranges_end"),
    path("dashboards", dashboards.dashboard, name="dashboards"),
    path("dashboards/<str:name>", dashboards.dashboard, name="dashboard"),
    path("dashboards/<str:name>/file", dashboards.download, name="dashboard_file"),
]
