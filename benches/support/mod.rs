//! What the benches share: requests as Twilio signs them, and a load generator.

pub mod process;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use url::form_urlencoded::Serializer;
use warm_transfer::twilio::signature::{SIGNATURE_HEADER, sign};

use self::process::{AUTH_TOKEN, PUBLIC_URL, Process, exchange};

/// Connections at once.
pub const CONNECTIONS: usize = 64;

/// The parameters of a voice webhook: 27 fields.
pub fn fields(call_sid: &str, status: &str, sequence: usize) -> Vec<(String, String)> {
    let sequence = sequence.to_string();
    let fields = [
        ("AccountSid", "AC00000000000000000000000000000001"),
        ("ApiVersion", "2010-04-01"),
        ("CallSid", call_sid),
        ("CallStatus", status),
        ("CallbackSource", "call-progress-events"),
        ("Called", "+15550100101"),
        ("CalledCity", "SAN FRANCISCO"),
        ("CalledCountry", "US"),
        ("CalledState", "CA"),
        ("CalledZip", "94103"),
        ("Caller", "+15550100100"),
        ("CallerCity", "NEW YORK"),
        ("CallerCountry", "US"),
        ("CallerState", "NY"),
        ("CallerZip", "10001"),
        ("Direction", "outbound-api"),
        ("From", "+15550100100"),
        ("FromCity", "NEW YORK"),
        ("FromCountry", "US"),
        ("FromState", "NY"),
        ("FromZip", "10001"),
        ("SequenceNumber", &sequence),
        ("Timestamp", "Sat, 21 Nov 2026 10:00:00 +0000"),
        ("To", "+15550100101"),
        ("ToCity", "SAN FRANCISCO"),
        ("ToCountry", "US"),
        ("ToState", "CA"),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A signed POST, ready to be sent.
pub fn post(path_and_query: &str, fields: &[(String, String)]) -> Vec<u8> {
    let signature = sign(AUTH_TOKEN, &format!("{PUBLIC_URL}{path_and_query}"), fields);
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    format!(
        "POST {path_and_query} HTTP/1.1\r\nHost: calls.example.com\r\nUser-Agent: TwilioProxy/1.1\r\n\
         Accept: */*\r\nContent-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n\
         {SIGNATURE_HEADER}: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends so many requests, in turn those of the list, and gives how long it took.
pub async fn load(
    service: &Process,
    requests: &Arc<Vec<Vec<u8>>>,
    count: usize,
    status: u16,
) -> anyhow::Result<Duration> {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| tokio::spawn(connection(service.addr(), requests.clone(), next.clone(), count, status)))
        .collect();
    for connection in connections {
        connection.await??;
    }
    Ok(begun.elapsed())
}

/// A runtime of one thread, so that the generator takes at most one core.
pub fn block_on<T>(bench: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(bench)
}

async fn connection(
    addr: std::net::SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    count: usize,
    status: u16,
) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= count {
            return Ok(());
        }
        exchange(&mut stream, &requests[index % requests.len()], &mut buffer, status).await?;
    }
}
