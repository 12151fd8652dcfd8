"""HTTP and WebSocket on one port, routed by protocol."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# First of all: it loads the apps, whose models the rest imports.
http = get_asgi_application()

from chat.middleware import JwtAuthMiddleware  # noqa: E402
from chat.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": JwtAuthMiddleware(URLRouter(websocket_urlpatterns)),
    }
)
