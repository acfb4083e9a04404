//! Owns how elements, attributes and text become XML that every parser reads back unchanged.

use std::borrow::Cow;
use std::io;

use quick_xml::Writer;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::name::QName;

/// Something that is written as one element.
pub(super) trait WriteXml {
    fn write(&self, xml: &mut Xml) -> io::Result<()>;
}

/// The document under construction.
pub(super) struct Xml {
    writer: Writer<Vec<u8>>,
}

impl Xml {
    pub(super) fn new() -> Self {
        // Most documents are one Dial with a few URLs: one allocation holds them.
        let mut writer = Writer::new(Vec::with_capacity(1024));
        let declared = writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        debug_assert!(declared.is_ok(), "writing into memory does not fail");
        Self { writer }
    }

    /// `<Name …/>`
    pub(super) fn empty(&mut self, element: Element) -> io::Result<()> {
        self.writer.write_event(Event::Empty(element.start))
    }

    /// `<Name …>text</Name>`
    pub(super) fn text(&mut self, element: Element, text: &str) -> io::Result<()> {
        let name = element.name;
        self.writer.write_event(Event::Start(element.start))?;
        self.writer.write_event(Event::Text(BytesText::from_escaped(escape(text, Place::Text))))?;
        self.writer.write_event(Event::End(BytesEnd::new(name)))
    }

    /// `<Name …>children</Name>`
    pub(super) fn children<C: WriteXml>(&mut self, element: Element, children: &[C]) -> io::Result<()> {
        let name = element.name;
        self.writer.write_event(Event::Start(element.start))?;
        for child in children {
            child.write(self)?;
        }
        self.writer.write_event(Event::End(BytesEnd::new(name)))
    }

    pub(super) fn into_string(self) -> String {
        // Only whole strings were written, so the bytes are UTF-8 and nothing is replaced.
        String::from_utf8(self.writer.into_inner())
            .unwrap_or_else(|broken| String::from_utf8_lossy(broken.as_bytes()).into_owned())
    }
}

/// A start tag that collects the attributes which have a value.
pub(super) struct Element {
    name: &'static str,
    start: BytesStart<'static>,
}

impl Element {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, start: BytesStart::new(name) }
    }

    pub(super) fn attr(mut self, name: &'static str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.start.push_attribute(Attribute { key: QName(name), value: escape(value, Place::Attribute) });
        }
        self
    }

    pub(super) fn flag(self, name: &'static str, value: Option<bool>) -> Self {
        self.attr(name, value.map(|on| if on { "true" } else { "false" }))
    }

    pub(super) fn number(self, name: &'static str, value: Option<u32>) -> Self {
        match value {
            Some(number) => self.attr(name, Some(&number.to_string())),
            None => self,
        }
    }

    pub(super) fn word<W: AsRef<str>>(self, name: &'static str, value: Option<W>) -> Self {
        self.attr(name, value.as_ref().map(AsRef::as_ref))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    Attribute,
}

/// The text with markup characters as references and without the characters XML 1.0 forbids.
///
/// Parsers turn a literal carriage return into a line feed, and any white space in an attribute into a space, so those
/// are written as references: <https://www.w3.org/TR/xml/#sec-line-ends>, <https://www.w3.org/TR/xml/#AVNormalize>.
fn escape(text: &str, place: Place) -> Cow<'_, str> {
    let Some(first) = text.find(|c| replacement(c, place).is_some()) else {
        return Cow::Borrowed(text);
    };
    let mut escaped = String::with_capacity(text.len() + 16);
    let (clean, rest) = text.split_at(first);
    escaped.push_str(clean);
    for c in rest.chars() {
        match replacement(c, place) {
            Some(reference) => escaped.push_str(reference),
            None => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// What stands for a character that cannot stand for itself; nothing at all for a forbidden one.
fn replacement(c: char, place: Place) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' if place == Place::Attribute => Some("&quot;"),
        '\r' => Some("&#13;"),
        '\n' if place == Place::Attribute => Some("&#10;"),
        '\t' if place == Place::Attribute => Some("&#9;"),
        '\n' | '\t' => None,
        '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => Some(""),
        _ => None,
    }
}
