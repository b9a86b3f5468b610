//! The API's description (OpenAPI 3.1), made from the routes themselves, so that it says what the edge does.

use super::{BASE, Method, Route};
use contract::event::FunctionName;
use schemars::Schema;
use serde_json::{Map, Value, json};

const SCHEMAS: &str = "#/components/schemas/";
const TOKEN: &str = "token";

/// Why the description cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenApiError {
    /// Two shapes have one name.
    #[error("two different shapes are named `{0}`; rename one of the types")]
    TwoShapes(String),
    /// Two routes are the same.
    #[error("`{0}` is routed twice")]
    TwoRoutes(String),
}

/// Describes the routes of the functions.
pub fn document(functions: &[(FunctionName, &[Route])]) -> Result<Value, OpenApiError> {
    let mut shapes = Shapes::default();
    let problem = shapes.add(schemars::schema_for!(contract::problem::Problem))?;
    let mut paths: Map<String, Value> = Map::new();
    for (function, routes) in functions {
        for route in *routes {
            let operation = operation(*function, route, &mut shapes)?;
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            let method = route.method.as_str().to_ascii_lowercase();
            let Some(path) = path.as_object_mut() else { continue };
            if path.insert(method, operation).is_some() {
                return Err(OpenApiError::TwoRoutes(format!("{} {}", route.method.as_str(), route.path)));
            }
        }
    }
    let tags: Vec<Value> = functions.iter().map(|(function, _)| json!({ "name": function.as_str() })).collect();
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "cs-ops",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
        },
        "servers": [{ "url": BASE }],
        "tags": tags,
        "paths": paths,
        "components": {
            "parameters": parameters(),
            "headers": headers(),
            "responses": responses(&problem),
            "schemas": shapes.0,
            "securitySchemes": {
                TOKEN: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A JWT signed with RS256 or ES256, with `iss`, `aud`, `exp`, `sub`, `scope` and \
                        `cs_ops_tenant`. An operation names the scope that it needs. The tenant comes from the token alone.",
                },
            },
        },
    }))
}

const DESCRIPTION: &str = "Takes in facts about accounts, scores their health, decides what to do, drives people until \
    it is done, and reports what it achieved. Every error is problem details (RFC 9457) whose `type` is \
    `urn:cs-ops:problem:<code>`. Every POST takes an `Idempotency-Key`: for 24 hours the same key with the same content \
    gets the same answer.";

fn operation(function: FunctionName, route: &Route, shapes: &mut Shapes) -> Result<Value, OpenApiError> {
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [function.as_str()],
        "parameters": parameters_of(route),
        "responses": responses_of(route, shapes)?,
        "security": route.scope.map_or_else(|| json!([]), |scope| json!([{ TOKEN: [scope] }])),
    });
    if let (Some(schema), Some(operation)) = (route.request, operation.as_object_mut()) {
        let schema = shapes.add(schema())?;
        let body = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        operation.insert("requestBody".into(), body);
    }
    Ok(operation)
}

/// `GET /accounts/{id}/health` is `get_accounts_by_id_health`.
fn operation_id(route: &Route) -> String {
    let mut id = route.method.as_str().to_ascii_lowercase();
    for part in route.path.split('/').filter(|part| !part.is_empty()) {
        match parameter_name(part) {
            Some(name) => id = format!("{id}_by_{name}"),
            None => id = format!("{id}_{}", part.replace('-', "_")),
        }
    }
    id
}

