//! Styles, scripts and icons of the pages: compiled in, told apart by their content, and asked for again only to be told that
//! they have not changed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{self, EntityTag, IfNoneMatch};
use actix_web::web::{Header, Path};
use sha2::{Digest, Sha256};

use super::texts::ENGLISH;
use crate::error::{AppError, ErrorCode};
use crate::idempotency::hex;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Name, type and content of the files of `static/`.
macro_rules! files {
    ($($name:literal: $kind:expr),* $(,)?) => {
        &[$(($name, $kind, include_str!(concat!("static/", $name)))),*]
    };
}

const FILES: &[(&str, &str, &str)] = files![
    "style.css": CSS,
    "call.css": CSS,
    "icon.svg": SVG,
    "icons.svg": SVG,
    "actions.js": SCRIPT,
    "agent.js": SCRIPT,
    "announce.js": SCRIPT,
    "api.js": SCRIPT,
    "avatar.js": SCRIPT,
    "board.js": SCRIPT,
    "call.js": SCRIPT,
    "card.js": SCRIPT,
    "clock.js": SCRIPT,
    "combo.js": SCRIPT,
    "dial.js": SCRIPT,
    "dom.js": SCRIPT,
    "incoming.js": SCRIPT,
    "keys.js": SCRIPT,
    "menu.js": SCRIPT,
    "numbers.js": SCRIPT,
    "outcome.js": SCRIPT,
    "people.js": SCRIPT,
    "phone.js": SCRIPT,
    "recent.js": SCRIPT,
    "roster.js": SCRIPT,
    "said.js": SCRIPT,
    "shell.js": SCRIPT,
    "state.js": SCRIPT,
    "stream.js": SCRIPT,
    "supervise.js": SCRIPT,
    "theme.js": SCRIPT,
    "transfer.js": SCRIPT,
    "words.js": SCRIPT,
];

struct Asset {
    kind: &'static str,
    content: String,
    tag: EntityTag,
}

static ASSETS: LazyLock<BTreeMap<&'static str, Asset>> = LazyLock::new(|| {
    let texts = ("texts.js", SCRIPT, format!("export default {};\n", ENGLISH.trim_end()));
    let files = FILES.iter().map(|(name, kind, content)| (*name, *kind, (*content).to_owned()));
    let asset = |(name, kind, content): (_, _, String)| {
        let tag = EntityTag::new_strong(hex(Sha256::digest(&content))[..16].to_owned());
        (name, Asset { kind, content, tag })
    };
    files.chain([texts]).map(asset).collect()
});

/// The version of what is served here: a page that was made by another is told that there is a newer one.
pub fn build() -> &'static str {
    static BUILD: LazyLock<String> = LazyLock::new(|| {
        let mut digest = Sha256::new();
        ASSETS.values().for_each(|asset| digest.update(asset.tag.tag()));
        format!("{}-{}", env!("CARGO_PKG_VERSION"), &hex(digest.finalize())[..8])
    });
    &BUILD
}

/// `GET /static/{name}`
///
/// # Errors
/// 404.
pub async fn file(name: Path<String>, known: Option<Header<IfNoneMatch>>) -> Result<HttpResponse, AppError> {
    let asset = ASSETS.get(name.as_str()).ok_or_else(|| AppError::new(ErrorCode::NotFound))?;
    let is_known = known.is_some_and(|Header(known)| match known {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|tag| tag.weak_eq(&asset.tag)),
    });
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header(header::ETag(asset.tag.clone()))
        // Asked for each time: a page must not run with scripts of another version.
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    if is_known {
        return Ok(response.finish());
    }
    Ok(response.content_type(asset.kind).body(asset.content.as_str()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/static");
        let names =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let missing: Vec<_> = names.filter(|name| !ASSETS.contains_key(name.as_str())).collect();
        assert!(missing.is_empty(), "{missing:?} are not in FILES");
    }

    #[test]
    fn scripts_import_only_what_is_served() {
        for (name, _, content) in FILES.iter().filter(|(_, kind, _)| *kind == SCRIPT) {
            let imports = content.lines().filter_map(|line| line.split_once(" from \"./"));
            for (_, file) in imports {
                let file = file.split('"').next().unwrap();
                assert!(ASSETS.contains_key(file), "{name} imports {file}");
            }
        }
    }
}
