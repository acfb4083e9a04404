//! A fresh, empty database for one test: a SQLite file, or one on the PostgreSQL server that
//! `WARM_TRANSFER_TEST_POSTGRES_URL` names when `WARM_TRANSFER_TEST_DATABASE` is `postgres`. Gone when dropped.

use tempfile::TempDir;

/// A database, and a folder that is the test's own.
pub struct TestDatabase {
    /// As `DATABASE_URL` takes it.
    pub url: String,
    /// For whatever files the test needs.
    pub folder: TempDir,
    #[cfg(feature = "postgres")]
    on_server: Option<postgres::OnServer>,
}

impl TestDatabase {
    /// Creates it.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        match std::env::var("WARM_TRANSFER_TEST_DATABASE").as_deref() {
            Ok("postgres") => return Self::on_postgres(folder),
            Ok("sqlite") | Err(_) => {}
            Ok(other) => panic!("WARM_TRANSFER_TEST_DATABASE is {other}; expected sqlite or postgres"),
        }
        Self {
            url: format!("sqlite://{}", folder.path().join("test.db").display()),
            folder,
            #[cfg(feature = "postgres")]
            on_server: None,
        }
    }

    #[cfg(feature = "postgres")]
    fn on_postgres(folder: TempDir) -> Self {
        let on_server = postgres::OnServer::create();
        Self { url: on_server.url.clone(), folder, on_server: Some(on_server) }
    }

    #[cfg(not(feature = "postgres"))]
    fn on_postgres(_: TempDir) -> Self {
        panic!("WARM_TRANSFER_TEST_DATABASE=postgres takes `--features postgres`")
    }
}

#[cfg(feature = "postgres")]
impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some(on_server) = self.on_server.take() {
            on_server.drop_it();
        }
    }
}

#[cfg(feature = "postgres")]
pub mod postgres {
    //! The server that such a database is on.

    use diesel::connection::SimpleConnection;
    use diesel::prelude::*;
    use url::Url;
    use warm_transfer::clock::{IdSource, RandomIds};

    /// A database on it.
    pub struct OnServer {
        /// As `DATABASE_URL` takes it.
        pub url: String,
        name: String,
    }

    fn server() -> Url {
        let url = std::env::var("WARM_TRANSFER_TEST_POSTGRES_URL").unwrap_or_else(|_| {
            panic!(
                "WARM_TRANSFER_TEST_POSTGRES_URL is not set; `scripts/test` starts a PostgreSQL and sets it"
            )
        });
        url.parse().unwrap_or_else(|error| panic!("WARM_TRANSFER_TEST_POSTGRES_URL is no URL: {error}"))
    }

    /// Runs this on the server, in no database of a test.
    pub fn run(sql: &str) {
        let mut conn = PgConnection::establish(server().as_str()).unwrap_or_else(|error| {
            panic!(
                "the PostgreSQL of WARM_TRANSFER_TEST_POSTGRES_URL cannot be reached; is it running, and may \
                 its user create databases? {error}"
            )
        });
        conn.batch_execute(sql).unwrap();
    }

    impl OnServer {
        /// Creates it.
        pub fn create() -> Self {
            let name = format!("wt_{}", RandomIds.unguessable());
            run(&format!("CREATE DATABASE {name}"));
            let mut url = server();
            url.set_path(&name);
            Self { url: url.into(), name }
        }

        /// Drops it, whoever uses it.
        pub fn drop_it(self) {
            run(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}
