"""Accounts, access reviews and redaction."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from onearm.capture.triggers import redaction_statements


def forwards(apps: object, schema: Any) -> None:
    for statement in redaction_statements(schema.connection.vendor):
        schema.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("capture", "0005_exchange"),
    ]

    operations = [
        migrations.CreateModel(
            name="Redaction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("row", models.PositiveIntegerField()),
                ("item", models.CharField(max_length=16)),
                ("reason", models.TextField()),
                ("requested_at", models.DateTimeField()),
                ("approved_at", models.DateTimeField(blank=True, null=True)),
                ("refused_at", models.DateTimeField(blank=True, null=True)),
                ("refused_because", models.TextField(blank=True, default="")),
                (
                    "approved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redactions_approved",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "instance",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redactions",
                        to="capture.forminstance",
                    ),
                ),
                (
                    "refused_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redactions_refused",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redactions_requested",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("requested_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="RedactedVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("delta", models.JSONField()),
                ("hash", models.CharField(max_length=64)),
                (
                    "form_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redacted",
                        to="capture.formversion",
                    ),
                ),
                (
                    "redaction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="capture.redaction",
                    ),
                ),
            ],
            options={
                "ordering": ("form_version", "id"),
            },
        ),
        migrations.RunPython(forwards, migrations.RunPython.noop),
    ]
