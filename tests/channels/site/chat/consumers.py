"""The sockets, written as teams write them, with the faults that they have.

A comment "Fault:" marks each, in the words of the table in ../../README.md. They are here to be seen by tests: do not
repair them.
"""

import json

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone

from .models import ChatRoom, RoomChatParticipant, RoomMessage, User

WRONG_ACCESS = "올바르지 않은 접근"
DEFAULT_ROOM = "lobby"


def clock(timestamp):
    """오전 09:05, 오후 11:40."""
    local = timezone.localtime(timestamp)
    half_day = "오전" if local.hour < 12 else "오후"
    return f"{half_day} {local:%I:%M}"


class ChatConsumer(AsyncWebsocketConsumer):
    """A room's socket."""

    async def connect(self):
        self.user = self.scope["user"]
        self.room_id = self.scope["url_route"]["kwargs"]["room_id"]
        self.group = f"chat_{self.room_id}"
        if self.user.is_anonymous:
            # Fault: close() without return. What follows still runs.
            await self.close()
        # Fault: the group is joined before accept().
        await self.channel_layer.group_add(self.group, self.channel_name)
        if await self.find_room() is None:
            await self.close()
            return
        first = await self.add_participant()
        await self.accept()
        if first:
            await self.announce("enter")

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)
        # Fault: the user may have another tab open. And no crash ever comes by here.
        await self.remove_participant()
        await self.announce("out")

    async def receive(self, text_data=None, bytes_data=None):
        # Fault: what is no JSON, or has no message, raises here and kills the socket.
        data = json.loads(text_data)
        text = data["message"]
        if not data.get("room_id") or not data.get("user_id"):
            await self.send(json.dumps({"response_type": "alert", "message": WRONG_ACCESS}))
            return
        # Fault: the client says who it is. Fault: nothing tells a repetition from a new message.
        message = await self.save_message(data["user_id"], text)
        # Fault: a crash, or a Redis that is away, between the two loses the message for those who listen.
        await self.channel_layer.group_send(
            self.group,
            {
                "type": "chat.frame",
                "frame": {
                    "response_type": "message",
                    "message": message.content,
                    "sender": message.author.id,
                    "sender_name": message.author.nickname,
                    "room_id": message.room_id,
                    # Fault: raises for a user who has no image.
                    "profile": message.author.profile_image.url,
                    "time": clock(message.timestamp),
                },
            },
        )

    async def announce(self, response_type):
        frame = {"response_type": response_type, "sender_name": self.user.nickname, "user_id": self.user.id}
        await self.channel_layer.group_send(self.group, {"type": "chat.frame", "frame": frame})

    async def chat_frame(self, event):
        await self.send(json.dumps(event["frame"]))

    @database_sync_to_async
    def find_room(self):
        return ChatRoom.objects.filter(id=self.room_id).first()

    @database_sync_to_async
    def add_participant(self):
        _, created = RoomChatParticipant.objects.get_or_create(room_id=self.room_id, user=self.user)
        return created

    @database_sync_to_async
    def remove_participant(self):
        RoomChatParticipant.objects.filter(room_id=self.room_id, user=self.user).delete()

    @database_sync_to_async
    def save_message(self, user_id, text):
        author = User.objects.get(id=user_id)
        return RoomMessage.objects.create(author=author, content=text, room_id=int(self.room_id))


class SimpleChatConsumer(AsyncWebsocketConsumer):
    """The simple variant: one room, and whoever has a token speaks in it."""

    async def connect(self):
        self.user = self.scope["user"]
        if self.user.is_anonymous:
            await self.close()
            return
        await self.channel_layer.group_add(DEFAULT_ROOM, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(DEFAULT_ROOM, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        message = await self.save_message(json.loads(text_data)["message"])
        frame = {
            "user": self.user.username,
            "message": message.content,
            "timestamp": message.timestamp.isoformat(),
        }
        await self.channel_layer.group_send(DEFAULT_ROOM, {"type": "chat.frame", "frame": frame})

    async def chat_frame(self, event):
        await self.send(json.dumps(event["frame"]))

    @database_sync_to_async
    def save_message(self, text):
        room, _ = ChatRoom.objects.get_or_create(name=DEFAULT_ROOM)
        return RoomMessage.objects.create(author=self.user, content=text, room=room)


class AlarmConsumer(AsyncWebsocketConsumer):
    """What the site has to say to one user."""

    async def connect(self):
        self.user = self.scope["user"]
        if self.user.is_anonymous:
            await self.close()
            return
        self.group = f"alarm_{self.user.id}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        if not self.user.is_anonymous:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def alarm_notice(self, event):
        await self.send(json.dumps(event["notice"]))
