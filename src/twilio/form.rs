//! Owns how parameters are written for Twilio: form-encoded, lists as repeated keys, nothing for what is not set.

use url::form_urlencoded::Serializer;

use crate::twiml::Callback;

/// A form body, or a query, under construction.
pub(super) struct Form(Serializer<'static, String>);

impl Form {
    pub(super) fn new() -> Self {
        Self(Serializer::new(String::new()))
    }

    pub(super) fn text(mut self, name: &str, value: &str) -> Self {
        self.0.append_pair(name, value);
        self
    }

    pub(super) fn opt(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(super) fn word<W: AsRef<str>>(self, name: &str, value: Option<W>) -> Self {
        self.opt(name, value.as_ref().map(AsRef::as_ref))
    }

    pub(super) fn flag(self, name: &str, value: Option<bool>) -> Self {
        self.word(name, value.map(|on| if on { "true" } else { "false" }))
    }

    pub(super) fn number(self, name: &str, value: Option<u32>) -> Self {
        self.word(name, value.map(|number| number.to_string()))
    }

    /// `{prefix}`, `{prefix}Method` and `{prefix}Event`, the last once for each event: a list in one value is not refused
    /// (21626), but no callback ever comes.
    pub(super) fn callback<E: AsRef<str>>(self, prefix: &str, callback: Option<&Callback<E>>) -> Self {
        let Some(callback) = callback else { return self };
        let form = self.text(prefix, &callback.url).word(&format!("{prefix}Method"), callback.method);
        let key = format!("{prefix}Event");
        callback.events.iter().fold(form, |form, event| form.text(&key, event.as_ref()))
    }

    /// As many items on a page as are wanted at all, within the 1 to 1000 that Twilio allows.
    pub(super) fn page_size(self, wanted: usize) -> Self {
        self.text("PageSize", &wanted.clamp(1, 1000).to_string())
    }

    pub(super) fn finish(mut self) -> String {
        self.0.finish()
    }
}
