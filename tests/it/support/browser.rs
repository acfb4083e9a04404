//! Chromium and the scripts that drive it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where Debian installs it. Its absence fails the test: a check that is skipped checks nothing.
pub fn chromium() -> PathBuf {
    let chromium = std::env::var_os("WARM_TRANSFER_TEST_CHROMIUM").unwrap_or("/usr/bin/chromium".into());
    let chromium = PathBuf::from(chromium);
    assert!(
        chromium.exists(),
        "there is no {}: run scripts/test, which installs it, or install chromium",
        chromium.display()
    );
    chromium
}

/// Starts a script of `tests/browser`.
pub fn script(name: &str) -> Child {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    assert!(
        folder.join("node_modules/playwright-core").exists(),
        "there is no {}: run scripts/test, which makes it (or tests/browser/setup.sh alone)",
        folder.join("node_modules/playwright-core").display()
    );
    Command::new("node")
        .arg(folder.join(name))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is no node: run scripts/test, which installs it, or install nodejs")
}
