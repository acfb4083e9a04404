//! Owns what is thrown for one call before it begins: who does what and when, what the site has chosen, how Twilio behaves
//! where its documentation is silent, and how much goes wrong.

use uuid::Uuid;

use super::dice::Dice;
use crate::calls::flow::{
    AgentLeavesEarly, Bridge, Control, CustomerLeavesConsult, Event, Monitor, NobodyLeft, Party, Policy,
    Ring, Role, Style, SuperviseRequest, Target, TargetFails, TransferRequest,
};
use crate::emulator::{
    Behaviour, DeclinedStatus, DeletedParticipant, EndedUpdate, PhonePlan, PlannedPress, RedirectOrder,
    RedirectedStatus, RingingLeg, Switches,
};
use crate::telephony::{Address, PhoneNumber};

/// A busy database.
const COMMIT_MS: u64 = 150;

/// The number that everybody sees as caller.
pub(super) const CALLER_ID: &str = "+15550100100";
/// Whose phone is rung first.
pub(super) const FIRST_AGENT: &str = "+15550100101";
/// Whom the call is for.
pub(super) const CUSTOMER: &str = "+15550100102";
/// Whoever may be brought in, with their names.
pub(super) const SECOND_AGENTS: [(&str, &str); 4] =
    [("+15550100111", "Dana"), ("+15550100112", "Erin"), ("+15550100113", "Finn"), ("+15550100114", "Gail")];

/// Whoever supervises.
pub(super) const SUPERVISOR: &str = "+15550100121";
const SUPERVISOR_ID: Uuid = Uuid::from_u128(121);

/// How much goes wrong, each in a thousand unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// REST requests that are refused, break or time out, before or after their effect.
    pub rest: u64,
    /// REST requests that take seconds.
    pub slow_rest: u64,
    /// Callbacks that never come.
    pub lost: u64,
    /// Webhooks that come seconds late, and are overtaken.
    pub late: u64,
    /// Callbacks that come twice, in a hundred.
    pub doubled: u8,
    /// Legs that die after their answer, with no status callback.
    pub dying: u64,
    /// Documents that Twilio does not get: it apologises and hangs up.
    pub no_document: u64,
}

impl Faults {
    /// Whether nothing goes wrong beyond the network's ordinary delays.
    pub fn is_calm(self) -> bool {
        self == Self::default()
    }
}

/// One call, before it begins.
#[derive(Debug, Clone)]
pub struct Script {
    /// What all this was thrown with.
    pub seed: u64,
    /// How customer and first agent are joined.
    pub bridge: Bridge,
    /// What the site has chosen.
    pub policy: Policy,
    /// How long everybody is rung, in seconds.
    pub ring_timeout_secs: u32,
    /// How long a leg may last, in seconds.
    pub time_limit_secs: u32,
    /// Whether there is music, or words.
    pub has_music: bool,
    /// What the phones do, by address.
    pub phones: Vec<(String, Vec<PhonePlan>)>,
    /// What is asked through the API, and when, in milliseconds.
    pub requests: Vec<(u64, Event)>,
    /// What goes wrong.
    pub faults: Faults,
    /// The least and the most that the network takes one way, in milliseconds.
    pub latency_ms: (u64, u64),
    /// The longest that writing down the news beside a document takes, in milliseconds.
    pub commit_ms: u64,
    /// Twilio where its documentation is silent.
    pub switches: Switches,
}

impl Script {
    /// What this seed throws.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed, 1);
        let phones = phones(&mut dice);
        let requests = requests(&mut dice);
        Self {
            seed,
            bridge: if dice.per_mille(650) { Bridge::Dial } else { Bridge::Room },
            policy: policy(&mut dice),
            ring_timeout_secs: seconds(&mut dice, 8, 25),
            time_limit_secs: seconds(&mut dice, 40, 240),
            has_music: dice.coin(),
            phones,
            requests,
            faults: faults(&mut dice),
            latency_ms: (1, dice.one_of(&[10, 60, 150]).unwrap_or(60)),
            commit_ms: COMMIT_MS,
            switches: switches(&mut dice),
        }
    }
}

impl Script {
    /// The scripts that have one fault or one request less than this.
    pub(super) fn simpler(&self) -> Vec<Self> {
        let none = Faults::default();
        let faults = self.faults;
        let fewer = [
            none,
            Faults { rest: 0, ..faults },
            Faults { slow_rest: 0, ..faults },
            Faults { lost: 0, ..faults },
            Faults { late: 0, ..faults },
            Faults { doubled: 0, ..faults },
            Faults { dying: 0, ..faults },
            Faults { no_document: 0, ..faults },
        ];
        let fewer = fewer.into_iter().filter(|fewer| *fewer != faults);
        let calmer = fewer.map(|faults| Self { faults, ..self.clone() });
        let quieter = (0..self.requests.len()).map(|at| {
            let mut quieter = self.clone();
            quieter.requests.remove(at);
            quieter
        });
        calmer.chain(quieter).collect()
    }
}

