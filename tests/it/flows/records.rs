//! What every call must leave behind, however it went: a complete record, and nothing still to be done.

use std::time::Duration;

use diesel::prelude::*;
use warm_transfer::app::App;
use warm_transfer::db::DbError;
use warm_transfer::db::schema::{commands, legs, timers, webhooks};
use warm_transfer::demo::Stage;
use warm_transfer::emulator::EventKind;

/// Nothing is left to do, each leg is kept once with its last status, and every webhook is in the journal.
pub async fn kept_in_full(stage: &Stage) {
    let server = &stage.server;
    no_command_is_open(server.app()).await;
    let sent = stage.emulator.webhooks().len() as i64;
    let counts = server.app().db.read(|conn| {
        let open = commands::table.filter(commands::finished_at.is_null()).count().get_result::<i64>(conn)?;
        let left = timers::table.count().get_result::<i64>(conn)?;
        let kept = webhooks::table.count().get_result::<i64>(conn)?;
        let sids: Vec<Option<String>> = legs::table.select(legs::call_sid).load(conn)?;
        Ok::<_, DbError>((open, left, kept, sids))
    });
    let (open, left, kept, mut sids) = counts.await.unwrap();
    assert_eq!((open, left), (0, 0), "open commands, timers left");
    assert!(kept >= sent, "{sent} webhooks were sent, {kept} are kept");
    sids.retain(Option::is_some);
    let count = sids.len();
    sids.sort_unstable();
    sids.dedup();
    assert_eq!(sids.len(), count);
    let seen = stage.emulator.timeline().iter().filter(|event| event.kind == EventKind::Dialled).count();
    assert_eq!(count, seen, "as many legs are kept as were dialled");
}

/// What was on its way to Twilio when the calls ended comes to its end too.
pub async fn no_command_is_open(app: &App) {
    let mut changed = app.changed.subscribe();
    let settled = async {
        loop {
            let open = app.db.read(|conn| {
                let open = commands::table.filter(commands::finished_at.is_null()).count();
                Ok::<_, DbError>(open.get_result::<i64>(conn)?)
            });
            if open.await.unwrap() == 0 {
                return;
            }
            // What changes no call says nothing: look again all the same.
            drop(tokio::time::timeout(Duration::from_millis(100), changed.recv()).await);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.expect("commands stay open");
}

/// Every document was XML of the right type, every callback was accepted.
pub fn twiml_is_sound(stage: &Stage) {
    for webhook in stage.emulator.webhooks() {
        let status = webhook.status.unwrap_or_default();
        assert!((200..300).contains(&status), "{} {status} {}", webhook.url, webhook.body);
        if webhook.url.contains("/twiml/") {
            let content_type = webhook.content_type.unwrap_or_default();
            assert!(content_type.starts_with("text/xml"), "{}: {content_type}", webhook.url);
            let document = roxmltree::Document::parse(&webhook.body).unwrap();
            assert_eq!(document.root_element().tag_name().name(), "Response");
        }
    }
}
