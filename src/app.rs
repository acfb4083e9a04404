//! The application's state: everything that views and workers share, each thing built once and handed in.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, broadcast};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::calls::dispatcher;
use crate::calls::flow::{Bridge, Policy, Style};
use crate::calls::pacing::Pace;
use crate::calls::queue::Claimant;
use crate::calls::services::Advanced;
use crate::clock::{IdSource, SharedClock};
use crate::console::Console;
use crate::console::live::Live;
use crate::copies::Changed;
use crate::crm::Crm;
use crate::db::Db;
use crate::guard::Guard;
use crate::middleware::limiter::Limiter;
use crate::middleware::peer::Proxies;
use crate::settings::OutcomeSettings;
use crate::telephony::PhoneNumber;
use crate::twilio::TwilioClient;
use crate::voice::documents::Documents;
use crate::voice::services::Journal;

/// How long, in real seconds, what one process has claimed is safe from the others. Who is alive renews its claims; what a
/// process that died has left is taken over after this.
const LEASE_SECS: f64 = 10.0;

/// What a call is made of unless the request says otherwise.
#[derive(Debug, Clone)]
pub struct CallDefaults {
    /// What agent and customer see as caller.
    pub caller_id: Option<PhoneNumber>,
    /// What the first agent sees, if it is to be another number.
    pub agent_caller_id: Option<PhoneNumber>,
    /// What second agents see, if it is to be another number.
    pub transfer_caller_id: Option<PhoneNumber>,
    /// How agent and customer are joined.
    pub bridge: Bridge,
    /// How second agents are brought in.
    pub style: Style,
    /// Whether second agents press a key before they count as present.
    pub require_accept: bool,
    /// How long to ring, in seconds; Twilio adds 5.
    pub ring_timeout_secs: u32,
    /// How long a leg may last, in seconds.
    pub time_limit_secs: u32,
}

/// Everything that is shared.
pub struct App {
    /// The database.
    pub db: Db,
    /// Twilio's REST API.
    pub twilio: TwilioClient,
    /// The time.
    pub clock: SharedClock,
    /// Ids and unguessable names.
    pub ids: Arc<dyn IdSource>,
    /// TwiML.
    pub documents: Documents,
    /// The flow's choices.
    pub policy: Policy,
    /// How often the account may dial.
    pub pace: Pace,
    /// What a call is made of.
    pub defaults: CallDefaults,
    /// What must hold before anybody is dialled.
    pub guard: Arc<Guard>,
    /// What may come of a call.
    pub outcomes: OutcomeSettings,
    /// How long a TwiML view waits for the database before it answers without.
    pub database_budget: Duration,
    /// This process, in claims.
    pub process: String,
    /// Wakes the worker before its nap is over.
    pub knock: Notify,
    /// Says which call has changed, here or at another copy.
    pub changed: broadcast::Sender<Changed>,
    /// The commands that are being carried out: their claims are renewed until they are settled.
    pub in_hand: InHand,
    /// What is being carried out; a stop waits for it.
    pub tasks: TaskTracker,
    /// How many commands are carried out at once: as many as there are, and one after the other where each run is to be the
    /// same as the last.
    pub lanes: Semaphore,
    /// Where it is carried out: not on a server's worker, which ends before the work does.
    pub runtime: Handle,
    /// Keeps what Twilio sends.
    pub journal: Journal,
    /// How much programs may ask; absent if there is no limit.
    pub limiter: Option<Limiter>,
    /// Tells CRMs what happens.
    pub crm: Crm,
    /// Reverse proxies that are believed.
    pub proxies: Proxies,
    /// What the console shares.
    pub console: Console,
    /// What consoles show now.
    pub live: Live,
    /// Ends the worker.
    pub stopping: CancellationToken,
}

/// What it takes to claim rows at one moment; owned, so that it can go along into a transaction.
#[derive(Clone)]
pub struct Claims {
    process: String,
    /// The moment.
    pub now: DateTime<Utc>,
    lease: TimeDelta,
    ids: Arc<dyn IdSource>,
    pace: Pace,
}

impl Claims {
    /// The same, borrowed.
    pub fn claimant(&self) -> Claimant<'_> {
        Claimant { name: &self.process, now: self.now, lease: self.lease, ids: &*self.ids, pace: self.pace }
    }
}

impl App {
    /// For a transaction that is about to begin.
    pub fn claims(&self) -> Claims {
        let lease = Duration::from_secs_f64(LEASE_SECS * self.clock.speed());
        Claims {
            process: self.process.clone(),
            now: self.clock.now(),
            lease: TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX),
            ids: self.ids.clone(),
            pace: self.pace,
        }
    }

    /// After a step is durable: carries its commands out, and tells whoever watches the call.
    pub fn carry_on(self: &Arc<Self>, advanced: Option<Advanced>) {
        let Some(advanced) = advanced else { return };
        let has_commands = !advanced.commands.is_empty();
        dispatcher::dispatch(self, advanced.commands);
        if advanced.is_news {
            self.tell(advanced.call.id);
        }
        if advanced.is_news || has_commands {
            self.knock.notify_one();
        }
    }

    /// Tells whoever watches the call that it has changed.
    pub fn tell(&self, call_id: Uuid) {
        drop(self.changed.send(Changed::Here(call_id))); // nobody may be watching
    }

    /// Does this beside whatever else is done; a stop waits for it.
    pub fn work<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.tasks.spawn_on(task, &self.runtime)
    }

    /// Stops the worker and waits for what is being carried out, at most so long.
    pub async fn stop(&self, patience: Duration) {
        self.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                "stopped while requests to Twilio were on their way; the next start looks them up"
            );
        }
    }
}

/// Ids of the commands that this process is carrying out.
#[derive(Default)]
pub struct InHand(Mutex<HashSet<String>>);

impl InHand {
    /// Until what is given back is dropped, this command is in hand.
    pub fn hold(&self, command_id: &str) -> Held<'_> {
        self.ids().insert(command_id.to_owned());
        Held { in_hand: self, command_id: command_id.to_owned() }
    }

    /// All of them.
    pub fn all(&self) -> Vec<String> {
        self.ids().iter().cloned().collect()
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command in hand.
pub struct Held<'a> {
    in_hand: &'a InHand,
    command_id: String,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.in_hand.ids().remove(&self.command_id);
    }
}

/// The state as views take it.
pub type SharedApp = actix_web::web::Data<App>;
