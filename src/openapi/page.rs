//! The document as pages for people: plain HTML, made here, with a style and nothing else; nothing runs on them.

use std::fmt::{self, Display, Write};

use serde_json::Value;
use strum::IntoEnumIterator;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Object, SchemaType, Type};
use utoipa::openapi::{Content, OpenApi, RefOr, Response, Schema};

use super::complete::{is_null, is_required, operations};
use super::document;
use crate::error::ErrorCode;
use crate::twilio::errors::KNOWN_ERRORS;

/// `/api/docs`
pub fn docs() -> String {
    let document = document();
    let mut body = intro(document);
    for tag in document.tags.iter().flatten() {
        let _ = write!(body, "<section><h2 id=\"{0}\">{0}</h2>", Text(&tag.name));
        body.push_str(&prose(tag.description.as_deref().unwrap_or_default()));
        for (method, path, operation) in operations_of(document, &tag.name) {
            body.push_str(&operation_section(method, &path, &operation));
        }
        body.push_str("</section>");
    }
    body.push_str("<section><h2 id=\"schemas\">Schemas</h2>");
    for (name, schema) in document.components.iter().flat_map(|components| &components.schemas) {
        let _ = write!(body, "<article class=\"schema\"><h3 id=\"schema-{0}\">{0}</h3>", Text(name));
        body.push_str(&fields(schema));
        body.push_str("</article>");
    }
    body.push_str("</section>");
    page(&document.info.title, &navigation(document), &body)
}

/// `/api/docs/errors`
pub fn errors() -> String {
    let mut body = String::from(
        "<h1>Errors</h1><p>Whatever goes wrong is answered as a problem document (RFC 9457). Programs go by its \
         <code>code</code>, which never changes its meaning; <code>type</code> leads to this page. <code>field</code> names the \
         field it is about, <code>detail</code> says more to people, and <code>request_id</code> is the request&#39;s id in the \
         log.</p>",
    );
    for code in ErrorCode::iter() {
        let (name, status, title) = code.entry();
        let _ = write!(
            body,
            "<article class=\"error\" id=\"{name}\"><h2><code>{name}</code> <span class=\"status\">{status}</span></h2>\
             <p><strong>{}.</strong></p>{}</article>",
            Text(title),
            prose(code.help()),
        );
    }
    body.push_str(
        "<h2 id=\"twilio\">What Twilio refuses</h2><p>A request to us succeeds before Twilio is asked, so what Twilio refuses is \
         told afterwards: the leg, and the transfer it was for, have a <code>failure</code>, a <code>failure_detail</code> in \
         words, and Twilio&#39;s own number in <code>twilio_code</code>.</p><table class=\"stack\"><thead><tr>\
         <th>twilio_code</th><th>What is the matter</th><th>What to do</th></tr></thead><tbody>",
    );
    for known in KNOWN_ERRORS {
        let _ = write!(
            body,
            "<tr><td><a href=\"{}\" rel=\"noreferrer\">{}</a></td><td>{}</td><td>{}</td></tr>",
            known.page(),
            known.code,
            Text(known.sentence),
            Text(known.hint),
        );
    }
    body.push_str("</tbody></table>");
    let links = ErrorCode::iter().map(|code| {
        let (name, ..) = code.entry();
        format!("<li><a href=\"#{name}\">{name}</a></li>")
    });
    let nav = format!(
        "<p><a href=\"/api/docs\">The API</a></p><ul>{}</ul><p><a href=\"#twilio\">What Twilio refuses</a></p>",
        links.collect::<String>()
    );
    page("Errors", &nav, &body)
}

fn page(title: &str, nav: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{} · warm-transfer API</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\">\
         <link rel=\"stylesheet\" href=\"/api/docs/style.css\"></head><body>\
         <a class=\"skip\" href=\"#content\">Skip to the content</a>\
         <nav aria-label=\"Contents\"><details open><summary>Contents</summary>{nav}</details></nav>\
         <main id=\"content\">{body}</main></body></html>\n",
        Text(title),
    )
}

fn intro(document: &OpenApi) -> String {
    let info = &document.info;
    format!(
        "<h1>{} <small>{}</small></h1>{}<p><a href=\"/api/openapi.json\">openapi.json</a> is this page for programs \
         (OpenAPI 3.1). <a href=\"/api/docs/errors\">Errors</a> has every code, and what to do about it. In the examples, \
         <code>$URL</code> is the service&#39;s address and <code>$KEY</code> an API key.</p>",
        Text(&info.title),
        Text(&info.version),
        prose(info.description.as_deref().unwrap_or_default()),
    )
}

