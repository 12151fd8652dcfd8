"""The token of the query string, before any consumer runs."""

from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.middleware import BaseMiddleware
from django.contrib.auth.models import AnonymousUser
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from .models import User


@database_sync_to_async
def user_of(token):
    try:
        return User.objects.get(id=AccessToken(token)["user_id"])
    except (TokenError, User.DoesNotExist):
        return AnonymousUser()


class JwtAuthMiddleware(BaseMiddleware):
    async def __call__(self, scope, receive, send):
        query = parse_qs(scope["query_string"].decode())
        token = query.get("token", [None])[0]
        scope["user"] = await user_of(token) if token else AnonymousUser()
        return await super().__call__(scope, receive, send)
