//! The AsyncAPI document, from the two enums of frames.

use madang_domain::Code;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::{
    definitions::{Definitions, Dialect, keep_used, merge},
    meaning, samples,
};
use crate::{
    ClientFrame, Event, HistoryPage, PresenceAnswer, ReadAnswer, Renewed, RequestId, ServerFrame,
    close::CLOSE_CODES,
};

const DESCRIPTION: &str = "The WebSocket of Madang. Each text frame is one JSON object with a `type`. A request may have an \
`id`, which its answer repeats as `re`. The server refuses unknown types, unknown fields and values out of bounds with \
`invalid_argument`, and the socket stays open. A client ignores frames, fields and kinds that it does not know. With an \
invalid credential, the handshake completes and the socket closes with 4401.";

const SUBPROTOCOL: &str = "madang.v1.json";

/// The name of the message `error` in the document.
const ERROR: &str = "server-error";

/// Generates the AsyncAPI 3.0 document of a server with a base path, such as `/chat`; an empty text means none.
#[must_use]
pub fn asyncapi(base_path: &str) -> Value {
    let mut requests = Definitions::of_requests(Dialect::Draft07);
    let mut answers = Definitions::of_answers(Dialect::Draft07);
    let mut messages = client_messages(&mut requests);
    let operations = operations(&messages);
    messages.extend(server_messages(&mut answers));
    let in_channel: Map<String, Value> =
        messages.keys().map(|name| (name.clone(), reference("components/messages", name))).collect();
    let pathname = if base_path.is_empty() { "/" } else { base_path };
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Madang",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "gateway": {
                "host": "{host}",
                "pathname": pathname,
                "protocol": "ws",
                "description": "A gateway, or a proxy in front of gateways, where the protocol is usually `wss`.",
                "variables": {
                    "host": {"default": "localhost:8080", "description": "The host and port of the server."},
                },
                "security": security_schemes().keys()
                    .map(|name| reference("components/securitySchemes", name))
                    .collect::<Vec<_>>(),
            },
        },
        "channels": {
            "socket": {
                "address": "/v1/ws",
                "title": "The WebSocket",
                "description": format!("The subprotocol is `{SUBPROTOCOL}`. A client may omit it."),
                "servers": [reference("servers", "gateway")],
                "messages": in_channel,
                "bindings": {
                    "ws": {
                        "method": "GET",
                        "query": {
                            "type": "object",
                            "properties": {
                                "ticket": {"type": "string", "description": "A ticket from `POST /v1/auth/ws-ticket`."},
                                "token": {
                                    "type": "string",
                                    "description": "An access token. The server accepts it here only if the operator allows it.",
                                },
                            },
                        },
                        "bindingVersion": "0.1.0",
                    },
                },
                "x-close-codes": close_codes(),
                "x-error-codes": error_codes(),
            },
        },
        "operations": operations,
        "components": {"messages": messages, "securitySchemes": security_schemes()},
    });
    let mut schemas = merge(requests, answers);
    keep_used(&mut schemas, &document);
    document["components"]["schemas"] = Value::Object(schemas);
    document
}

fn security_schemes() -> Map<String, Value> {
    let schemes = json!({
        "accessToken": {"type": "http", "scheme": "bearer", "description": "The header `Authorization: Bearer <access token>`."},
        "subprotocol": {
            "type": "httpApiKey", "in": "header", "name": "Sec-WebSocket-Protocol",
            "description": format!("A subprotocol entry `bearer.<access token>` beside `{SUBPROTOCOL}`."),
        },
        "ticket": {"type": "httpApiKey", "in": "query", "name": "ticket", "description": "A ticket from `POST /v1/auth/ws-ticket`, valid for one WebSocket."},
        "queryToken": {
            "type": "httpApiKey", "in": "query", "name": "token",
            "description": "An access token. The server accepts it here only if the operator allows it.",
        },
        "firstFrame": {
            "type": "userPassword",
            "description": "Without any other credential, the client sends the frame `auth` within 5 s of the handshake.",
        },
    });
    object(schemes)
}

