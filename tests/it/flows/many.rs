//! Many calls at once on one service: each person hears the people of their own call, and nobody else's.

use futures_util::future::join_all;
use serde_json::{Value, json};
use warm_transfer::demo::{Part, Stage, StageOptions};
use warm_transfer::emulator::Heard;

use super::theatre;

const CALLS: usize = 12;

/// First agent, customer and second agent of one call, on phones of their own.
struct Cast([Part; 3]);

fn cast(number: usize) -> Cast {
    // A test's few addresses may live as long as the test program.
    let part = |role, place| Part { role, name: role, address: format!("+1555020{place}{number:03}").leak() };
    Cast([part("first_agent", 1), part("customer", 2), part("second_agent", 3)])
}

async fn call_with(stage: &Stage, Cast([first, customer, second]): &Cast) -> anyhow::Result<Value> {
    for (part, after_ms) in [(first, 1000), (customer, 1500), (second, 2000)] {
        stage.phones.will(*part, "answer", after_ms).await?;
    }
    let body = json!({ "agent": first.address, "customer": customer.address });
    let (status, placed) = stage.crm.send("POST", "/api/v1/calls", Some(body)).await?;
    assert_eq!(status, 201, "{placed}");
    let id = placed["id"].as_str().unwrap().to_owned();
    stage.crm.wait_for_status(&id, "connected").await?;
    stage.crm.ask(&id, "transfer", Some(json!({ "to": second.address }))).await?;
    stage.crm.wait_for_transfer(&id, "joined").await?;
    stage.pass(3.0).await;
    stage.phones.hang_up(*first).await?;
    stage.crm.wait_for_transfer(&id, "completed").await?;
    stage.pass(3.0).await;
    stage.phones.hang_up(*customer).await?;
    stage.crm.wait_for_status(&id, "ended").await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_the_same_time_never_meet() {
    let theatre = theatre(StageOptions::default()).await;
    let stage = &theatre.stage;
    let casts: Vec<Cast> = (0..CALLS).map(cast).collect();
    let ended = join_all(casts.iter().map(|cast| call_with(stage, cast))).await;
    for call in ended {
        let call = call.unwrap();
        assert_eq!(
            (&call["ended_by"], &call["transfers"][0]["status"]),
            (&"customer".into(), &"completed".into()),
            "{call}"
        );
    }
    let audibility = stage.emulator.audibility();
    assert_eq!(audibility.people.len(), CALLS * 3);
    for Cast(parts) in &casts {
        for me in parts {
            let person = audibility.people.iter().find(|person| person.address == me.address).unwrap();
            let mut heard: Vec<&str> = person
                .spans
                .iter()
                .flat_map(|span| &span.hears)
                .filter_map(|it| match it {
                    Heard::Person { who } => Some(who.as_str()),
                    _ => None,
                })
                .collect();
            heard.sort_unstable();
            heard.dedup();
            let others: Vec<&str> =
                parts.iter().filter(|part| part != &me).map(|part| part.address).collect();
            assert_eq!(heard, others, "{}", me.address);
        }
    }
    let creates = |ending: &str| {
        stage.emulator.requests().iter().filter(|it| it.path.ends_with(ending) && it.method == "POST").count()
    };
    assert_eq!((creates("/Calls.json"), creates("/Participants.json")), (CALLS, CALLS));
    theatre.stage.strike().await.unwrap();
}
