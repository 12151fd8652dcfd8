"""The site's own routes. Its back end publishes to sockets from here, by the channel layer."""

import json

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework_simplejwt.tokens import RefreshToken

from .models import ChatRoom, RoomChatParticipant, RoomMessage, User


@csrf_exempt
def sign_up(request):
    data = json.loads(request.body)
    user = User.objects.create_user(data["username"], password=data["password"], nickname=data["nickname"])
    if data.get("profile_image"):
        user.profile_image.name = data["profile_image"]
        user.save()
    refresh = RefreshToken.for_user(user)
    return JsonResponse({"id": user.id, "access": str(refresh.access_token), "refresh": str(refresh)})


@csrf_exempt
def create_room(request):
    room = ChatRoom.objects.create(name=json.loads(request.body)["name"])
    return JsonResponse({"id": room.id})


def messages(request, room_id):
    # Fault: everything, without pages.
    saved = RoomMessage.objects.filter(room_id=room_id).order_by("id")
    return JsonResponse({"messages": [{"author": each.author_id, "content": each.content} for each in saved]})


def participants(request, room_id):
    present = RoomChatParticipant.objects.filter(room_id=room_id).order_by("id")
    return JsonResponse({"participants": [each.user_id for each in present]})


@csrf_exempt
def notify(request, user_id):
    publish(f"alarm_{user_id}", json.loads(request.body))
    return JsonResponse({})


@csrf_exempt
def invite(request, room_id):
    user_id = json.loads(request.body)["user_id"]
    # Fault: a typo in the name of the group, so nobody hears it.
    publish(f"alram_{user_id}", {"notice": "invite", "room_id": room_id})
    return JsonResponse({})


def publish(group, notice):
    async_to_sync(get_channel_layer().group_send)(group, {"type": "alarm.notice", "notice": notice})
