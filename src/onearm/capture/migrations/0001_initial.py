import django.contrib.auth.models
import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="Anchor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("chains", models.PositiveIntegerField()),
                ("hash", models.CharField(max_length=64)),
            ],
            options={
                "ordering": ("at", "id"),
            },
        ),
        migrations.CreateModel(
            name="EventInstance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("visit", models.CharField(max_length=16)),
                ("repeat", models.PositiveIntegerField(default=1)),
                ("date", models.DateField(blank=True, null=True)),
                ("missed_because", models.TextField(blank=True, default="")),
            ],
            options={
                "ordering": ("subject", "id"),
            },
        ),
        migrations.CreateModel(
            name="LabRange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("laboratory", models.CharField(max_length=80)),
                ("analyte", models.CharField(max_length=40)),
                ("unit", models.CharField(max_length=40)),
                ("sex", models.CharField(blank=True, default="", max_length=1)),
                ("age_from", models.PositiveIntegerField(default=0)),
                ("age_to", models.PositiveIntegerField(default=200)),
                ("low", models.CharField(blank=True, default="", max_length=30)),
                ("high", models.CharField(blank=True, default="", max_length=30)),
                ("begins", models.DateField()),
                ("ends", models.DateField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Site",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=20, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("zone", models.CharField(default="UTC", max_length=60)),
                ("cap", models.PositiveIntegerField(blank=True, null=True)),
            ],
            options={
                "ordering": ("code",),
            },
        ),
        migrations.CreateModel(
            name="TrailHead",
            fields=[
                ("stream", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField(default=0)),
                ("hash", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                (
                    "first_name",
                    models.CharField(blank=True, max_length=150, verbose_name="first name"),
                ),
                (
                    "last_name",
                    models.CharField(blank=True, max_length=150, verbose_name="last name"),
                ),
                (
                    "email",
                    models.EmailField(blank=True, max_length=254, verbose_name="email address"),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                (
                    "date_joined",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="date joined"
                    ),
                ),
                ("language", models.CharField(default="en", max_length=10)),
                ("must_change_password", models.BooleanField(default=True)),
                ("trained_on", models.DateField(blank=True, null=True)),
                ("equivalence_accepted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
                "abstract": False,
            },
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="FormInstance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("form", models.CharField(max_length=12)),
                ("version", models.PositiveIntegerField(default=0)),
                ("head", models.CharField(max_length=64)),
                ("data", models.JSONField()),
                ("is_complete", models.BooleanField(default=False)),
                ("saved_at", models.DateTimeField()),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="forms",
                        to="capture.eventinstance",
                    ),
                ),
            ],
            options={
                "ordering": ("event", "form"),
            },
        ),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("media_type", models.CharField(max_length=100)),
                ("size", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("stored_as", models.CharField(max_length=80, unique=True)),
                ("at", models.DateTimeField()),
                (
                    "superseded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="capture.attachment",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "instance",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="capture.forminstance",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("target", models.CharField(db_index=True, max_length=120)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("reviewed", "Reviewed"),
                            ("frozen", "Frozen"),
                            ("locked", "Locked"),
                        ],
                        max_length=10,
                    ),
                ),
                ("set_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.TextField(blank=True, default="")),
                (
                    "lifted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds_lifted",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "set_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="holds_set",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Query",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("visit", models.CharField(blank=True, default="", max_length=16)),
                ("repeat", models.PositiveIntegerField(default=1)),
                ("form", models.CharField(blank=True, default="", max_length=12)),
                ("row", models.PositiveIntegerField(default=0)),
                ("item", models.CharField(blank=True, default="", max_length=16)),
                ("check_id", models.CharField(blank=True, default="", max_length=80)),
                ("text", models.TextField()),
                ("text_zh", models.TextField(blank=True, default="")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("answered", "Answered"),
                            ("closed", "Closed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "opened_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("subject", "opened_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="QueryEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("answered", "Answered"),
                            ("closed", "Closed"),
                            ("cancelled", "Cancelled"),
                        ],
                        max_length=10,
                    ),
                ),
                ("text", models.TextField(blank=True, default="")),
                ("at", models.DateTimeField()),
                (
                    "query",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="capture.query",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("query", "id"),
            },
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("role", models.CharField(max_length=30)),
                ("begins", models.DateField()),
                ("ends", models.DateField(blank=True, null=True)),
                (
                    "given_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants_given",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="capture.site",
                    ),
                ),
            ],
            options={
                "ordering": ("user", "begins", "id"),
            },
        ),
        migrations.CreateModel(
            name="StudyVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(unique=True)),
                ("hash", models.CharField(max_length=64, unique=True)),
                ("files", models.JSONField()),
                ("loaded_at", models.DateTimeField()),
                (
                    "loaded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("number",),
            },
        ),
        migrations.CreateModel(
            name="Snapshot",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True)),
                ("as_of", models.DateTimeField()),
                ("made_at", models.DateTimeField()),
                ("rows", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "study_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="capture.studyversion"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SiteVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("begins", models.DateField()),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="capture.site",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="capture.studyversion"
                    ),
                ),
            ],
            options={
                "ordering": ("site", "begins", "id"),
            },
        ),
        migrations.AddField(
            model_name="forminstance",
            name="study_version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="capture.studyversion"
            ),
        ),
        migrations.CreateModel(
            name="Subject",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=40, unique=True)),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("screening", "Screening"),
                            ("failed", "Failed"),
                            ("enrolled", "Enrolled"),
                            ("off_treatment", "Off Treatment"),
                            ("off_study", "Off Study"),
                        ],
                        default="screening",
                        max_length=20,
                    ),
                ),
                ("enrolled_on", models.DateField(blank=True, null=True)),
                ("slot", models.PositiveIntegerField(blank=True, null=True, unique=True)),
                ("failed_because", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField()),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subjects",
                        to="capture.site",
                    ),
                ),
            ],
            options={
                "ordering": ("site", "code"),
            },
        ),
        migrations.CreateModel(
            name="Signature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("target", models.CharField(db_index=True, max_length=120)),
                ("printed_name", models.CharField(max_length=200)),
                ("meaning", models.TextField()),
                ("at", models.DateTimeField()),
                ("content", models.JSONField()),
                ("hash", models.CharField(max_length=64)),
                ("broken_at", models.DateTimeField(blank=True, null=True)),
                ("broken_by", models.CharField(blank=True, default="", max_length=200)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signatures",
                        to="capture.subject",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="query",
            name="subject",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="queries",
                to="capture.subject",
            ),
        ),
        migrations.AddField(
            model_name="eventinstance",
            name="subject",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="capture.subject",
            ),
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("row", models.PositiveIntegerField(default=0)),
                ("item", models.CharField(blank=True, default="", max_length=16)),
                ("version", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "instance",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="verified",
                        to="capture.forminstance",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stream", models.CharField(max_length=80)),
                ("number", models.PositiveIntegerField()),
                ("action", models.CharField(max_length=60)),
                ("target", models.CharField(blank=True, default="", max_length=200)),
                ("details", models.JSONField(default=dict)),
                ("role", models.CharField(blank=True, default="", max_length=30)),
                ("at", models.DateTimeField()),
                ("reason", models.TextField(blank=True, default="")),
                ("previous", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, to="capture.site"
                    ),
                ),
            ],
            options={
                "ordering": ("stream", "number"),
                "indexes": [models.Index(fields=["at"], name="capture_aud_at_2f221c_idx")],
                "constraints": [
                    models.UniqueConstraint(fields=("stream", "number"), name="one_number_each")
                ],
            },
        ),
        migrations.CreateModel(
            name="FormVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("delta", models.JSONField()),
                ("role", models.CharField(max_length=30)),
                ("at", models.DateTimeField()),
                ("reason", models.TextField(blank=True, default="")),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("screen", "Screen"),
                            ("import", "Import"),
                            ("api", "Api"),
                            ("calculation", "Calculation"),
                            ("migration", "Migration"),
                            ("redaction", "Redaction"),
                        ],
                        default="screen",
                        max_length=20,
                    ),
                ),
                ("previous", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                (
                    "instance",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="capture.forminstance",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "study_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="capture.studyversion"
                    ),
                ),
            ],
            options={
                "ordering": ("instance", "version"),
                "indexes": [models.Index(fields=["at"], name="capture_for_at_b19b1a_idx")],
                "constraints": [
                    models.UniqueConstraint(fields=("instance", "version"), name="one_version_each")
                ],
            },
        ),
        migrations.AddIndex(
            model_name="forminstance",
            index=models.Index(fields=["form", "event"], name="capture_for_form_62f0ae_idx"),
        ),
        migrations.AddConstraint(
            model_name="forminstance",
            constraint=models.UniqueConstraint(fields=("event", "form"), name="one_form_each"),
        ),
        migrations.AddIndex(
            model_name="query",
            index=models.Index(fields=["state", "subject"], name="capture_que_state_8b573b_idx"),
        ),
        migrations.AddConstraint(
            model_name="eventinstance",
            constraint=models.UniqueConstraint(
                fields=("subject", "visit", "repeat"), name="one_event_each"
            ),
        ),
    ]
