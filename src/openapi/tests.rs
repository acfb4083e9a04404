use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::urls;

fn parsed() -> Value {
    serde_json::from_str(&json()).unwrap()
}

/// Method, path and operation of each.
fn all(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let each = paths.flat_map(|(path, item)| {
        let of_path = item.as_object().unwrap().iter();
        of_path.map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation.clone()))
    });
    each.collect()
}

#[test]
fn openapi_json_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    let text = json() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == text, "docs/openapi.json is stale: UPDATE_DOCS=1 cargo test openapi_json");
}

#[test]
fn every_route_of_the_api_is_in_the_document_and_the_reverse() {
    let routes = urls::routes().filter(|route| route.path.starts_with("/api/v1/"));
    let routes: BTreeSet<(String, String)> = routes
        .flat_map(|route| route.methods.split(' ').map(|method| (method.to_owned(), route.path.to_owned())))
        .collect();
    let documented: BTreeSet<(String, String)> =
        all(&parsed()).into_iter().map(|(method, path, _)| (method, path)).collect();
    assert_eq!(documented, routes);
}

/// A document in which `$ref`s into the whole can be followed from one schema of it.
fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// The examples of a request body or of one answer, with the schema they must fit.
fn examples_of(of: &Value) -> Vec<(&Value, &Value)> {
    let contents = of["content"].as_object().into_iter().flat_map(|contents| contents.values());
    let each = contents.flat_map(|content| {
        let named = content["examples"].as_object().into_iter().flat_map(|named| named.values());
        let values = content.get("example").into_iter().chain(named.map(|example| &example["value"]));
        values.map(|value| (&content["schema"], value))
    });
    each.collect()
}

#[test]
fn every_operation_says_all_there_is_to_say_and_its_examples_fit() {
    let document = parsed();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in all(&document) {
        let here = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{here}");
        for said in ["summary", "description"] {
            assert!(operation[said].as_str().is_some_and(|text| !text.is_empty()), "{here}: {said}");
        }
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{here}");
        assert_eq!(operation["security"][0]["api_key"].as_array().unwrap().len(), 1, "{here}: x-scope");
        assert!(operation.get("x-scope").is_none() && operation.get("x-errors").is_none(), "{here}");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        for parameter in parameters {
            assert!(parameter["description"].is_string(), "{here}: {parameter}");
        }
        let answers = operation["responses"].as_object().unwrap();
        let is_good = |status: &&String| status.starts_with('2');
        assert_eq!(answers.keys().filter(is_good).count(), 1, "{here}");
        for status in ["401", "403", "500", "503"] {
            assert!(answers.contains_key(status), "{here}: {status}");
        }
        for (what, of) in answers
            .iter()
            .map(|(status, of)| (status.as_str(), of))
            .chain(operation.get("requestBody").map(|body| ("body", body)))
        {
            let examples = examples_of(of);
            let has_content = of.get("content").is_some();
            assert!(!has_content || !examples.is_empty(), "{here}: {what} has no example");
            for (schema, example) in examples {
                let validator = validator(&document, schema);
                let faults: Vec<String> =
                    validator.iter_errors(example).map(|fault| fault.to_string()).collect();
                assert!(faults.is_empty(), "{here}: {what}: {faults:?} in {example}");
            }
        }
    }
}

#[test]
fn every_reference_leads_to_a_schema() {
    let text = json();
    let document = parsed();
    for target in text.split("\"$ref\": \"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(document.pointer(target).is_some(), "{target}");
    }
}

#[test]
fn every_tag_is_explained_and_used() {
    let document = parsed();
    let used: BTreeSet<String> = all(&document)
        .iter()
        .map(|(_, _, operation)| operation["tags"][0].as_str().unwrap().to_owned())
        .collect();
    let explained: BTreeSet<String> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|tag| tag["description"].is_string())
        .map(|tag| tag["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(used, explained);
}

#[test]
fn the_pages_lead_only_to_what_is_there() {
    let pages = [("/api/docs", page::docs()), ("/api/docs/errors", page::errors())];
    let ids = |page: &str| -> BTreeSet<String> {
        page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    };
    for (here, page) in &pages {
        for target in page.split(" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            if target.starts_with("https://www.twilio.com/") || target == "data:," {
                continue;
            }
            let (path, id) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { here } else { path };
            assert!(urls::routes().any(|route| route.path == path), "{here}: {target}");
            let there = pages.iter().find(|(address, _)| *address == path);
            if let (Some((_, there)), false) = (there, id.is_empty()) {
                assert!(ids(there).contains(id), "{here}: {target}");
            }
        }
    }
}
