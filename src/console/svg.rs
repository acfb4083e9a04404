//! SVG as text: elements are written one after the other, and whatever comes from people is escaped.

use std::fmt::{Display, Write as _};

/// A drawing that grows.
#[derive(Debug, Default)]
pub struct Svg(String);

impl Svg {
    /// Begins one of this size, in user units; what it shows in words stands in `title`.
    pub fn new(class: &str, width: i64, height: i64, title: &str) -> Self {
        let mut svg = Self::default();
        svg.open(
            "svg",
            &[("class", &class), ("viewBox", &format!("0 0 {width} {height}")), ("width", &width)],
        );
        svg.text_element("title", &[], title);
        svg
    }

    /// Begins an element.
    pub fn open(&mut self, name: &str, attributes: &[(&str, &dyn Display)]) {
        self.tag(name, attributes, "");
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &dyn Display)]) {
        self.tag(name, attributes, "/");
    }

    /// An element with a text.
    pub fn text_element(&mut self, name: &str, attributes: &[(&str, &dyn Display)], text: &str) {
        self.tag(name, attributes, "");
        self.0.push_str(&escaped(text));
        self.close(name);
    }

    /// Ends an element.
    pub fn close(&mut self, name: &str) {
        let _ = write!(self.0, "</{name}>");
    }

    /// As text.
    pub fn finish(mut self) -> String {
        self.close("svg");
        self.0
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &dyn Display)], end: &str) {
        let _ = write!(self.0, "<{name}");
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"{}\"", escaped(&value.to_string()));
        }
        let _ = write!(self.0, "{end}>");
    }
}

/// A text as it stands in markup, in attributes too. What no markup may hold, such as control characters, is left out.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(' '),
            character if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {}
            character => escaped.push(character),
        }
    }
    escaped
}

/// A name by itself, so that one in another direction does not turn what stands beside it about.
pub fn isolated(name: &str) -> String {
    format!("\u{2068}{name}\u{2069}")
}

/// So many characters at the most, the last of them `…` if there were more.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_people_say_becomes_markup() {
        let mut svg = Svg::new("x", 10, 10, "</title><script>");
        svg.text_element("text", &[("class", &"\"><script>alert(1)</script>")], "<b>'\u{0}&\u{1b}\u{ffff}");
        let text = svg.finish();
        assert!(!text.contains("<script") && !text.contains("<b>") && !text.contains('\u{0}'), "{text}");
        roxmltree::Document::parse(&text).unwrap();
    }

    #[test]
    fn a_long_text_is_shortened_at_a_character() {
        assert_eq!(shortened("grüße", 5), "grüße");
        assert_eq!(shortened("grüßen", 4), "grü…");
    }
}
