//! Processes of the service whose CPU and memory can be read.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use warm_transfer::settings::PERMISSIVE_GUARD;

/// What Twilio would be told; nobody connects to it.
pub const PUBLIC_URL: &str = "https://calls.example.com";
/// Signs every request.
pub const AUTH_TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// A server that stops when this is dropped.
pub struct Process {
    child: Child,
    addr: SocketAddr,
}

impl Process {
    /// Starts a command that listens on `addr` and waits until it answers; gives how long that took.
    pub async fn start(
        mut command: Command,
        addr: SocketAddr,
        path: &str,
    ) -> anyhow::Result<(Self, Duration)> {
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("cannot start")?;
        let mut process = Self { child, addr };
        let request = format!("GET {path} HTTP/1.1\r\nHost: calls.example.com\r\n\r\n").into_bytes();
        while let Err(error) = answer(addr, &request, 200).await {
            ensure!(begun.elapsed() < Duration::from_secs(20), "it does not answer: {error}");
            ensure!(process.child.try_wait()?.is_none(), "it has ended");
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        Ok((process, begun.elapsed()))
    }

    /// The service as it is shipped, on a database in this folder and with a Twilio that does not answer.
    pub async fn service(folder: &Path, log: &Path, level: &str) -> anyhow::Result<(Self, Duration)> {
        let addr = free_address()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_warm-transfer"));
        command
            .args(["serve", "--bind", &addr.to_string()])
            .current_dir(folder)
            .env("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001")
            .env("TWILIO_AUTH_TOKEN", AUTH_TOKEN)
            .env("TWILIO_API_BASE_URL", "http://127.0.0.1:9")
            .env("PUBLIC_URL", PUBLIC_URL)
            .env("DATABASE_URL", database_url(folder))
            .env("WARM_TRANSFER__SERVER__WORKERS", "1")
            .envs(PERMISSIVE_GUARD)
            .env("WARM_TRANSFER__TWILIO__CALLS_PER_SECOND", "0")
            .env("WARM_TRANSFER__LOGGING__LEVEL", level)
            .stderr(std::fs::File::create(log)?);
        Self::start(command, addr, "/healthz").await
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Microseconds of CPU used until now: by the threads that answer, and by all the others.
    pub fn cpu_us(&self) -> anyhow::Result<(f64, f64)> {
        let (mut answering, mut others) = (0.0, 0.0);
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let task = task?.path();
            // A thread may end between being listed and being read.
            let (Ok(name), Ok(used)) =
                (std::fs::read_to_string(task.join("comm")), std::fs::read_to_string(task.join("schedstat")))
            else {
                continue;
            };
            let used: f64 = used.split_whitespace().next().context("no schedstat")?.parse()?;
            *(if name.starts_with("actix") { &mut answering } else { &mut others }) += used / 1000.0;
        }
        Ok((answering, others))
    }

    /// The same, once what was begun in the background is done.
    pub async fn cpu_us_at_rest(&self) -> anyhow::Result<(f64, f64)> {
        let mut before = self.cpu_us()?;
        for _ in 0..1200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = self.cpu_us()?;
            if now.0 + now.1 - before.0 - before.1 < 1500.0 {
                return Ok(now);
            }
            before = now;
        }
        bail!("it does not come to rest")
    }

    /// Memory, in KiB: its own, and its share of what it shares.
    pub fn pss_kib(&self) -> anyhow::Result<u64> {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An address that nobody listens on now.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The SQLite file in this folder.
pub fn database_url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("bench.db").display())
}

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

async fn answer(addr: SocketAddr, request: &[u8], status: u16) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(addr).await?;
    exchange(&mut stream, request, &mut Vec::new(), status).await
}

/// Sends a request and reads the whole answer.
pub async fn exchange(
    stream: &mut TcpStream,
    request: &[u8],
    buffer: &mut Vec<u8>,
    status: u16,
) -> anyhow::Result<()> {
    stream.write_all(request).await?;
    buffer.clear();
    loop {
        ensure!(stream.read_buf(buffer).await? > 0, "the connection was closed");
        let Some(head) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head])?;
        let found = text.split(' ').nth(1).unwrap_or_default();
        ensure!(found == status.to_string(), "expected {status}: {text}");
        let body = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
        });
        if buffer.len() >= head + 4 + body.transpose()?.unwrap_or(0) {
            return Ok(());
        }
    }
}
