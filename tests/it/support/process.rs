//! The program as a process of its own.

use std::process::{Child, Command};

use super::database::TestDatabase;

/// The program in a folder of its own, with nothing in its environment but a database.
pub fn command(database: &TestDatabase) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("warm-transfer"));
    command.env_clear().current_dir(database.folder.path()).env("DATABASE_URL", &database.url);
    command
}

/// A process that is killed when dropped: on Unix by SIGKILL, so that nothing is said and nothing finished.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
