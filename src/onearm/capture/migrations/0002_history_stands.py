"""The triggers that keep history as it is; they are part of the schema, not a setting."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from onearm.capture.triggers import statements


def forwards(apps: object, schema: Any) -> None:
    for statement in statements(schema.connection.vendor):
        schema.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("capture", "0001_initial")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
