// Where the sockets are. Of the whole front end, this line alone changes when it moves to another server.
const BASE_URL = "ws://127.0.0.1:8000/ws";