fn seconds(dice: &mut Dice, low: u64, high: u64) -> u32 {
    u32::try_from(dice.between(low, high)).unwrap_or(u32::MAX)
}

fn phones(dice: &mut Dice) -> Vec<(String, Vec<PhonePlan>)> {
    let mut phones = vec![
        (FIRST_AGENT.to_owned(), vec![early_phone(dice), late_phone(dice)]),
        (CUSTOMER.to_owned(), vec![early_phone(dice)]),
    ];
    for (address, _) in SECOND_AGENTS {
        phones.push((address.to_owned(), (0..3).map(|_| late_phone(dice)).collect()));
    }
    phones.push((SUPERVISOR.to_owned(), (0..3).map(|_| late_phone(dice)).collect()));
    phones
}

/// One of the first two, who mostly answer and mostly stay, so that there is something to transfer.
fn early_phone(dice: &mut Dice) -> PhonePlan {
    use Behaviour::{Answer, Busy, Decline, NoAnswer, Unreachable, Voicemail};
    let others =
        [(940, Answer), (12, Busy), (12, NoAnswer), (12, Decline), (12, Unreachable), (12, Voicemail)];
    let behaviour = dice.weighted(Answer, &others);
    let hang_up = match dice.between(0, 9) {
        0 => Some((300, 8_000)),
        1..=6 => Some((8_000, 90_000)),
        _ => None,
    };
    phone(dice, behaviour, (200, 4_000), hang_up)
}

fn late_phone(dice: &mut Dice) -> PhonePlan {
    use Behaviour::{Answer, Busy, Decline, NoAnswer, Unreachable, Voicemail};
    let others =
        [(700, Answer), (60, Busy), (60, NoAnswer), (60, Decline), (50, Unreachable), (70, Voicemail)];
    let behaviour = dice.weighted(Answer, &others);
    let hang_up = match dice.between(0, 9) {
        0..=1 => Some((200, 4_000)),
        2..=5 => Some((4_000, 60_000)),
        _ => None,
    };
    let mut plan = phone(dice, behaviour, (200, 9_000), hang_up);
    let key = dice.weighted("", &[(60, "1"), (12, "2"), (8, "5"), (20, "")]);
    if !key.is_empty() {
        plan.presses = vec![PlannedPress { after_ms: dice.between(500, 20_000), digits: key.to_owned() }];
    }
    plan
}

fn phone(dice: &mut Dice, behaviour: Behaviour, acts: (u64, u64), hangs_up: Option<(u64, u64)>) -> PhonePlan {
    PhonePlan {
        behaviour,
        after_ms: Some(dice.between(acts.0, acts.1)),
        hang_up_after_ms: hangs_up.map(|(low, high)| dice.between(low, high)),
        ..PhonePlan::answer()
    }
}

/// Mostly a transfer, then whatever comes to somebody's mind: at once, soon, or later.
fn requests(dice: &mut Dice) -> Vec<(u64, Event)> {
    let mut at_ms = dice.between(3_000, 20_000);
    let mut requests = Vec::new();
    if dice.per_mille(900) {
        requests.push((at_ms, transfer(dice)));
    }
    for _ in 0..dice.between(0, 7) {
        at_ms += match dice.between(0, 3) {
            0 => dice.between(0, 400),
            1 => dice.between(400, 5_000),
            _ => dice.between(2_000, 25_000),
        };
        requests.push((at_ms, request(dice)));
    }
    requests
}

fn request(dice: &mut Dice) -> Event {
    match dice.between(0, 99) {
        0..=24 => Event::CompleteRequested,
        25..=34 => Event::CancelRequested,
        35..=46 => Event::MergeRequested,
        47..=58 => Event::SwapRequested,
        59..=70 => transfer(dice),
        71..=73 => supervise(dice),
        74 => Event::SuperviseEndRequested { agent: SUPERVISOR_ID },
        75..=88 => Event::ControlRequested { role: role(dice), control: control(dice) },
        89..=94 => Event::RemoveRequested { role: role(dice), by: Party::Crm },
        _ => Event::HangUpRequested { by: Party::Crm },
    }
}

/// One supervisor, who comes, does something else, and comes again.
fn supervise(dice: &mut Dice) -> Event {
    let monitor = dice.one_of(&[Monitor::Listen, Monitor::Coach, Monitor::Barge]).unwrap_or(Monitor::Listen);
    Event::SuperviseRequested(SuperviseRequest {
        leg_id: dice.id(),
        agent: SUPERVISOR_ID,
        to: Address::Phone(number(SUPERVISOR)),
        name: "Robin".to_owned(),
        monitor,
    })
}

fn role(dice: &mut Dice) -> Role {
    dice.one_of(&[Role::FirstAgent, Role::Customer, Role::SecondAgent, Role::Supervisor])
        .unwrap_or(Role::Customer)
}

