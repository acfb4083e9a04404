//! Owns the step from a document's text to a tree of elements, by rules that no hostile document gets around:
//! bounded depth, no entities of its own. What the elements mean is `verbs`' business.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::TwimlError;

/// Deeper nesting than any TwiML has; what follows is refused, so that recursion over the tree is safe.
const MAX_DEPTH: usize = 16;

/// One element as written: name and attributes are case-sensitive.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// The attribute's value, as written.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a whole document. Errors are Twilio's 12100 (unparsable).
pub(super) fn read(text: &str) -> Result<Element, TwimlError> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}').trim());
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        match reader.read_event().map_err(unparsable)? {
            Event::Start(start) => {
                if root.is_some() || open.len() >= MAX_DEPTH {
                    return Err(unparsable("elements after the root, or nested too deeply"));
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => {
                if root.is_some() {
                    return Err(unparsable("an element after the root"));
                }
                close(&mut open, &mut root, element(&start)?);
            }
            Event::End(_) => match open.pop() {
                Some(done) => close(&mut open, &mut root, done),
                None => return Err(unparsable("an end tag that was not opened")),
            },
            Event::Text(text) => push_text(&mut open, &text.xml10_content())?,
            Event::CData(text) => push_text(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref().map_err(unparsable)? {
                    Some(character) => character.to_string(),
                    None => entity(&reference.xml10_content())?.to_owned(),
                };
                push_text(&mut open, &resolved)?;
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(root),
        _ => Err(unparsable("the document ends before its root does")),
    }
}

fn unparsable(reason: impl ToString) -> TwimlError {
    TwimlError { code: 12100, message: format!("Document parse failure: {}", reason.to_string()) }
}

fn element(start: &BytesStart<'_>) -> Result<Element, TwimlError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(unparsable)?;
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(unparsable)?;
        attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(Element { name: start.name().as_ref().to_owned(), attributes, ..Element::default() })
}

fn close(open: &mut [Element], root: &mut Option<Element>, done: Element) {
    match open.last_mut() {
        Some(parent) => parent.children.push(done),
        None => *root = Some(done),
    }
}

fn push_text(open: &mut [Element], text: &str) -> Result<(), TwimlError> {
    match open.last_mut() {
        Some(element) => {
            element.text.push_str(text);
            Ok(())
        }
        None if text.trim().is_empty() => Ok(()),
        None => Err(unparsable("text outside the root")),
    }
}

/// The five entities of XML itself; a document cannot declare others.
fn entity(name: &str) -> Result<&'static str, TwimlError> {
    match name {
        "amp" => Ok("&"),
        "lt" => Ok("<"),
        "gt" => Ok(">"),
        "quot" => Ok("\""),
        "apos" => Ok("'"),
        _ => Err(unparsable(format!("unknown entity &{name};"))),
    }
}