fn navigation(document: &OpenApi) -> String {
    let mut nav = String::new();
    for tag in document.tags.iter().flatten() {
        let _ = write!(nav, "<p><a href=\"#{0}\">{0}</a></p><ul>", Text(&tag.name));
        for (_, _, operation) in operations_of(document, &tag.name) {
            let (id, summary) = (id_of(&operation), operation.summary.unwrap_or_default());
            let _ = write!(nav, "<li><a href=\"#{id}\">{}</a></li>", Text(&summary));
        }
        nav.push_str("</ul>");
    }
    nav.push_str("<p><a href=\"#schemas\">Schemas</a></p><p><a href=\"/api/docs/errors\">Errors</a></p>");
    nav
}

/// The operations under a tag, in the order they were declared.
fn operations_of(document: &OpenApi, tag: &str) -> Vec<(&'static str, String, Operation)> {
    let mut found = Vec::new();
    for (path, item) in &document.paths.paths {
        let mut item = item.clone();
        for (method, operation) in operations(&mut item) {
            if operation.tags.iter().flatten().any(|it| it == tag) {
                found.push((method, path.clone(), operation.clone()));
            }
        }
    }
    found
}

fn id_of(operation: &Operation) -> String {
    Text(operation.operation_id.as_deref().unwrap_or_default()).to_string()
}

fn operation_section(method: &str, path: &str, operation: &Operation) -> String {
    let mut html = format!(
        "<article class=\"operation\" id=\"{}\"><h3>{}</h3><p class=\"address\"><span class=\"method {}\">{method}</span> \
         <code>{}</code></p>",
        id_of(operation),
        Text(operation.summary.as_deref().unwrap_or_default()),
        method.to_lowercase(),
        Breakable(path),
    );
    html.push_str(&prose(operation.description.as_deref().unwrap_or_default()));
    if let Some(scope) = scope_of(operation) {
        let _ = write!(html, "<p>Takes a key with the scope <code>{}</code>.</p>", Text(&scope));
    }
    html.push_str(&parameters(operation));
    let body = operation.request_body.as_ref().and_then(|body| body.content.iter().next());
    if let Some((kind, content)) = body {
        let _ = write!(html, "<h4>Body</h4><p><code>{}</code>", Text(kind));
        if let Some(schema) = &content.schema {
            let _ = write!(html, " {}</p>{}", type_of(schema), body_fields(schema));
        }
    }
    let _ = write!(
        html,
        "<h4>Request</h4><pre tabindex=\"0\"><code>{}</code></pre>",
        Text(&curl(method, path, operation))
    );
    html.push_str(&answers(operation));
    html.push_str("</article>");
    html
}

/// The fields of what is sent, without a way to the schemas' end.
fn body_fields(schema: &RefOr<Schema>) -> String {
    let RefOr::Ref(reference) = schema else { return String::new() };
    let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
    let components = document().components.as_ref();
    let found = components.and_then(|components| components.schemas.get(name));
    match found {
        Some(RefOr::T(Schema::Object(object))) if !object.properties.is_empty() => field_list(object),
        _ => String::new(),
    }
}

/// The scope that the operation takes, as the document has it.
fn scope_of(operation: &Operation) -> Option<String> {
    let security = serde_json::to_value(operation.security.as_ref()?.first()?).ok()?;
    security.as_object()?.values().next()?.get(0)?.as_str().map(str::to_owned)
}

fn parameters(operation: &Operation) -> String {
    let given = operation.parameters.as_deref().unwrap_or_default();
    if given.is_empty() {
        return String::new();
    }
    let mut html = String::from("<h4>Parameters</h4><dl class=\"fields\">");
    for parameter in given {
        let place = match parameter.parameter_in {
            ParameterIn::Path => "path",
            ParameterIn::Query => "query",
            ParameterIn::Header => "header",
            ParameterIn::Cookie => "cookie",
        };
        let kind = parameter.schema.as_ref().map(type_of).unwrap_or_default();
        let _ = write!(
            html,
            "<dt><code>{}</code> {} <span class=\"note\">· {place}{}</span></dt><dd>{}</dd>",
            Text(&parameter.name),
            kind,
            if is_required(&parameter.required) { ", required" } else { "" },
            prose(parameter.description.as_deref().unwrap_or_default()),
        );
    }
    html.push_str("</dl>");
    html
}

