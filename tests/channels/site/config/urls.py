"""The site's HTTP routes: what its pages and its own back end call."""

from django.urls import path
from rest_framework_simplejwt.views import TokenObtainPairView

from chat import views

urlpatterns = [
    path("api/users/", views.sign_up),
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/rooms/", views.create_room),
    path("api/rooms/<int:room_id>/messages/", views.messages),
    path("api/rooms/<int:room_id>/participants/", views.participants),
    path("api/rooms/<int:room_id>/invite/", views.invite),
    path("api/users/<int:user_id>/notify/", views.notify),
]
