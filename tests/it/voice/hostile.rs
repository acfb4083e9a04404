//! Ten thousand random and malformed requests, from one seed: the service goes on answering, and nobody unsigned changes
//! anything.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use warm_transfer::urls::routes;

use crate::support::service::{TestService, answer};

const REQUESTS: usize = 9_000;
const RAW: usize = 1_000;

struct Shot {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn shot(random: &mut StdRng) -> Shot {
    let methods = ["GET", "POST", "POST", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
    let known: Vec<_> = routes().collect();
    let route = known.choose(random).unwrap().path.replace("{id}", &word(random, 36));
    let path = match random.random_range(0..10) {
        0 => format!("/{}", word(random, 60)),
        1 => format!("{route}/{}", word(random, 20)),
        _ => route,
    };
    let query = if random.random_bool(0.5) {
        format!("?{}={}", word(random, 9), word(random, 400))
    } else {
        String::new()
    };
    let types = [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/xml",
        "application/json; charset=x",
        "",
    ];
    let mut headers = vec![("Content-Type", (*types.choose(random).unwrap()).to_owned())];
    let secrets = [("Authorization", "Bearer wt_"), ("X-Twilio-Signature", ""), ("Idempotency-Key", "")];
    for (name, prefix) in secrets {
        if random.random_bool(0.4) {
            headers.push((name, format!("{prefix}{}", word(random, 40))));
        }
    }
    Shot { method: methods.choose(random).unwrap(), path: path + &query, headers, body: body(random) }
}

fn body(random: &mut StdRng) -> Vec<u8> {
    let mut bytes = match random.random_range(0..5) {
        0 => br#"{"agent":"client:a","customer":"+15550100102"}"#.to_vec(),
        1 => b"CallSid=CA00000000000000000000000000000001&CallStatus=completed&SequenceNumber=9".to_vec(),
        2 => vec![b'['; random.random_range(0..5000)],
        _ => vec![0; random.random_range(0..2000)],
    };
    if random.random_bool(0.5) {
        let length = bytes.len();
        for _ in 0..random.random_range(0..20).min(length) {
            let at = random.random_range(0..length);
            bytes[at] = random.random();
        }
    } else if random.random_bool(0.02) {
        bytes = vec![b'a'; 200_000];
    }
    bytes
}

/// Letters that mean something somewhere, and can stand in a URL and a header.
fn word(random: &mut StdRng, most: usize) -> String {
    const LETTERS: &[u8] = b"abcdefCA0123456789-_.~%2F%00%ff:;,+*()'!@$=/";
    (0..random.random_range(0..=most)).map(|_| char::from(*LETTERS.choose(random).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_hostile_requests_leave_it_answering_and_the_database_unchanged() {
    let service = TestService::start().await;
    let before = service.rows().await;
    let mut random = StdRng::seed_from_u64(20261121);
    let shots: Vec<Shot> = (0..REQUESTS).map(|_| shot(&mut random)).collect();
    let answers = stream::iter(shots).map(|shot| {
        let mut request = service.request(shot.method, &shot.path).body(shot.body);
        for (name, value) in shot.headers {
            request = request.header(name, value);
        }
        async move {
            // A refused upload may end in a reset connection: that is an answer too.
            let status = request.send().await.ok().map(|response| response.status().as_u16());
            (shot.method, shot.path, status)
        }
    });
    let mut answers = answers.buffer_unordered(32);
    let mut answered = 0;
    while let Some((method, path, status)) = answers.next().await {
        answered += usize::from(status.is_some());
        let status = status.unwrap_or(413);
        assert!(status < 500, "{method} {path}: {status}");
    }
    drop(answers);
    assert!(answered > REQUESTS * 9 / 10, "{answered} were answered");
    let addr = service.addr();
    tokio::task::spawn_blocking(move || throw_bytes(addr, &mut random)).await.unwrap();
    assert_eq!(answer(service.request("GET", "/healthz")).await.status, 200);
    assert_eq!(service.rows().await, before);
    service.stop().await;
}

/// What is no HTTP at all.
fn throw_bytes(addr: SocketAddr, random: &mut StdRng) {
    for _ in 0..RAW {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut bytes = vec![0; random.random_range(1..300)];
        random.fill_bytes(&mut bytes);
        if random.random_bool(0.5) {
            bytes
                .splice(0..0, *b"POST /webhooks/call-status HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n");
        }
        drop(stream.write_all(&bytes));
        drop(stream.read(&mut [0; 64]));
    }
}
