//! TwiML for people: one element a line. Only for looking at; what was sent stands in the journal as it was.

use quick_xml::events::Event;
use quick_xml::{Reader, Writer};

/// The document with line breaks; as it is if it is no XML.
pub fn indented(document: &str) -> String {
    rewritten(document).unwrap_or_else(|| document.to_owned())
}

fn rewritten(document: &str) -> Option<String> {
    let mut reader = Reader::from_str(document);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    loop {
        match reader.read_event().ok()? {
            Event::Eof => break,
            event => writer.write_event(event).ok()?,
        }
    }
    String::from_utf8(writer.into_inner()).ok()
}

/// The names of the verbs in order, such as `Say, Hangup`; nothing if it is no TwiML.
pub fn verbs(document: &str) -> Vec<String> {
    let mut reader = Reader::from_str(document);
    let (mut depth, mut verbs) = (0_u32, vec![]);
    loop {
        let (name, is_open) = match reader.read_event() {
            Ok(Event::Start(element)) => (element.name().as_ref().to_owned(), true),
            Ok(Event::Empty(element)) => (element.name().as_ref().to_owned(), false),
            Ok(Event::End(_)) => {
                depth = depth.saturating_sub(1);
                continue;
            }
            Ok(Event::Eof) | Err(_) => return verbs,
            Ok(_) => continue,
        };
        if depth == 1 {
            verbs.push(name);
        }
        depth += u32::from(is_open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response><Gather numDigits="1"><Say>Press &amp; wait.</Say></Gather><Redirect>https://calls.example.com/?a=1&amp;b=2</Redirect></Response>"#;

    #[test]
    fn elements_stand_on_lines_of_their_own_and_say_the_same() {
        let indented = indented(DOCUMENT);
        let lines: Vec<&str> = indented.lines().collect();
        assert!(lines.len() >= 6, "{indented}");
        assert!(indented.contains("<Say>Press &amp; wait.</Say>"), "{indented}");
        assert!(indented.contains("?a=1&amp;b=2</Redirect>"), "{indented}");
        assert_eq!(super::indented("no <xml"), "no <xml");
    }

    #[test]
    fn verbs_are_those_of_the_first_level() {
        assert_eq!(verbs(DOCUMENT), ["Gather", "Redirect"]);
        assert_eq!(verbs("<Response><Say>Hello</Say><Hangup/></Response>"), ["Say", "Hangup"]);
        assert!(verbs("").is_empty() && verbs("{}").is_empty());
    }
}
