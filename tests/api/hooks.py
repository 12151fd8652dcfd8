"""What schemathesis draws is given the ids of what is there, so that it comes further than "there is no such room"."""

import os
import zlib

import schemathesis

# Of so many drawn values one is kept. By the value, and not by chance, so that a seed draws the same again.
KEPT_ONE_IN = 4

GIVEN = {
    "room": os.environ["API_ROOM"],
    "user": os.environ["API_USER"],
    "id": "1",
    "seq": "1",
    "emoji": "%F0%9F%91%8D",
    "size": "small",
}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    for name, given in GIVEN.items():
        drawn = (path_parameters or {}).get(name)
        if drawn is not None and zlib.crc32(repr(drawn).encode()) % KEPT_ONE_IN:
            path_parameters[name] = given
    return path_parameters


@schemathesis.hook
def map_headers(context, headers):
    # With a token it is refused before anything else: services/gateway/tests call all routes with it and a key.
    for name in [name for name in headers or {} if name.lower() == "madang-user"]:
        del headers[name]
    return headers
