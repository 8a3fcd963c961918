"""The application as servers want it."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from onearm.capture import orphans

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "onearm.capture.settings")
orphans.end_with_parent()
application = get_wsgi_application()