/// The messages that can answer each request.
fn reply_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "auth" => &["server-hello", "server-ok-renewed", ERROR],
        "subscribe" => &["server-subscribed", ERROR],
        "send" => &["server-ack", ERROR],
        "read" => &["server-ok-read", ERROR],
        "history" => &["server-ok-history", ERROR],
        "presence" => &["server-ok-presence", ERROR],
        "ping" => &["server-pong"],
        // A request without a result.
        _ => &["server-ok", ERROR],
    }
}

/// The messages that the server sends by itself.
const PUSHED: &[&str] = &[
    "server-hello",
    "server-caught_up",
    "server-event",
    "server-inbox",
    "server-notice",
    "server-read",
    "server-delivered",
    "server-inbox_read",
    "server-settings",
    "server-typing",
    "server-presence",
    "server-profile",
    "server-status",
    "server-thread_read",
    "server-mentioned_here",
    "server-reconnect",
    // A malformed frame may have no `id`, so its error answers no request.
    ERROR,
];

fn operations(client_messages: &Map<String, Value>) -> Map<String, Value> {
    let channel = reference("channels", "socket");
    let in_channel = |name: &&str| reference("channels/socket/messages", name);
    let mut operations = Map::new();
    for (name, message) in client_messages {
        let kind = message["name"].as_str().unwrap_or_default();
        let replies: Vec<Value> = reply_of(kind).iter().map(in_channel).collect();
        let operation = json!({
            "action": "receive",
            "channel": channel,
            "summary": message["summary"],
            "messages": [in_channel(&name.as_str())],
            "reply": {"channel": channel, "messages": replies},
        });
        operations.insert(kind.to_owned(), operation);
    }
    let push = json!({
        "action": "send",
        "channel": channel,
        "summary": "Receive the frames that the server sends by itself.",
        "messages": PUSHED.iter().map(in_channel).collect::<Vec<_>>(),
    });
    operations.insert("push".to_owned(), push);
    operations
}

fn client_messages(requests: &mut Definitions) -> Map<String, Value> {
    let id = requests.generator().subschema_for::<RequestId>().to_value();
    let examples = samples::requests();
    variants::<ClientFrame>(requests)
        .into_iter()
        .map(|(kind, mut payload)| {
            payload["properties"]["id"] = id.clone();
            let mut message = message(&kind, payload, &examples);
            message["correlationId"] = json!({"location": "$message.payload#/id"});
            (format!("client-{kind}"), message)
        })
        .collect()
}

