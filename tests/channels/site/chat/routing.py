"""The paths of the sockets; the last slash is optional."""

from django.urls import re_path

from .consumers import AlarmConsumer, ChatConsumer, SimpleChatConsumer

websocket_urlpatterns = [
    re_path(r"^ws/chat/(?P<room_id>\d+)/?$", ChatConsumer.as_asgi()),
    re_path(r"^ws/chat/?$", SimpleChatConsumer.as_asgi()),
    re_path(r"^ws/alarm/?$", AlarmConsumer.as_asgi()),
]
