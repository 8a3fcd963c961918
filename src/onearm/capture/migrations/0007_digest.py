"""Who asked for the e-mail digest of what there is to do."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("capture", "0006_accounts")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="wants_digest",
            field=models.BooleanField(default=False),
        ),
    ]