fn server_messages(answers: &mut Definitions) -> Map<String, Value> {
    let examples = samples::frames();
    let mut messages = Map::new();
    for (kind, payload) in variants::<ServerFrame<'static>>(answers) {
        if kind != "ok" {
            messages.insert(format!("server-{kind}"), message(&kind, payload, &examples));
        }
    }
    // The request determines which result `ok` contains.
    let answers = [
        (
            "server-ok",
            json!({"type": "object", "description": "The request was executed. It has no result."}),
        ),
        ("server-ok-history", answers.whole::<HistoryPage<Event<'static>>>()),
        ("server-ok-read", answers.whole::<ReadAnswer>()),
        ("server-ok-presence", answers.whole::<PresenceAnswer<'static>>()),
        ("server-ok-renewed", answers.whole::<Renewed>()),
    ];
    let re = json!({"description": "The id of the request.", "allOf": [reference("components/schemas", "RequestId")]});
    for (name, mut payload) in answers {
        let fields: Vec<String> = payload["properties"]
            .as_object()
            .map(|fields| fields.keys().cloned().collect())
            .unwrap_or_default();
        let of_this: Vec<Value> = examples
            .iter()
            .filter(|example| {
                example["type"] == "ok"
                    && example.as_object().is_some_and(|example| {
                        let other = example.keys().filter(|key| !matches!(key.as_str(), "type" | "re"));
                        let (mut other, required) = (other.peekable(), &payload["required"]);
                        let nothing = other.peek().is_none();
                        let has_all = required.as_array().is_none_or(|all| {
                            all.iter().filter_map(Value::as_str).all(|name| example.contains_key(name))
                        });
                        nothing == fields.is_empty() && has_all && other.all(|key| fields.contains(key))
                    })
            })
            .cloned()
            .collect();
        payload["properties"]["type"] = json!({"type": "string", "const": "ok"});
        payload["properties"]["re"] = re.clone();
        let mut required = payload["required"].as_array().cloned().unwrap_or_default();
        required.push("type".into());
        payload["required"] = Value::Array(required);
        messages.insert(name.to_owned(), message("ok", payload, &of_this));
    }
    for message in messages.values_mut() {
        if message["payload"]["properties"].get("re").is_some() {
            message["correlationId"] = json!({"location": "$message.payload#/re"});
        }
    }
    messages
}

/// The variants of an enum with the tag `type`, each as one object schema.
fn variants<T: JsonSchema>(definitions: &mut Definitions) -> Vec<(String, Value)> {
    let whole = definitions.whole::<T>();
    let variants = whole["oneOf"].as_array().cloned().unwrap_or_default();
    variants
        .into_iter()
        .map(|variant| {
            let mut payload = definitions.resolved(variant);
            let kind = payload["properties"]["type"]["const"].as_str().unwrap_or_default().to_owned();
            payload["properties"]["type"]["description"] = "The type of the frame.".into();
            (kind, payload)
        })
        .collect()
}

fn message(kind: &str, payload: Value, examples: &[Value]) -> Value {
    let mut payload = object(payload);
    let summary = payload.remove("description").unwrap_or_default();
    let examples: Vec<Value> = examples
        .iter()
        .filter(|example| example["type"] == kind)
        .map(|example| json!({"payload": example}))
        .collect();
    json!({
        "name": kind,
        "summary": summary,
        "contentType": "application/json",
        "payload": payload,
        "examples": examples,
    })
}

fn close_codes() -> Vec<Value> {
    CLOSE_CODES
        .iter()
        .map(|close| {
            json!({"code": close.code, "name": close.name, "why": close.why, "then": close.then, "retry": close.retry})
        })
        .collect()
}

fn error_codes() -> Vec<Value> {
    Code::ALL
        .into_iter()
        .map(|code| json!({"code": code, "meaning": meaning(code), "http_status": code.http_status()}))
        .collect()
}

fn reference(place: &str, name: &str) -> Value {
    json!({"$ref": format!("#/{place}/{name}")})
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => unreachable!("no object: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_is_a_message_with_an_example() {
        let document = asyncapi("");
        let messages = document["components"]["messages"].as_object().unwrap();
        let of_clients: Vec<&str> = messages.keys().filter_map(|name| name.strip_prefix("client-")).collect();
        assert!(of_clients.contains(&"send"), "{of_clients:?}");
        for kind in of_clients {
            assert_eq!(document["operations"][kind]["action"], "receive");
        }
        for (name, message) in messages {
            assert!(!message["examples"].as_array().unwrap().is_empty(), "{name} has no example");
            assert_eq!(message["payload"]["type"], "object", "{name}");
            assert!(message["summary"].is_string(), "{name} has no summary");
        }
        let told: Vec<&str> = PUSHED
            .iter()
            .chain(messages.values().flat_map(|message| {
                let kind = message["name"].as_str().unwrap();
                if document["operations"].get(kind).is_some() { reply_of(kind) } else { &[] }
            }))
            .copied()
            .collect();
        for name in messages.keys().filter(|name| name.starts_with("server-")) {
            assert!(told.contains(&name.as_str()), "nothing sends {name}");
        }
    }

    #[test]
    fn the_base_path_is_the_server_s() {
        assert_eq!(asyncapi("")["servers"]["gateway"]["pathname"], "/");
        assert_eq!(asyncapi("/chat")["servers"]["gateway"]["pathname"], "/chat");
    }
}
