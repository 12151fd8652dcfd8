//! The OpenAPI document, from the table of routes.

use madang_domain::{
    Code, Emoji, FileId, IdempotencyKey, MessageId, RoomRef, Seq, SessionId, UserId, UserRef,
    limits::INVITATION_CODE_MAX_BYTES,
};
use schemars::{SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::{
    definitions::{Definitions, Dialect, absent_instead_of_null, keep_used, merge},
    meaning, samples,
};
use crate::rest::{Access, Answer, Problem, ROUTES, Route, ThumbnailSize, Type};

const DESCRIPTION: &str = "The REST API of Madang. Requests and answers are JSON. The server refuses a request with an \
unknown field; a client ignores fields that it does not know. Refusals are `application/problem+json` (RFC 9457) with a \
`code`. The document at `/v1/asyncapi.json` describes the WebSocket at `/v1/ws`.";

/// Generates the OpenAPI 3.1 document of a server with a base path, such as `/chat`; an empty text means none.
#[must_use]
pub fn openapi(base_path: &str) -> Value {
    let mut builder = Builder {
        requests: Definitions::of_requests(Dialect::Draft2020),
        answers: Definitions::of_answers(Dialect::Draft2020),
    };
    builder.answers.generator().subschema_for::<Problem<'_>>();
    let mut paths = Map::new();
    for group in &ROUTES {
        for route in group.routes {
            let path = paths.entry(route.path).or_insert_with(|| Value::Object(Map::new()));
            path[route.method.as_str().to_lowercase()] = builder.operation(group.name, route);
        }
    }
    let refusals: Map<String, Value> = Code::ALL.into_iter().map(refusal).collect();
    let tags = ROUTES.iter().map(|group| json!({"name": group.name, "description": group.description}));
    let url = if base_path.is_empty() { "/" } else { base_path };
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Madang",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url, "description": "The server of this document."}],
        "tags": tags.collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "accessToken": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "An access token of this server or of the embedding site's issuer.",
                },
                "apiKey": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "mk_…",
                    "description": "An API key of the embedding site. Each operation of the server API names the scope that the key \
    needs; operations of users need the scope `impersonate` and the header `Madang-User`.",
                },
                "ticket": {
                    "type": "apiKey", "in": "query", "name": "ticket",
                    "description": "A ticket from `POST /v1/auth/ws-ticket`, valid for one WebSocket.",
                },
            },
            "parameters": {
                "IdempotencyKey": {
                    "name": "Idempotency-Key", "in": "header",
                    "description": "The idempotency key. The server executes a repeated request with the same key only once.",
                    "schema": builder.requests.generator().subschema_for::<IdempotencyKey>(),
                },
                "MadangUser": {
                    "name": "Madang-User", "in": "header",
                    "description": "With an API key: the user as whom the site's backend acts, with the rights of this user.",
                    "schema": builder.requests.generator().subschema_for::<UserRef>(),
                },
            },
            "responses": refusals,
        },
    });
    let Builder { requests, answers } = builder;
    let mut schemas = merge(requests, answers);
    keep_used(&mut schemas, &document);
    document["components"]["schemas"] = Value::Object(schemas);
    document
}

struct Builder {
    requests: Definitions,
    answers: Definitions,
}

impl Builder {
    fn operation(&mut self, tag: &str, route: &Route) -> Value {
        let mut responses = Map::new();
        for answer in [Some(&route.answer), route.also.as_ref()].into_iter().flatten() {
            responses.insert(answer.status.to_string(), self.answer(answer));
        }
        for status in route.codes().into_iter().map(Code::http_status) {
            responses.entry(status.to_string()).or_insert_with(|| refused(route, status));
        }
        let mut operation = json!({
            "operationId": route.id,
            "tags": [tag],
            "summary": route.summary,
            "security": security(route.access),
            "responses": responses,
        });
        if let Access::ApiKey(scope) = route.access {
            operation["description"] = format!("The API key needs the scope `{scope}`.").into();
        }
        let parameters = self.parameters(route);
        if !parameters.is_empty() {
            operation["parameters"] = Value::Array(parameters);
        }
        if let Some(body) = route.request {
            let content = content(route.request_media_type, body, self.requests.generator());
            operation["requestBody"] = json!({"required": true, "content": content});
        }
        operation
    }

    fn answer(&mut self, answer: &Answer) -> Value {
        let mut response = json!({"description": answer.description});
        if let Some((media_type, body)) = answer.body {
            response["content"] = content(media_type, body, self.answers.generator());
        }
        response
    }