fn parameter_name(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

fn parameters_of(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(parameter_name).map(|name| {
        let schema = json!({ "type": "string", "minLength": 1, "maxLength": domain::id::MAX_LENGTH });
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    });
    let in_query = route.query.iter().map(|parameter| {
        let schema = match parameter.values {
            [] => json!({ "type": "string" }),
            values => json!({ "type": "string", "enum": values }),
        };
        json!({ "name": parameter.name, "in": "query", "description": parameter.summary, "schema": schema })
    });
    let key = route.acts().then(|| json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
    let condition = route.conditional.then(|| json!({ "$ref": "#/components/parameters/IfNoneMatch" }));
    let in_header = key.into_iter().chain(condition);
    in_path
        .chain(in_query)
        .chain(in_header)
        .chain([json!({ "$ref": "#/components/parameters/CorrelationId" })])
        .collect()
}

fn responses_of(route: &Route, shapes: &mut Shapes) -> Result<Value, OpenApiError> {
    let mut good =
        json!({ "description": "Done.", "headers": { "x-request-id": { "$ref": "#/components/headers/RequestId" } } });
    if let (Some(schema), Some(good)) = (route.response, good.as_object_mut()) {
        let schema = shapes.add(schema())?;
        let media = if route.streams { "text/event-stream" } else { "application/json" };
        good.insert("content".into(), json!({ media: { "schema": schema } }));
    }
    let mut responses = Map::from_iter([(route.status.to_string(), good)]);
    let post = route.acts();
    let body = route.request.is_some();
    let possible = [
        ("400", post || body, "Malformed"),
        ("401", route.scope.is_some(), "Unauthorized"),
        ("403", route.scope.is_some(), "Forbidden"),
        ("404", route.path.contains('{'), "NotFound"),
        ("409", route.method != Method::Get, "Conflict"),
        ("412", route.conditional, "PreconditionFailed"),
        ("413", body, "TooLarge"),
        ("422", true, "Invalid"),
        ("503", route.scope.is_some(), "Unavailable"),
        ("default", true, "Problem"),
    ];
    for (status, _, name) in possible.into_iter().filter(|(_, possible, _)| *possible) {
        responses.insert(status.into(), json!({ "$ref": format!("#/components/responses/{name}") }));
    }
    Ok(Value::Object(responses))
}

fn parameters() -> Value {
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": true,
            "description": "A new one for each thing to be done, the same one for a retry.",
            "schema": { "type": "string", "minLength": 1, "maxLength": super::idempotency::MAX_KEY, "pattern": "^[!-~]+$" },
        },
        "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "required": false,
            "description": "`*`: only where nothing is there yet; otherwise the answer is 412 and nothing changes.",
            "schema": { "type": "string", "enum": ["*"] },
        },
        "CorrelationId": {
            "name": "x-correlation-id",
            "in": "header",
            "required": false,
            "description": "Stands in every log line and event that the request brings about. Without it the request's own id does.",
            "schema": { "type": "string", "minLength": 1, "maxLength": domain::id::MAX_LENGTH },
        },
    })
}

fn headers() -> Value {
    json!({
        "RequestId": { "description": "The id of the request, for the operator.", "schema": { "type": "string" } },
        "RetryAfter": { "description": "When to try again, in seconds.", "schema": { "type": "integer", "minimum": 1 } },
        "WwwAuthenticate": { "description": "What the token lacks (RFC 6750).", "schema": { "type": "string" } },
    })
}

fn responses(problem: &Value) -> Value {
    let response = |description: &str, header: Option<(&str, &str)>| {
        let mut headers = json!({ "x-request-id": { "$ref": "#/components/headers/RequestId" } });
        if let (Some((name, component)), Some(headers)) = (header, headers.as_object_mut()) {
            headers.insert(name.into(), json!({ "$ref": format!("#/components/headers/{component}") }));
        }
        json!({
            "description": description,
            "headers": headers,
            "content": { "application/problem+json": { "schema": problem } },
        })
    };
    let retry = Some(("retry-after", "RetryAfter"));
    let challenge = Some(("www-authenticate", "WwwAuthenticate"));
    json!({
        "Malformed": response("The request cannot be read, or has no usable `Idempotency-Key`.", None),
        "Unauthorized": response("There is no token, or it is not accepted.", challenge),
        "Forbidden": response("The token does not hold the scope.", challenge),
        "NotFound": response("There is no such thing for this tenant.", None),
        "Conflict": response("The state does not allow it, or the `Idempotency-Key` is in use or was used for something else.", retry),
        "PreconditionFailed": response("There is one already, and `If-None-Match: *` asks to leave it as it is.", None),
        "TooLarge": response("The body is larger than 1 MiB.", None),
        "Invalid": response("The content is not valid; `errors` names every fault with its path.", None),
        "Unavailable": response("A part behind this did not answer; the same request may be sent again.", retry),
        "Problem": response("Any other problem.", retry),
    })
}

/// The named shapes, each once.
#[derive(Default)]
struct Shapes(Map<String, Value>);

impl Shapes {
    /// Puts a schema and what it refers to among the named shapes and gives what stands for it.
    fn add(&mut self, schema: Schema) -> Result<Value, OpenApiError> {
        let mut root = schema.to_value();
        let mut definitions = Map::new();
        let mut title = None;
        if let Some(root) = root.as_object_mut() {
            root.remove("$schema");
            title = root.remove("title").and_then(|title| title.as_str().map(str::to_owned));
            if let Some(Value::Object(found)) = root.remove("$defs") {
                definitions = found;
            }
        }
        for (name, mut shape) in definitions {
            point_to_components(&mut shape, title.as_deref());
            self.insert(name, shape)?;
        }
        point_to_components(&mut root, title.as_deref());
        match title {
            Some(name) => {
                let reference = json!({ "$ref": format!("{SCHEMAS}{name}") });
                self.insert(name, root)?;
                Ok(reference)
            }
            None => Ok(root),
        }
    }

    fn insert(&mut self, name: String, shape: Value) -> Result<(), OpenApiError> {
        match self.0.get(&name) {
            Some(known) if *known != shape => Err(OpenApiError::TwoShapes(name)),
            _ => {
                self.0.insert(name, shape);
                Ok(())
            }
        }
    }
}

