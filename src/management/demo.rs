//! `demo`: service, emulator and people on an embedded database; `--headless` plays one story by itself.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use super::{Format, print_json};
use crate::demo::{Ladder, Report, Scenario, Stage, StageOptions, play, report};
use crate::settings::{LogFormat, LoggingSettings};

/// How often the ladder listens, in real time.
const LOOK_EVERY: Duration = Duration::from_millis(25);

#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Play one story and leave: exit code 0 only if every promise was kept
    #[arg(long)]
    headless: bool,
    /// Which story
    #[arg(long, value_enum, default_value_t = Scenario::Straight, requires = "headless")]
    scenario: Scenario,
    /// For people, or one document for programs
    #[arg(long, value_enum, default_value = "text", requires = "headless")]
    format: Format,
    /// Seconds that pass in a real one
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Decides what varies, such as the order in which Twilio asks
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the service listens when the demo stays up
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080", conflicts_with = "headless")]
    bind: String,
    /// Where the emulator listens when the demo stays up
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:4010", conflicts_with = "headless")]
    emulator_bind: String,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if (0.1..=100.0).contains(&speed) { Ok(speed) } else { Err("expected 0.1 to 100".into()) }
}

pub async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let level = if args.headless { "error" } else { "warn,warm_transfer=info" };
    crate::logging::start(&LoggingSettings { format: LogFormat::Text, level: level.into() })?;
    let options = StageOptions { speed: args.speed, seed: args.seed, ..StageOptions::default() };
    if args.headless {
        return headless(args.scenario, args.format, options).await;
    }
    stay_up(StageOptions { bind: args.bind, emulator_bind: args.emulator_bind, ..options }).await
}

async fn headless(scenario: Scenario, format: Format, options: StageOptions) -> anyhow::Result<ExitCode> {
    let stage = Stage::set(options).await?;
    let call = match format {
        Format::Text => play_aloud(&stage, scenario).await?,
        Format::Json => play(&stage, scenario).await?,
    };
    let report = report(&stage, scenario, &call).await?;
    stage.strike().await?;
    match format {
        Format::Json => print_json(&report)?,
        Format::Text => summarise(&report),
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays the story and draws what happens while it does.
async fn play_aloud(stage: &Stage, scenario: Scenario) -> anyhow::Result<String> {
    let is_coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut ladder = Ladder::new(scenario.people(), is_coloured);
    let mut events = stage.emulator.subscribe();
    let mut look = tokio::time::interval(LOOK_EVERY);
    say!("{scenario}: emulator {}, service {}\n", stage.emulator.base_url(), stage.crm.base_url());
    say!("{}", ladder.head());
    let story = play(stage, scenario);
    tokio::pin!(story);
    loop {
        tokio::select! {
            biased;
            event = events.recv() => match event {
                Ok(event) => {
                    let lines = ladder.lines(&event, &stage.emulator.audibility());
                    lines.iter().for_each(|line| say!("{line}"));
                }
                Err(RecvError::Lagged(missed)) => say!("… {missed} events not shown"),
                Err(RecvError::Closed) => return story.await,
            },
            // What people hear can change between events: a sentence begins, or ends.
            _ = look.tick() => {
                let (now_ms, audibility) = (stage.emulator.now_ms(), stage.emulator.audibility());
                // An event that is not drawn yet comes first, and says itself what people hear from it on.
                if events.is_empty() {
                    ladder.listen(now_ms, &audibility).iter().for_each(|line| say!("{line}"));
                }
            }
            call = &mut story => return call,
        }
    }
}

fn summarise(report: &Report) {
    say!("\nThe call ended: by {}, {}.", report.call["ended_by"], report.call["end_reason"]);
    for transfer in report.call["transfers"].as_array().into_iter().flatten() {
        let what = if transfer["recall"] == true { "recall" } else { "transfer" };
        let why = transfer["failure_detail"].as_str().map(|why| format!(" ({why})")).unwrap_or_default();
        say!("The {what}: {}{why}.", transfer["status"].as_str().unwrap_or_default());
    }
    let dead_air: Vec<String> =
        report.dead_air_ms.iter().map(|(role, ms)| format!("{role} {ms} ms")).collect();
    say!("Dead air: {}.", dead_air.join(", "));
    if report.ok {
        say!("Every promise was kept.");
    }
    report.violations.iter().for_each(|violation| say!("BROKEN: {violation}"));
}

async fn stay_up(options: StageOptions) -> anyhow::Result<ExitCode> {
    let stopped = super::serve::until_stopped()?;
    let stage = Stage::set(StageOptions { has_panel: true, ..options }).await?;
    let (service, emulator) = (stage.crm.base_url(), stage.emulator.base_url());
    say!("Open {service}/demo and play two agents and a customer in one window.\n");
    say!("service   {service}/api/v1/calls");
    say!("emulator  {emulator}/emulator/timeline?format=text");
    say!("          {emulator}/emulator/audibility");
    say!("\nIn another terminal:\n");
    say!("  export WARM_TRANSFER_URL={service}");
    say!("  export WARM_TRANSFER_KEY={}", stage.crm.key());
    say!("\nUntil you open the page, all phones answer by themselves. Place a call:\n");
    say!("  curl -H \"Authorization: Bearer $WARM_TRANSFER_KEY\" -H 'Content-Type: application/json' \\");
    say!(
        "    -d '{{\"agent\":\"agent:alice\",\"customer\":\"+15550100199\"}}' $WARM_TRANSFER_URL/api/v1/calls\n"
    );
    say!(
        "then transfer it: POST $WARM_TRANSFER_URL/api/v1/calls/ID/transfer {{\"to\":\"agent:dana\"}}, or run one of"
    );
    say!("docs/examples. Ctrl-C ends all.");
    stopped.await;
    stage.strike().await?;
    Ok(ExitCode::SUCCESS)
}
