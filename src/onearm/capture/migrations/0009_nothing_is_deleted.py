"""When a person's identity was checked; and rows of records that the database does not delete."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

from onearm.capture.triggers import keeping_statements


def forwards(apps: object, schema: Any) -> None:
    for statement in keeping_statements(schema.connection.vendor):
        schema.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("capture", "0008_reconciliation")]
    operations = [
        migrations.AddField(
            model_name="user",
            name="identity_checked_on",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.RunPython(forwards, migrations.RunPython.noop),
    ]
