"""Settings of the web application, from the environment; ``onearm serve`` sets what is not set.

ONEARM_DATA         folder of the database, uploads and keys (needed)
ONEARM_SECRET_KEY   signs sessions; made and kept in ONEARM_DATA by ``onearm serve``
ONEARM_ENVIRONMENT  live, test or demo: shown by colour on every page (test)
ONEARM_HOSTS        names under which the pages are reached, with commas (localhost)
ONEARM_HTTPS        1 where a proxy ends TLS in front of the server
DATABASE_URL        postgres://user:password@host:port/name; SQLite in ONEARM_DATA where not set
ONEARM_MAIL_URL     smtp://user:password@host:port; mail is printed where not set
ONEARM_MAIL_FROM    the sender of mail
ONEARM_IDLE         minutes until an idle session ends (15, at most 30)
ONEARM_MFA          all: everybody needs a second factor (pages reached from outside the hospital);
                    0 where administrators and data managers need none, only in test and demo,
                    where 0 is what stands when nothing is set
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured


def _database(url: str, data: Path) -> dict[str, object]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": data / "onearm.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            "DATABASE_URL must begin with postgres://; leave it out to use SQLite"
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _mail(url: str) -> dict[str, object]:
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured("ONEARM_MAIL_URL must begin with smtp:// or smtps:// and a host")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        # A password is never sent in the clear; a relay without one may be the machine itself.
        "EMAIL_USE_TLS": parts.scheme == "smtp" and bool(parts.username),
        "EMAIL_TIMEOUT": 10,
    }


def _secret(data: Path) -> str:
    given = os.environ.get("ONEARM_SECRET_KEY", "")
    kept = data / "secret.key"
    if not given and kept.is_file():
        given = kept.read_text(encoding="utf-8").strip()
    if not given:
        raise ImproperlyConfigured("set ONEARM_SECRET_KEY, or start with `onearm serve`")
    return given


DATA = Path(os.environ.get("ONEARM_DATA", "onearm-data")).resolve()
ENVIRONMENT = os.environ.get("ONEARM_ENVIRONMENT", "test")
HTTPS = os.environ.get("ONEARM_HTTPS", "") == "1"
if ENVIRONMENT not in {"live", "test", "demo"}:
    raise ImproperlyConfigured(f"ONEARM_ENVIRONMENT is {ENVIRONMENT!r}; live, test or demo")
# In the live environment no setting takes the second factor away.
SECOND_FACTOR = ENVIRONMENT == "live" or os.environ.get("ONEARM_MFA", "0") in {"1", "all"}
SECOND_FACTOR_FOR_ALL = os.environ.get("ONEARM_MFA", "0") == "all"

SECRET_KEY = _secret(DATA)
DEBUG = False
ALLOWED_HOSTS = os.environ.get("ONEARM_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
DATABASES = {"default": _database(os.environ.get("DATABASE_URL", ""), DATA)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "django_htmx",
    "onearm.capture",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "onearm.capture.middleware.programs",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "onearm.capture.middleware.Guard",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "onearm.capture.context.page",
            ]
        },
    }
]
ROOT_URLCONF = "onearm.capture.urls"
WSGI_APPLICATION = "onearm.capture.wsgi.application"
AUTH_USER_MODEL = "capture.User"

# People: personal accounts with long passwords, locked after five failures by name (edc.md, 4).
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "onearm.capture.accounts.Adapter"
ACCOUNT_RATE_LIMITS = {"login_failed": None}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
MFA_FORMS = {
    "authenticate": "onearm.capture.accounts.CodeForm",
    "reauthenticate": "onearm.capture.accounts.CodeAgainForm",
}
MFA_TOTP_ISSUER = "onearm"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# Log-in does not tell "Anna" from "anna", so neither does the lock: no second set of guesses.
AXES_USERNAME_CALLABLE = "onearm.capture.accounts.name_tried"
AXES_LOCKOUT_TEMPLATE = "capture/locked.html"
# W006 asks for locking by address as well: a name is locked wherever the guesses come from.
SILENCED_SYSTEM_CHECKS = ["axes.W006"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "onearm.capture.accounts.LongEnough",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Sessions end when idle (middleware.Guard says that somebody is there); cookies are for this site.
IDLE_MINUTES = max(1, min(int(os.environ.get("ONEARM_IDLE", "15")), 30))
SESSION_COOKIE_AGE = 60 * IDLE_MINUTES
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# Two languages; times are kept in UTC and shown in the zone of the site.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [Path(__file__).parent / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

vars().update(_mail(os.environ.get("ONEARM_MAIL_URL", "")))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = os.environ.get("ONEARM_MAIL_FROM", "onearm@localhost")
EMAIL_SUBJECT_PREFIX = ACCOUNT_EMAIL_SUBJECT_PREFIX = "[onearm] "

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # straight from the package: nothing to collect first

DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024  # attached files never lie unencrypted on disk
LOGGING = {
    # No patient data in logs: paths and statuses come from the server, errors without locals.
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
