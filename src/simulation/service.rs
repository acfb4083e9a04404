//! Owns the service without its machinery: one call in memory, the queue of its commands, its timers. What the database's
//! rows do in `calls::queue` and `calls::services`, lists do here; all that is decided, the same functions decide.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::calls::attempts::{self, Attempt, Outcome, Settlement};
use crate::calls::flow::{self, Call, Command, Event, Policy, Refusal, SetTimer, Stage, Timer};
use crate::telephony::CallSid;

/// A command in the queue.
#[derive(Debug)]
struct Row {
    id: u64,
    attempt: Attempt,
    /// From when on it may be claimed; `None` while it is being carried out.
    waits_until: Option<DateTime<Utc>>,
}

/// A moment at which something about the call changed.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) at_ms: u64,
    pub(super) call: Call,
    /// For people.
    pub(super) cause: String,
}

/// One call, and what is to be done for it.
pub(super) struct Service {
    pub(super) call: Call,
    policy: Policy,
    epoch: DateTime<Utc>,
    rows: Vec<Row>,
    timers: BTreeMap<(DateTime<Utc>, u64), Timer>,
    ids: u64,
    /// Everything that the call has been.
    pub(super) history: Vec<Moment>,
    /// How often the call's end was written down.
    pub(super) endings: usize,
}

impl Service {
    pub(super) fn new(call: Call, policy: Policy) -> Self {
        let epoch = call.created_at;
        Self {
            call,
            policy,
            epoch,
            rows: vec![],
            timers: BTreeMap::new(),
            ids: 0,
            history: vec![],
            endings: 0,
        }
    }

    fn at(&self, now_ms: u64) -> DateTime<Utc> {
        self.epoch + TimeDelta::milliseconds(i64::try_from(now_ms).unwrap_or(i64::MAX))
    }

    fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Takes an event in; gives the commands to carry out now.
    pub(super) fn take_in(&mut self, now_ms: u64, event: &Event) -> Result<Vec<u64>, Refusal> {
        let now = self.at(now_ms);
        let step = flow::step(&self.call, event, &self.policy, now)?;
        self.endings +=
            flow::changes(Some(&self.call), &step.call).iter().filter(|it| it.kind == "call.ended").count();
        if step.call != self.call || !step.commands.is_empty() {
            let asked: Vec<&str> = step.commands.iter().map(<&str>::from).collect();
            let cause = format!("{} => {asked:?}", cause(event));
            self.history.push(Moment { at_ms: now_ms, call: step.call.clone(), cause });
        }
        self.call = step.call;
        if self.call.stage == Stage::Ended {
            self.timers.clear();
        } else {
            self.set(now, &step.timers);
        }
        Ok(step.commands.into_iter().filter_map(|command| self.enqueue(now, command)).collect())
    }

    fn set(&mut self, now: DateTime<Utc>, timers: &[SetTimer]) {
        for set in timers {
            let id = self.id();
            self.timers.insert((now + TimeDelta::seconds(set.after_secs.into()), id), set.timer);
        }
    }

    fn enqueue(&mut self, now: DateTime<Utc>, command: Command) -> Option<u64> {
        let leg_id = command.leg_id();
        let must_wait =
            leg_id.is_some() && self.rows.iter().any(|row| row.attempt.command.leg_id() == leg_id);
        let attempt = Attempt { command, attempts: 0, uncertain: false, created_at: now };
        let id = self.id();
        self.rows.push(Row { id, attempt, waits_until: must_wait.then_some(now) });
        (!must_wait).then_some(id)
    }

    /// A command that is being carried out.
    pub(super) fn attempt(&self, id: u64) -> Option<&Attempt> {
        self.rows.iter().find(|row| row.id == id).map(|row| &row.attempt)
    }

    /// Whether Twilio's leg is one of the call's.
    pub(super) fn knows(&self, sid: &CallSid) -> bool {
        self.call.leg_by_sid(sid).is_some()
    }

    /// Notes how a try came out; gives the commands to carry out now.
    pub(super) fn settle(&mut self, now_ms: u64, id: u64, outcome: &Outcome) -> Vec<u64> {
        let now = self.at(now_ms);
        let Some(at) = self.rows.iter().position(|row| row.id == id) else { return vec![] };
        let row = &mut self.rows[at];
        let events = match attempts::settlement(&row.attempt, outcome) {
            Settlement::Postponed(pause) => {
                row.attempt.attempts += 1;
                row.attempt.uncertain |= matches!(outcome, Outcome::Again { uncertain: true, .. });
                row.waits_until = Some(now + pause);
                return vec![];
            }
            Settlement::Over(_, _, events) => events,
        };
        let leg_id = row.attempt.command.leg_id();
        self.rows.remove(at);
        let mut claimed: Vec<u64> = self.claim_next_of(now, leg_id).into_iter().collect();
        for event in &events {
            claimed.extend(self.take_in(now_ms, event).unwrap_or_default());
        }
        claimed
    }

    fn claim_next_of(&mut self, now: DateTime<Utc>, leg_id: Option<uuid::Uuid>) -> Option<u64> {
        let mut of_leg = self.rows.iter_mut().filter(|row| row.attempt.command.leg_id() == leg_id);
        let next = of_leg.next().filter(|_| leg_id.is_some())?;
        next.waits_until.filter(|due| *due <= now)?;
        next.waits_until = None;
        Some(next.id)
    }

    /// When the next timer or postponed command is due.
    pub(super) fn next_due_ms(&self) -> Option<u64> {
        let timer = self.timers.first_key_value().map(|((due, _), _)| *due);
        let command = self.rows.iter().filter(|row| self.is_first(row)).filter_map(|row| row.waits_until);
        let due = command.chain(timer).min()?;
        u64::try_from((due - self.epoch).num_milliseconds()).ok()
    }

    fn is_first(&self, row: &Row) -> bool {
        let leg_id = row.attempt.command.leg_id();
        let mut earlier = self.rows.iter().take_while(|it| it.id != row.id);
        leg_id.is_none() || !earlier.any(|it| it.attempt.command.leg_id() == leg_id)
    }

    /// Fires the timers that are due, and claims the commands that are.
    pub(super) fn wake(&mut self, now_ms: u64) -> Vec<u64> {
        let now = self.at(now_ms);
        let is_due = |row: &&Row| row.waits_until.is_some_and(|due| due <= now) && self.is_first(row);
        let mut claimed: Vec<u64> = self.rows.iter().filter(is_due).map(|row| row.id).collect();
        for row in self.rows.iter_mut().filter(|row| claimed.contains(&row.id)) {
            row.waits_until = None;
        }
        while let Some(entry) = self.timers.first_entry().filter(|entry| entry.key().0 <= now) {
            let timer = entry.remove();
            claimed.extend(self.take_in(now_ms, &Event::TimerFired(timer)).unwrap_or_default());
        }
        claimed
    }

    /// Whether nothing is left to be done.
    pub(super) fn is_idle(&self) -> bool {
        self.rows.is_empty()
    }
}

/// An event in a few words.
fn cause(event: &Event) -> String {
    let text = format!("{event:?}");
    let short: String = text.chars().take(220).collect();
    short
}