/// The request as one would type it.
fn curl(method: &str, path: &str, operation: &Operation) -> String {
    let place = |parameter: &Parameter| parameter.parameter_in == ParameterIn::Path;
    let mut path = path.to_owned();
    for parameter in operation.parameters.iter().flatten().filter(|it| place(it)) {
        let name = format!("{{{}}}", parameter.name);
        path = match parameter.name.as_str() {
            "role" => path.replace(&name, "customer"),
            "control" => path.replace(&name, "hold"),
            other => path.replace(&name, &format!("${}", other.to_uppercase())),
        };
    }
    let mut text = match method {
        "GET" => format!("curl \"$URL{path}\""),
        _ => format!("curl -X {method} \"$URL{path}\""),
    };
    text.push_str(" \\\n  -H \"Authorization: Bearer $KEY\"");
    if operation.parameters.iter().flatten().any(|it| it.name == "Idempotency-Key") {
        text.push_str(" \\\n  -H \"Idempotency-Key: $(uuidgen)\"");
    }
    if let Some((kind, content)) = operation.request_body.as_ref().and_then(|body| body.content.iter().next())
    {
        let _ = write!(text, " \\\n  -H 'Content-Type: {kind}'");
        let example = example(content).map(|(_, value)| match value {
            Value::String(text) => text,
            value => serde_json::to_string_pretty(&value).unwrap_or_default(),
        });
        let _ = write!(text, " \\\n  -d '{}'", example.unwrap_or_default());
    }
    text
}

/// The first example of a content, with what is said of it.
fn example(content: &Content) -> Option<(String, Value)> {
    let named = || match content.examples.values().next()? {
        RefOr::T(example) => Some((example.summary.clone(), example.value.clone()?)),
        RefOr::Ref(_) => None,
    };
    content.example.clone().map(|value| (String::new(), value)).or_else(named)
}

fn answers(operation: &Operation) -> String {
    let mut html = String::from("<h4>Answers</h4>");
    let mut errors = String::new();
    for (status, response) in &operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        match response.content.get("application/problem+json") {
            Some(content) => {
                let links = content
                    .examples
                    .keys()
                    .map(|code| format!("<a href=\"/api/docs/errors#{0}\"><code>{0}</code></a>", Text(code)));
                let links: Vec<String> = links.collect();
                let _ = write!(errors, "<dt>{}</dt><dd>{}</dd>", Text(status), links.join(", "));
            }
            None => html.push_str(&answer(status, response)),
        }
    }
    let _ = write!(html, "<dl class=\"errors\">{errors}</dl>");
    html
}

fn answer(status: &str, response: &Response) -> String {
    let mut html =
        format!("<p><span class=\"status good\">{}</span> {}", Text(status), Inline(&response.description),);
    let content = response.content.iter().next();
    if let Some(schema) = content.and_then(|(_, content)| content.schema.as_ref()) {
        let _ = write!(html, " {}", type_of(schema));
    }
    html.push_str("</p>");
    for (name, header) in &response.headers {
        let said = Inline(header.description.as_deref().unwrap_or_default());
        let _ = write!(html, "<p class=\"note\">Header <code>{}</code>: {said}</p>", Text(name));
    }
    if let Some((_, value)) = content.and_then(|(_, content)| example(content)) {
        let text = serde_json::to_string_pretty(&value).unwrap_or_default();
        let _ = write!(
            html,
            "<details><summary>Example</summary><pre tabindex=\"0\"><code>{}</code></pre></details>",
            Text(&text)
        );
    }
    html
}

/// A schema of the document: its fields, or what it allows.
fn fields(schema: &RefOr<Schema>) -> String {
    let RefOr::T(Schema::Object(object)) = schema else {
        return format!("<p>{}</p>{}", type_of(schema), prose(description_of(schema)));
    };
    if object.properties.is_empty() {
        return format!("<p>{}</p>{}", type_of(schema), prose(description_of(schema)));
    }
    prose(object.description.as_deref().unwrap_or_default()) + &field_list(object)
}

fn field_list(object: &Object) -> String {
    let mut html = String::from("<dl class=\"fields\">");
    let is_sent =
        matches!(object.additional_properties.as_deref(), Some(AdditionalProperties::FreeForm(false)));
    for (name, field) in &object.properties {
        let is_required = is_sent && object.required.contains(name);
        let _ = write!(
            html,
            "<dt><code>{}</code> {}{}</dt><dd>{}</dd>",
            Text(name),
            type_of(field),
            if is_required { " <span class=\"note\">· required</span>" } else { "" },
            prose(description_of(field)),
        );
    }
    html.push_str("</dl>");
    html
}

fn description_of(schema: &RefOr<Schema>) -> &str {
    match schema {
        RefOr::Ref(reference) => &reference.description,
        RefOr::T(Schema::Object(object)) => object.description.as_deref().unwrap_or_default(),
        RefOr::T(Schema::Array(array)) => array.description.as_deref().unwrap_or_default(),
        RefOr::T(Schema::OneOf(choice)) => match &choice.description {
            Some(description) => description,
            // Of a field that may be null, the other choice is described.
            None => choice.items.iter().map(description_of).find(|said| !said.is_empty()).unwrap_or_default(),
        },
        RefOr::T(Schema::AnyOf(choice)) => choice.description.as_deref().unwrap_or_default(),
        RefOr::T(_) => "",
    }
}

