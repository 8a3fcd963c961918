import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("capture", "0002_history_stands"),
    ]

    operations = [
        migrations.CreateModel(
            name="Draft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("visit", models.CharField(max_length=16)),
                ("repeat", models.PositiveIntegerField(default=1)),
                ("form", models.CharField(max_length=12)),
                ("version", models.PositiveIntegerField(default=0)),
                ("fields", models.JSONField()),
                ("at", models.DateTimeField()),
                (
                    "subject",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drafts",
                        to="capture.subject",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drafts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("at", "id"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "subject", "visit", "repeat", "form"), name="one_draft_each"
                    )
                ],
            },
        ),
    ]
