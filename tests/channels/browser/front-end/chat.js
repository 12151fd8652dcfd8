// The front end of a site with Django Channels: `?view=room&room=7`, `?view=simple` or `?view=alarm`.

const query = new URLSearchParams(location.search);
const view = query.get("view");
const roomId = query.get("room");
const paths = { room: `/chat/${roomId}/`, simple: "/chat/", alarm: "/alarm/" };
const token = localStorage.getItem("access_token");
const userId = localStorage.getItem("user_id");

const socket = new WebSocket(BASE_URL + paths[view] + (token ? "?token=" + token : ""));

function show(line) {
  const item = document.createElement("li");
  item.textContent = line;
  document.getElementById("lines").append(item);
}

function inRoom(frame) {
  switch (frame.response_type) {
    case "enter":
      return `${frame.sender_name}님이 들어왔습니다.`;
    case "out":
      return `${frame.sender_name}님이 나갔습니다.`;
    case "message":
      return `${frame.sender == userId ? "나" : frame.sender_name}: ${frame.message}`;
    case "alert":
      return `! ${frame.message}`;
  }
}

socket.onmessage = (event) => {
  const frame = JSON.parse(event.data);
  if (view === "room") show(inRoom(frame));
  if (view === "simple") show(`${frame.user}: ${frame.message}`);
  if (view === "alarm") show(JSON.stringify(frame));
};
socket.onclose = () => show("연결이 끊어졌습니다.");

document.getElementById("say").onsubmit = (event) => {
  event.preventDefault();
  const text = document.getElementById("text");
  const message = text.value;
  socket.send(
    JSON.stringify(view === "room" ? { room_id: roomId, user_id: userId, message } : { message }),
  );
  text.value = "";
};
document.getElementById("leave").onclick = () => socket.close();