/// What kind of value it is, in a few words.
fn type_of(schema: &RefOr<Schema>) -> String {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            format!("<a class=\"type\" href=\"#schema-{0}\">{0}</a>", Text(name))
        }
        RefOr::T(Schema::Array(array)) => match &array.items {
            ArrayItems::RefOrSchema(items) => {
                format!("<span class=\"type\">list of</span> {}", type_of(items))
            }
            ArrayItems::False => "list".to_owned(),
        },
        RefOr::T(Schema::OneOf(choice)) => any_of(&choice.items),
        RefOr::T(Schema::AnyOf(choice)) => any_of(&choice.items),
        RefOr::T(Schema::AllOf(all)) => all.items.iter().map(type_of).collect::<Vec<_>>().join(" and "),
        RefOr::T(Schema::Object(object)) => object_type(object),
        RefOr::T(_) => "anything".to_owned(),
    }
}

fn any_of(items: &[RefOr<Schema>]) -> String {
    let (nulls, kinds): (Vec<_>, Vec<_>) = items.iter().partition(|item| is_null(item));
    let kinds = kinds
        .into_iter()
        .map(type_of)
        .chain((!nulls.is_empty()).then(|| "<span class=\"type\">null</span>".to_owned()));
    kinds.collect::<Vec<_>>().join(" <span class=\"type\">or</span> ")
}

fn object_type(object: &Object) -> String {
    let words: Vec<&str> = match &object.schema_type {
        SchemaType::Type(kind) => vec![word(kind)],
        SchemaType::Array(kinds) => kinds.iter().map(word).collect(),
        SchemaType::AnyValue => vec!["anything"],
    };
    let mut text = format!("<span class=\"type\">{}</span>", words.join(" or "));
    let mut limits = Vec::new();
    let number = |value: &dyn erased::ToJson| value.to_json();
    match (&object.minimum, &object.maximum) {
        // The whole of 64 bits is no limit to speak of.
        (Some(low), Some(high)) if number(low).len() < 15 => {
            limits.push(format!("{} to {}", number(low), number(high)));
        }
        _ => {}
    }
    if let Some(max) = object.max_length {
        limits.push(format!("at most {max} characters"));
    }
    if let Some(default) = &object.default {
        limits.push(format!("{default} unless given"));
    }
    if let Some(format) = &object.format {
        let format = number(format);
        if format.contains("uuid") || format.contains("date-time") {
            limits.push(format.trim_matches('"').to_owned());
        }
    }
    if !limits.is_empty() {
        let _ = write!(text, "<span class=\"note\">, {}</span>", Text(&limits.join(", ")));
    }
    if let Some(values) = object.enum_values.as_ref().filter(|_| object.description.is_none()) {
        let values: Vec<String> = values
            .iter()
            .map(|value| format!("<code>{}</code>", Text(value.as_str().unwrap_or_default())))
            .collect();
        let _ = write!(text, "<span class=\"note\">: {}</span>", values.join(", "));
    }
    text
}

fn word(kind: &Type) -> &'static str {
    match kind {
        Type::Object => "object",
        Type::String => "text",
        Type::Integer => "whole number",
        Type::Number => "number",
        Type::Boolean => "true or false",
        Type::Array => "list",
        Type::Null => "null",
    }
}

/// Values that are known only by how they are written.
mod erased {
    /// As JSON.
    pub trait ToJson {
        /// The text.
        fn to_json(&self) -> String;
    }

    impl<T: serde::Serialize> ToJson for T {
        fn to_json(&self) -> String {
            serde_json::to_string(self).unwrap_or_default()
        }
    }
}

/// Paragraphs and lists, with code in backquotes: all of Markdown that the document uses.
fn prose(text: &str) -> String {
    let mut html = String::new();
    for block in text.split("\n\n").filter(|block| !block.trim().is_empty()) {
        if block.starts_with("* ") {
            html.push_str("<ul>");
            for line in block.lines() {
                let _ = write!(html, "<li>{}</li>", Inline(line.trim_start_matches("* ")));
            }
            html.push_str("</ul>");
        } else {
            let _ = write!(html, "<p>{}</p>", Inline(block));
        }
    }
    html
}

/// A text in which nothing is HTML.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A text with code in backquotes.
struct Inline<'a>(&'a str);

impl Display for Inline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.split('`').enumerate() {
            match at % 2 {
                0 => Text(part).fmt(f)?,
                _ => write!(f, "<code>{}</code>", Text(part))?,
            }
        }
        Ok(())
    }
}

/// A path that may be broken at its slashes.
struct Breakable<'a>(&'a str);

impl Display for Breakable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Text(self.0).to_string().replace('/', "/<wbr>"))
    }
}
