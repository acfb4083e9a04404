//! The journal says what was said: each request of Twilio's with the answer that Twilio got, and each request to Twilio.

use std::time::Duration;

use diesel::prelude::*;
use warm_transfer::calls::exchanges::ExchangeRow;
use warm_transfer::db::DbError;
use warm_transfer::db::schema::{twilio_requests, webhooks};
use warm_transfer::demo::Stage;
use warm_transfer::voice::models::KeptWebhook;

/// What Twilio sent, and what it was answered: address, form, status and body.
type Told = (String, String, Option<i32>, String);
/// What Twilio was asked: method, path, form and the answer's status.
type Asked = (String, String, String, Option<i32>);

/// Compares it with the emulator's own records. The last of both come a little later than the call's end: what is on its
/// way, and answers that are filled in beside.
pub async fn journal_is_what_was_said(stage: &Stage) {
    let mut changed = stage.server.app().changed.subscribe();
    let mut difference = (vec![], vec![]);
    for _ in 0..200 {
        let (webhooks, exchanges) = rows(stage).await;
        no_secret_is_in(stage, &exchanges);
        difference = (
            differences(webhooks.iter().map(as_told).collect(), told(stage)),
            differences(exchanges.iter().map(as_asked).collect(), asked(stage)),
        );
        if difference.0.is_empty() && difference.1.is_empty() {
            return times_are_kept(&webhooks);
        }
        // An answer that is filled in says nothing: look again all the same.
        drop(tokio::time::timeout(Duration::from_millis(50), changed.recv()).await);
    }
    panic!("the journal and the emulator differ: {difference:#?}");
}

fn times_are_kept(webhooks: &[KeptWebhook]) {
    for row in webhooks {
        let took = row.answered_ms;
        assert_eq!(took.is_some(), row.answer_status == Some(200), "{}: {took:?}", row.path_and_query);
        assert!(took.is_none_or(|took| (0..60_000).contains(&took)));
    }
}

/// What one has and the other has not.
fn differences<T: PartialEq>(mut kept: Vec<T>, mut said: Vec<T>) -> Vec<(&'static str, T)> {
    said.retain(|it| kept.iter().position(|kept| kept == it).map(|at| kept.swap_remove(at)).is_none());
    let kept = kept.into_iter().map(|it| ("only in the journal", it));
    kept.chain(said.into_iter().map(|it| ("only at the emulator", it))).collect()
}

async fn rows(stage: &Stage) -> (Vec<KeptWebhook>, Vec<ExchangeRow>) {
    let read = stage.server.app().db.read(|conn| {
        let webhooks = webhooks::table.order(webhooks::id).select(KeptWebhook::as_select()).load(conn)?;
        let exchanges = twilio_requests::table.order(twilio_requests::id);
        Ok::<_, DbError>((webhooks, exchanges.select(ExchangeRow::as_select()).load(conn)?))
    });
    read.await.unwrap()
}

fn told(stage: &Stage) -> Vec<Told> {
    let public_url = stage.settings.public_url().unwrap().trim_end_matches('/');
    let told = stage.emulator.webhooks().into_iter().map(|sent| {
        let address = sent.url.strip_prefix(public_url).expect("our address").to_owned();
        (address, serde_json::to_string(&sent.params).unwrap(), sent.status.map(Into::into), sent.body)
    });
    told.collect()
}

fn as_told(row: &KeptWebhook) -> Told {
    let answer = row.answer.clone().unwrap_or_default();
    (row.path_and_query.clone(), row.form.clone(), row.answer_status, answer)
}

fn asked(stage: &Stage) -> Vec<Asked> {
    let account = format!("/2010-04-01/Accounts/{}", stage.settings.twilio().unwrap().config.account_sid);
    let asked = stage.emulator.requests().into_iter().map(|request| {
        let path = request.path.strip_prefix(&account).expect("our account").to_owned();
        let form = serde_json::to_string(&request.form).unwrap();
        (request.method, path, form, request.status.map(Into::into))
    });
    asked.collect()
}

fn as_asked(row: &ExchangeRow) -> Asked {
    assert!(row.status.is_none() || row.body.is_some(), "{row:?}");
    let form = row.form.clone().unwrap_or_else(|| "[]".to_owned());
    // The emulator's record is without the query.
    let path = row.path.split('?').next().unwrap_or_default().to_owned();
    (row.method.clone(), path, form, row.status)
}

fn no_secret_is_in(stage: &Stage, exchanges: &[ExchangeRow]) {
    let config = stage.settings.twilio().unwrap();
    for row in exchanges {
        let all = format!("{row:?}").to_lowercase();
        assert!(!all.contains("authorization") && !all.contains("basic "), "{row:?}");
        for token in &config.signature_tokens {
            use secrecy::ExposeSecret;
            assert!(!all.contains(&token.expose_secret().to_lowercase()), "{row:?}");
        }
    }
}
