//! Adds to the document what follows from the shape of an operation, so that no view has to say it: its id and security,
//! every error it can answer, and that an answer holds all of its fields.

use std::collections::BTreeMap;

use serde_json::json;
use strum::IntoEnumIterator;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{AdditionalProperties, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Content, Header, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder, Schema,
};

use super::schemas::PROBLEM;
use crate::error::ErrorCode;
use crate::idempotency::REPLAYED;
use crate::middleware::api_key::IDEMPOTENCY_KEY;
use crate::urls;

/// The security scheme's name.
const KEY: &str = "api_key";

/// Completes every operation and schema.
pub fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete_operation(method, path, operation);
        }
    }
    let Some(components) = &mut document.components else { return };
    components.add_security_scheme(
        KEY,
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("An API key: `warm-transfer key create NAME` prints one."))
                .build(),
        ),
    );
    for (name, schema) in &mut components.schemas {
        // An optional field of a problem is absent; any other answer has null there.
        if let RefOr::T(Schema::Object(object)) = schema
            && name != PROBLEM
            && !is_closed(object.additional_properties.as_deref())
        {
            object.required = object.properties.keys().cloned().collect();
        }
    }
}

/// Of what is sent, unknown fields are refused; answers may grow.
fn is_closed(additional: Option<&AdditionalProperties<Schema>>) -> bool {
    matches!(additional, Some(AdditionalProperties::FreeForm(false)))
}

/// The operations of a path, by method.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("POST", &mut item.post),
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete_operation(method: &str, path: &str, operation: &mut Operation) {
    let route = urls::routes().find(|it| it.path == path && it.methods.split(' ').any(|it| it == method));
    operation.operation_id = route.map(|route| route.name.replace(':', "_"));
    if method == "POST" {
        may_be_repeated(operation);
    }
    parameters_are_never_null(operation);
    name_versions(method, operation);
    let extensions = operation.extensions.take();
    let said = |name: &str| extensions.as_ref().and_then(|extensions| extensions.get(name)).cloned();
    let scope = said("x-scope").and_then(|scope| scope.as_str().map(str::to_owned));
    operation.security = Some(vec![SecurityRequirement::new(KEY, scope)]);
    let own = said("x-errors").unwrap_or_default();
    let own = own.as_array().into_iter().flatten().filter_map(|code| ErrorCode::named(code.as_str()?));
    let codes: Vec<ErrorCode> = errors_by_shape(operation).into_iter().chain(own).collect();
    // In the order of the table, each once.
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in ErrorCode::iter().filter(|code| codes.contains(code)) {
        by_status.entry(code.entry().1).or_default().push(code);
    }
    for (status, codes) in by_status {
        operation.responses.responses.insert(status.to_string(), RefOr::T(problem(status, &codes)));
    }
}

/// Every POST takes an `Idempotency-Key` (`middleware::idempotency`).
fn may_be_repeated(operation: &mut Operation) {
    let schema = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .min_length(Some(1))
        .max_length(Some(255))
        .pattern(Some("^[!-~]+$"));
    let parameter = ParameterBuilder::new()
        .name(IDEMPOTENCY_KEY)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A new one for each request: 1 to 255 visible ASCII characters. A request that is repeated under its key gets the \
             answer that it got before, within a day, and has no other effect.",
        ))
        .schema(Some(schema));
    operation.parameters.get_or_insert_default().push(parameter.build());
}

/// A call is answered with its `ETag`, and a repeated answer says that it is one.
fn name_versions(method: &str, operation: &mut Operation) {
    let answers = operation.responses.responses.iter_mut().filter(|(status, _)| status.starts_with('2'));
    for (_, answer) in answers {
        let RefOr::T(answer) = answer else { continue };
        let is_call = |content: &Content| matches!(&content.schema, Some(RefOr::Ref(it)) if it.ref_location.ends_with("/Call"));
        if answer.content.values().any(is_call) {
            answer.headers.insert("ETag".into(), text_header("Changes whenever the call does."));
        }
        if method == "POST" {
            answer.headers.insert(REPLAYED.into(), text_header("`true` if this was answered before."));
        }
    }
}

/// A parameter that is not given is absent: there is no null in an address.
fn parameters_are_never_null(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let Some(schema) = &mut parameter.schema else { continue };
        match schema {
            RefOr::T(Schema::Object(object)) => {
                if let SchemaType::Array(types) = &mut object.schema_type {
                    types.retain(|it| *it != Type::Null);
                    if let [only] = types.as_slice() {
                        object.schema_type = SchemaType::Type(only.clone());
                    }
                }
            }
            RefOr::T(Schema::OneOf(choice)) => {
                choice.items.retain(|item| !is_null(item));
                if let [only] = choice.items.as_slice() {
                    *schema = only.clone();
                }
            }
            _ => {}
        }
    }
}

/// Whether this is the schema of null alone.
pub fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

/// What any operation of this shape can answer.
fn errors_by_shape(operation: &Operation) -> Vec<ErrorCode> {
    use ErrorCode::*;
    let mut codes = vec![Unauthenticated, InsufficientScope, RateLimited, Internal, Unavailable];
    let has = |place: ParameterIn| operation.parameters.iter().flatten().any(|it| it.parameter_in == place);
    if has(ParameterIn::Path) {
        codes.push(NotFound);
    }
    if has(ParameterIn::Query) {
        codes.extend([InvalidField, UnknownField]);
    }
    if has(ParameterIn::Header) {
        codes.push(InvalidField);
    }
    if operation.parameters.iter().flatten().any(|it| it.name == IDEMPOTENCY_KEY) {
        codes.extend([RequestInProgress, IdempotencyKeyReused]);
    }
    if let Some(body) = &operation.request_body {
        codes.extend([UnreadableBody, PayloadTooLarge, UnsupportedMediaType]);
        if body.content.contains_key("application/json") {
            codes.extend([InvalidJson, InvalidField, UnknownField]);
        }
    }
    codes
}

/// The answer that has one of these codes.
fn problem(status: u16, codes: &[ErrorCode]) -> Response {
    let titles: Vec<String> = codes
        .iter()
        .map(|code| {
            let (name, _, title) = code.entry();
            format!("`{name}`: {title}.")
        })
        .collect();
    let mut content = Content::new(Some(Ref::from_schema_name(PROBLEM)));
    for code in codes {
        let (name, status, title) = code.entry();
        let value = json!({ "type": code.reference(), "title": title, "status": status, "code": name });
        let example = ExampleBuilder::new().summary(title).value(Some(value)).build();
        content.examples.insert(name.to_owned(), RefOr::T(example));
    }
    let mut response =
        ResponseBuilder::new().description(titles.join("\n")).content("application/problem+json", content);
    match status {
        401 => response = response.header("WWW-Authenticate", text_header("`Bearer`.")),
        429 | 503 => response = response.header("Retry-After", text_header("Seconds to wait.")),
        _ => {}
    }
    response.build()
}

fn text_header(description: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build();
    HeaderBuilder::new().schema(schema).description(Some(description)).build()
}

/// Whether a parameter must be given.
pub fn is_required(required: &Required) -> bool {
    *required == Required::True
}