fn control(dice: &mut Dice) -> Control {
    let choices = [Control::Hold, Control::Resume, Control::Mute, Control::Unmute];
    dice.one_of(&choices).unwrap_or(Control::Hold)
}

fn transfer(dice: &mut Dice) -> Event {
    let how_many = dice.weighted(1, &[(65, 1), (20, 2), (15, 3)]);
    let start = usize::try_from(dice.between(0, 3)).unwrap_or(0);
    let people = SECOND_AGENTS.iter().cycle().skip(start).take(how_many);
    let targets = people.map(|(address, name)| Target {
        leg_id: dice.id(),
        to: Address::Phone(number(address)),
        name: (*name).to_owned(),
        agent: None,
    });
    let targets = targets.collect();
    Event::TransferRequested(TransferRequest {
        transfer_id: dice.id(),
        targets,
        ring: if dice.coin() { Ring::InTurn } else { Ring::Together },
        require_accept: dice.per_mille(400),
        style: dice.one_of(&[Style::WithCustomer, Style::PrivateFirst, Style::Blind]).unwrap_or(Style::Blind),
        briefing: dice.coin().then(|| "Somebody wants a second opinion.".to_owned()),
        caller_id: number(CALLER_ID),
        ring_timeout_secs: seconds(dice, 5, 20),
    })
}

/// One of the numbers above, which are all valid.
pub(super) fn number(text: &str) -> PhoneNumber {
    #[expect(clippy::expect_used, reason = "only this module's constants come here")]
    text.parse().expect("the simulation's numbers are E.164")
}

fn policy(dice: &mut Dice) -> Policy {
    let nobody_left = |dice: &mut Dice| if dice.coin() { NobodyLeft::Goodbye } else { NobodyLeft::RingBack };
    Policy {
        agent_leaves_early: match dice.per_mille(700) {
            true => AgentLeavesEarly::CustomerWaits,
            false => AgentLeavesEarly::EndCall,
        },
        nobody_reached: nobody_left(dice),
        blind_fails: nobody_left(dice),
        second_agent_leaves: nobody_left(dice),
        customer_leaves_consult: match dice.coin() {
            true => CustomerLeavesConsult::End,
            false => CustomerLeavesConsult::AgentsFinish,
        },
        target_fails: if dice.coin() { TargetFails::GiveUp } else { TargetFails::TryAgain },
        consult_limit_secs: seconds(dice, 10, 60),
        finish_limit_secs: seconds(dice, 10, 30),
        accept_limit_secs: seconds(dice, 20, 45),
        watch_secs: dice.one_of(&[30, 60, 120]).unwrap_or(120),
        ..Policy::default()
    }
}

/// A third of the calls suffer nothing, a third of them one kind of fault, a third several.
fn faults(dice: &mut Dice) -> Faults {
    let how_many = dice.between(0, 2) * dice.between(1, 2);
    let mut faults = Faults::default();
    for _ in 0..how_many {
        match dice.between(0, 6) {
            0 => faults.rest = dice.one_of(&[20, 100, 250]).unwrap_or(20),
            1 => faults.slow_rest = dice.one_of(&[20, 100]).unwrap_or(20),
            2 => faults.lost = dice.one_of(&[20, 100, 250]).unwrap_or(20),
            3 => faults.late = dice.one_of(&[50, 200]).unwrap_or(50),
            4 => faults.doubled = dice.one_of(&[10, 50]).unwrap_or(10),
            5 => faults.dying = dice.one_of(&[50, 150]).unwrap_or(50),
            _ => faults.no_document = dice.one_of(&[10, 30]).unwrap_or(10),
        }
    }
    faults
}

fn switches(dice: &mut Dice) -> Switches {
    use RedirectedStatus::{Absent, Answered, Completed};
    let ended = |dice: &mut Dice| if dice.coin() { EndedUpdate::Refused } else { EndedUpdate::Ignored };
    let order = [RedirectOrder::Random, RedirectOrder::UrlFirst, RedirectOrder::ActionFirst];
    Switches {
        dial_call_status_after_redirect: dice.one_of(&[Completed, Answered, Absent]).unwrap_or(Completed),
        redirect_order: dice.one_of(&order).unwrap_or(RedirectOrder::Random),
        redirect_gap_ms: dice.between(0, 500),
        action_when_parent_hangs_up: dice.coin(),
        deleted_participant: match dice.coin() {
            true => DeletedParticipant::Continues,
            false => DeletedParticipant::Ends,
        },
        completing_an_ended_call: ended(dice),
        redirecting_an_unanswered_call: ended(dice),
        conference_sequence_start: dice.between(0, 1),
        ringing_when_conference_ends: if dice.coin() { RingingLeg::RingsOn } else { RingingLeg::Ends },
        declined_status: if dice.coin() { DeclinedStatus::NoAnswer } else { DeclinedStatus::Busy },
        join_at_early_media: dice.coin(),
        error_wording: dice.coin(),
        date_created_on_create: dice.coin(),
        ..Switches::default()
    }
}
