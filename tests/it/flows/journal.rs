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

/// Compares it with the emulator's own records.
pub async fn journal_is_what_was_said(stage: &Stage) {
    let (told, asked) = (told(stage), asked(stage));
    let kept = async {
        loop {
            let (webhooks, exchanges) = rows(stage).await;
            // Some answers are filled in beside, a little later.
            if webhooks.len() >= told.len() && webhooks.iter().all(|row| row.answer_status.is_some()) {
                return (webhooks, exchanges);
            }
            tokio::task::yield_now().await;
        }
    };
    let (webhooks, exchanges) = tokio::time::timeout(Duration::from_secs(20), kept).await.expect("kept");
    for row in &webhooks {
        let took = row.answered_ms;
        assert_eq!(took.is_some(), row.answer_status == Some(200), "{}: {took:?}", row.path_and_query);
        assert!(took.is_none_or(|took| (0..60_000).contains(&took)));
    }
    assert_eq!(sorted(webhooks.into_iter().map(as_told)), told);
    no_secret_is_in(stage, &exchanges);
    assert_eq!(sorted(exchanges.iter().map(as_asked)), asked);
}

async fn rows(stage: &Stage) -> (Vec<KeptWebhook>, Vec<ExchangeRow>) {
    let read = stage.server.app().db.read(|conn| {
        let webhooks = webhooks::table.order(webhooks::id).select(KeptWebhook::as_select()).load(conn)?;
        let exchanges = twilio_requests::table.order(twilio_requests::id);
        Ok::<_, DbError>((webhooks, exchanges.select(ExchangeRow::as_select()).load(conn)?))
    });
    read.await.unwrap()
}

fn sorted<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    all
}

fn told(stage: &Stage) -> Vec<Told> {
    let public_url = stage.settings.public_url().unwrap().to_string();
    let public_url = public_url.trim_end_matches('/');
    sorted(stage.emulator.webhooks().into_iter().map(|sent| {
        let address = sent.url.strip_prefix(public_url).expect("our address").to_owned();
        (address, serde_json::to_string(&sent.params).unwrap(), sent.status.map(Into::into), sent.body)
    }))
}

fn as_told(row: KeptWebhook) -> Told {
    (row.path_and_query, row.form, row.answer_status, row.answer.unwrap_or_default())
}

fn asked(stage: &Stage) -> Vec<Asked> {
    let account = format!("/2010-04-01/Accounts/{}", stage.settings.twilio().unwrap().config.account_sid);
    sorted(stage.emulator.requests().into_iter().map(|request| {
        let path = request.path.strip_prefix(&account).expect("our account").to_owned();
        let path = path.split('?').next().unwrap().to_owned();
        let form = serde_json::to_string(&request.form).unwrap();
        (request.method, path, form, request.status.map(Into::into))
    }))
}

fn as_asked(row: &ExchangeRow) -> Asked {
    let (path, query) = row.path.split_once('?').unwrap_or((&row.path, ""));
    let query: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap();
    let form = row.form.clone().unwrap_or_else(|| serde_json::to_string(&query).unwrap());
    assert!(row.status.is_none() || row.body.is_some(), "{row:?}");
    (row.method.clone(), path.to_owned(), form, row.status)
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