/// A schema refers to its own definitions; in the description they lie among the components.
fn point_to_components(value: &mut Value, root: Option<&str>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), &*field, root) {
                    ("$ref", Value::String(target), Some(root)) if target == "#" => {
                        *field = format!("{SCHEMAS}{root}").into()
                    }
                    ("$ref", Value::String(target), _) => *field = target.replace("#/$defs/", SCHEMAS).into(),
                    _ => point_to_components(field, root),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point_to_components(item, root)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Tree {
        leaf: Leaf,
        children: Vec<Tree>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Leaf {
        name: String,
    }

    mod other {
        #[derive(schemars::JsonSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        pub struct Leaf {
            pub size: u32,
        }
    }

    const READ: Route =
        Route::new(Method::Get, "/trees/{id}/leaf-count", "Counts.").scope("cs-ops.score.read").answers::<Leaf>(200);
    const PLANT: Route = Route {
        status: 202,
        ..Route::new(Method::Post, "/trees", "Plants.").scope("cs-ops.score.write").takes::<Tree>()
    };
    const OPEN: Route = Route::new(Method::Get, "/health", "Lives.");

    fn described(routes: &[Route]) -> Value {
        document(&[(FunctionName::Score, routes)]).unwrap()
    }

    #[test]
    fn a142_an_operation_names_the_scope_that_it_needs_and_an_open_one_names_none() {
        let document = described(&[READ, PLANT, OPEN]);
        let security = |path: &str| document.pointer(path).unwrap().clone();
        assert_eq!(security("/paths/~1trees/post/security"), json!([{ "token": ["cs-ops.score.write"] }]));
        assert_eq!(security("/paths/~1health/get/security"), json!([]));
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(fields) => fields.iter().for_each(|(name, field)| match field {
                    Value::String(target) if name == "$ref" => found.push(target.clone()),
                    field => references(field, found),
                }),
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let document = described(&[READ, PLANT.conditional(), OPEN]);
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.contains(&"#/components/schemas/Tree".to_owned()), "{found:?}");
        for target in found {
            assert!(document.pointer(&target[1..]).is_some(), "{target} leads nowhere");
        }
    }

    #[test]
    fn a_post_takes_an_idempotency_key_and_a_get_takes_none() {
        let document = described(&[READ, PLANT]);
        let parameters = |path: &str| document.pointer(path).unwrap().to_string();
        assert!(parameters("/paths/~1trees/post/parameters").contains("IdempotencyKey"));
        let read = parameters("/paths/~1trees~1{id}~1leaf-count/get/parameters");
        assert!(!read.contains("IdempotencyKey") && read.contains(r#""name":"id""#), "{read}");
        let id = document.pointer("/paths/~1trees~1{id}~1leaf-count/get/operationId");
        assert_eq!(id, Some(&json!("get_trees_by_id_leaf_count")));
    }

    #[test]
    fn only_a_route_that_takes_a_condition_is_described_with_it_and_with_the_answer_that_it_brings() {
        const PUT: Route = Route::new(Method::Put, "/leaves/{id}", "Puts.").scope("cs-ops.score.write");
        let document = described(&[PUT.conditional(), READ]);
        let operation = |path: &str| document.pointer(path).unwrap().to_string();
        let put = operation("/paths/~1leaves~1{id}/put");
        assert!(put.contains("parameters/IfNoneMatch") && put.contains("responses/PreconditionFailed"), "{put}");
        let read = operation("/paths/~1trees~1{id}~1leaf-count/get");
        assert!(!read.contains("IfNoneMatch") && !read.contains("412"), "{read}");
    }

    #[test]
    fn a_query_is_described_with_the_values_that_it_takes() {
        use super::super::Parameter;
        const QUERY: &[Parameter] =
            &[Parameter::one_of("status", "Only those.", &["open", "closed"]), Parameter::CURSOR];
        let list = READ.query(QUERY);
        let parameters = described(&[list]).pointer("/paths/~1trees~1{id}~1leaf-count/get/parameters").unwrap().clone();
        let status = json!({
            "name": "status", "in": "query", "description": "Only those.",
            "schema": { "type": "string", "enum": ["open", "closed"] },
        });
        assert_eq!((&parameters[1], &parameters[2]["name"]), (&status, &json!("cursor")));
    }

    #[test]
    fn two_shapes_with_one_name_and_two_routes_with_one_path_are_refused() {
        let clash = Route { path: "/clash", ..READ.answers::<other::Leaf>(200) };
        assert_eq!(document(&[(FunctionName::Score, &[READ, clash])]), Err(OpenApiError::TwoShapes("Leaf".into())));
        let twice = document(&[(FunctionName::Score, &[OPEN]), (FunctionName::Report, &[OPEN])]);
        assert_eq!(twice, Err(OpenApiError::TwoRoutes("GET /health".into())));
    }
}