    fn parameters(&mut self, route: &Route) -> Vec<Value> {
        let generator = self.requests.generator();
        let mut parameters: Vec<Value> = path_parameters(route)
            .map(|name| {
                let schema = match (name, route.access) {
                    ("room", _) => generator.subschema_for::<RoomRef>(),
                    ("user", Access::ApiKey(_)) => generator.subschema_for::<UserRef>(),
                    ("user", _) => generator.subschema_for::<UserId>(),
                    ("id", _) if route.path.starts_with("/v1/files/") => generator.subschema_for::<FileId>(),
                    ("id", _) => generator.subschema_for::<MessageId>(),
                    ("seq", _) => generator.subschema_for::<Seq>(),
                    ("size", _) => generator.subschema_for::<ThumbnailSize>(),
                    ("emoji", _) => generator.subschema_for::<Emoji>(),
                    ("code", _) => json_schema!({
                        "type": "string", "minLength": 1, "maxLength": INVITATION_CODE_MAX_BYTES,
                        "description": "The code of an invitation link; to revoke it, also its id."
                    }),
                    ("session", _) => generator.subschema_for::<SessionId>(),
                    ("export", _) => json_schema!({"type": "string", "description": "The id of the export."}),
                    ("report", _) => json_schema!({"type": "string", "description": "The id of the report."}),
                    (other, _) => unreachable!("the path parameter {other} has no type"),
                };
                json!({"name": name, "in": "path", "required": true, "schema": schema})
            })
            .collect();
        if let Some(query) = route.query {
            let reference = query.schema(generator);
            let mut query = self.requests.resolve(reference.as_value());
            absent_instead_of_null(&mut query);
            if let Some(Value::Object(properties)) = query.get_mut("properties") {
                parameters.extend(properties.iter_mut().map(|(name, schema)| {
                    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
                    json!({"name": name, "in": "query", "description": description, "schema": schema})
                }));
            }
        }
        if route.idempotency_key {
            parameters.push(json!({"$ref": "#/components/parameters/IdempotencyKey"}));
        }
        if route.access == Access::User {
            parameters.push(json!({"$ref": "#/components/parameters/MadangUser"}));
        }
        parameters
    }
}

/// The names in the braces of a path.
fn path_parameters(route: &Route) -> impl Iterator<Item = &'static str> {
    route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn content(media_type: &str, body: Type, generator: &mut SchemaGenerator) -> Value {
    let schema = body.schema(generator);
    let mut content = json!({"schema": schema});
    if let Some(sample) = schema.get("$ref").and_then(Value::as_str).and_then(samples::of_reference) {
        content["example"] = sample;
    }
    json!({media_type: content})
}

fn security(access: Access) -> Value {
    match access {
        Access::Public => json!([]),
        Access::User => json!([{"accessToken": []}, {"apiKey": []}]),
        Access::OwnSession => json!([{"accessToken": []}]),
        Access::ApiKey(_) => json!([{"apiKey": []}]),
        // Without a credential here, the first frame authenticates.
        Access::WebSocket => json!([{"accessToken": []}, {"ticket": []}, {}]),
    }
}

/// The response of a route for one status of its refusals.
fn refused(route: &Route, status: u16) -> Value {
    let codes: Vec<Code> = route.codes().into_iter().filter(|code| code.http_status() == status).collect();
    if let [code] = codes.as_slice() {
        return json!({"$ref": format!("#/components/responses/{code}")});
    }
    let meanings: Vec<String> = codes.iter().map(|code| format!("`{code}`: {}", meaning(*code))).collect();
    let first = codes.first().map_or_else(Map::new, |code| refused_content(*code));
    json!({"description": meanings.join(" "), "content": first})
}

fn refusal(code: Code) -> (String, Value) {
    let content = refused_content(code);
    let mut response = json!({"description": format!("`{code}`: {}", meaning(code)), "content": content});
    if matches!(code, Code::RateLimited | Code::Unavailable) {
        response["headers"] = json!({
            "Retry-After": {
                "description": "The number of seconds to wait before a retry.",
                "schema": {"type": "integer", "minimum": 0},
            },
        });
    }
    (code.to_string(), response)
}

fn refused_content(code: Code) -> Map<String, Value> {
    let example = samples::problem(code);
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    let content = json!({"schema": schema, "example": example});
    Map::from_iter([("application/problem+json".to_owned(), content)])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rest;

    #[test]
    fn every_route_is_there_once() {
        let document = openapi("");
        let places: BTreeSet<_> =
            rest::all_routes().map(|route| (route.path, route.method.as_str())).collect();
        assert_eq!(places.len(), rest::all_routes().count(), "two routes of one place");
        let names: BTreeSet<_> = rest::all_routes().map(|route| route.id).collect();
        assert_eq!(names.len(), places.len(), "two routes of one name");
        for (path, method) in places {
            assert!(document["paths"][path][method.to_lowercase()].is_object(), "{method} {path}");
        }
    }

    #[test]
    fn the_base_path_is_the_server_s() {
        assert_eq!(openapi("")["servers"][0]["url"], "/");
        assert_eq!(openapi("/chat")["servers"][0]["url"], "/chat");
    }

    #[test]
    fn every_body_has_an_example() {
        let document = openapi("");
        let mut without = Vec::new();
        for route in rest::all_routes() {
            let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
            let mut bodies = vec![&operation["requestBody"]];
            bodies.extend(operation["responses"].as_object().unwrap().values());
            for content in bodies.into_iter().filter_map(|body| body["content"].as_object()) {
                without.extend(
                    content
                        .values()
                        .filter(|body| body["schema"].get("$ref").is_some() && body.get("example").is_none())
                        .map(|body| (route.id, body["schema"].clone())),
                );
            }
        }
        assert!(without.is_empty(), "{without:#?}");
    }
}
