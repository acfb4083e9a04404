//! Twilio's rules as tables, one row a rule: how a `<Dial>` ends, how a conference lives, what an update of a participant
//! does, and both ways of every question that nobody has an answer to. What rows cannot say, the other tests do.

use super::*;

/// One rule: a situation, what happens in it, and what must be so a little later.
struct Rule {
    name: &'static str,
    given: fn() -> World,
    when: fn(&mut World),
    /// A fact, as `fact` reads it, and its value.
    then: &'static [(&'static str, &'static str)],
}

fn hold(rules: &[Rule]) {
    for rule in rules {
        let mut world = (rule.given)();
        (rule.when)(&mut world);
        world.pass(1_500);
        for (what, value) in rule.then {
            assert_eq!(fact(&world, what), *value, "{}: {what}", rule.name);
        }
    }
}

/// `agent` is a leg's status, `agent hears` what it hears, `/path` how often that was asked, `/path Name` a parameter of
/// the last time (`-` when it was not there), `room` the newest conference's status, `rooms` how many there were, `member
/// hold` a field of the customer's participant, `error 16025` how often the debugger tells of it.
fn fact(world: &World, what: &str) -> String {
    let (subject, field) = what.split_once(' ').unwrap_or((what, ""));
    match (subject, field) {
        ("agent" | "customer" | "second", _) => {
            let address = match subject {
                "agent" => AGENT,
                "customer" => CUSTOMER,
                _ => SECOND,
            };
            if field == "hears" { names(world.hears_whom(address)) } else { world.status(address) }
        }
        ("room", _) => world.engine.rooms.iter().next_back().unwrap().1.status.to_string(),
        ("rooms", _) => world.engine.rooms.iter().count().to_string(),
        ("error", code) => {
            world.engine.debugger().iter().filter(|e| e.code.to_string() == code).count().to_string()
        }
        ("member", field) => participant(world, CUSTOMER, field),
        (path, "") => world.requests(path).len().to_string(),
        (path, "method") => world.requests(path)[0].method.to_string(),
        (path, name) => world.params(path).get(name).cloned().unwrap_or_else(|| "-".into()),
    }
}

fn names(heard: Vec<String>) -> String {
    let name = |who: String| match who.as_str() {
        AGENT => "agent".to_owned(),
        CUSTOMER => "customer".to_owned(),
        SECOND => "second".to_owned(),
        _ => who.replace('"', ""),
    };
    heard.into_iter().map(name).collect::<Vec<_>>().join(", ")
}

fn participant(world: &World, address: &str, field: &str) -> String {
    let call = world.engine.calls.find(&world.sid(address)).unwrap();
    let member = world.engine.calls[call].room.and_then(|room| world.engine.rooms[room].member(call));
    let Some(member) = member else { return "gone".into() };
    match field {
        "muted" => member.muted.to_string(),
        "hold" => member.hold.to_string(),
        "ends" => member.end_on_exit.to_string(),
        "beeps" => member.beep.on_exit.to_string(),
        other => panic!("no fact of a participant: {other}"),
    }
}

fn hangs_up(world: &mut World, address: &str) {
    world.engine.person_hangs_up(address, None).unwrap();
}

fn stars(world: &mut World, address: &str) {
    world.engine.person_presses(address, None, "*").unwrap();
}

fn update_call(world: &mut World, address: &str, form: &[(&str, &str)]) {
    let sid = world.sid(address);
    world.twiml("/new", "<Say loop=\"0\">new</Say>");
    assert_eq!(world.rest("POST", &format!("Calls/{sid}"), form).status, 200);
}

fn redirects(world: &mut World, address: &str) {
    update_call(world, address, &[("Url", "http://app/new")]);
}

/// Agent dials a customer whose phone does this; twenty seconds later.
fn dialled(behaviour: Behaviour) -> World {
    let mut world = World::new();
    world.phone(CUSTOMER, behaviour);
    world.dialled("action=\"/action\" timeout=\"5\"");
    world.pass(20_000);
    world
}

fn before_next_verb() -> World {
    let mut world = World::new();
    world.twiml("/start", &format!("<Dial>{CUSTOMER}</Dial><Say loop=\"0\">next</Say>"));
    world.call(AGENT);
    world.pass(10_000);
    world
}

fn whispered() -> World {
    let mut world = World::new();
    world
        .twiml("/whisper", "<Gather timeout=\"9\"/><Hangup/>")
        .twiml("/action", "<Say loop=\"0\">over</Say>");
    let dial = format!("<Dial action=\"/action\"><Number url=\"/whisper\">{CUSTOMER}</Number></Dial>");
    world.twiml("/start", &dial);
    world.call(AGENT);
    world.pass(5_000);
    world
}

fn nothing(_: &mut World) {}

#[test]
fn endings_of_a_dial() {
    hold(&[
        Rule {
            name: "the child hangs up: the parent goes on with the action",
            given: World::bridged,
            when: |w| hangs_up(w, CUSTOMER),
            then: &[
                ("agent", "in-progress"),
                ("customer", "completed"),
                ("/action DialCallStatus", "completed"),
                ("/action CallStatus", "in-progress"),
                ("/action DialBridged", "true"),
                ("agent hears", "over"),
            ],
        },
        Rule {
            name: "the parent hangs up: the child too, the action is asked and its answer ignored",
            given: World::bridged,
            when: |w| hangs_up(w, AGENT),
            then: &[
                ("agent", "completed"),
                ("customer", "completed"),
                ("/action CallStatus", "completed"),
                ("/action DialCallStatus", "completed"),
            ],
        },
        Rule {
            name: "the child is busy",
            given: || dialled(Behaviour::Busy),
            when: nothing,
            then: &[
                ("agent", "in-progress"),
                ("/action DialCallStatus", "busy"),
                ("/action DialCallDuration", "-"),
            ],
        },
        Rule {
            name: "the child does not answer",
            given: || dialled(Behaviour::NoAnswer),
            when: nothing,
            then: &[
                ("customer", "no-answer"),
                ("/action DialCallStatus", "no-answer"),
                ("agent hears", "over"),
            ],
        },
        Rule {
            name: "the child cannot be reached",
            given: || dialled(Behaviour::Unreachable),
            when: nothing,
            then: &[("/action DialCallStatus", "failed"), ("/action DialBridged", "false")],
        },
        Rule {
            name: "nobody in it can be dialled: failed, and a warning for each",
            given: || {
                let mut world = World::new();
                world.twiml("/start", "<Dial action=\"/action\"><Number>12</Number><Sip>nobody</Sip></Dial>");
                world.call(AGENT);
                world.pass(5_000);
                world
            },
            when: nothing,
            then: &[("error 13223", "2"), ("/action DialCallStatus", "failed")],
        },
        Rule {
            name: "a status callback that answers 500 is a warning, not repeated, and the call goes on",
            given: || {
                let mut world = World::new();
                world.reply("/status", 500, "text/plain", "");
                world.twiml("/start", "<Pause length=\"60\"/>");
                world.call(AGENT);
                world.pass(5_000);
                world
            },
            when: nothing,
            then: &[("error 15003", "3"), ("/status", "3"), ("agent", "in-progress")],
        },
        Rule {
            name: "REST cancels the child before its answer",
            given: || {
                let mut world = World::new();
                world.phone(CUSTOMER, Behaviour::Manual);
                world.dialled("action=\"/action\" timeout=\"60\"");
                world
            },
            when: |w| update_call(w, CUSTOMER, &[("Status", "completed")]),
            then: &[
                ("customer", "canceled"),
                ("agent", "in-progress"),
                ("/action DialCallStatus", "canceled"),
            ],
        },
        Rule {
            name: "hangupOnStar: the parent goes on",
            given: || World::bridged_with("action=\"/action\" hangupOnStar=\"true\""),
            when: |w| stars(w, AGENT),
            then: &[
                ("agent", "in-progress"),
                ("customer", "completed"),
                ("/action DialCallStatus", "completed"),
            ],
        },
        Rule {
            name: "hangupOnStar is the parent's: the child's star does nothing",
            given: || World::bridged_with("action=\"/action\" hangupOnStar=\"true\""),
            when: |w| stars(w, CUSTOMER),
            then: &[("customer", "in-progress"), ("/action", "0")],
        },
        Rule {
            name: "hangupOnStar in a conference: answered, and only that member leaves",
            given: || {
                let mut world = World::new();
                world.twiml(
                    "/start",
                    "<Dial action=\"/action\" hangupOnStar=\"true\"><Conference>r</Conference></Dial>",
                );
                world.twiml("/action", "<Say loop=\"0\">over</Say>");
                world.call(AGENT);
                world.call(CUSTOMER);
                world.pass(10_000);
                world
            },
            when: |w| stars(w, AGENT),
            then: &[("/action DialCallStatus", "answered"), ("/action", "1"), ("customer", "in-progress")],
        },
        Rule {
            name: "timeLimit: the child is hung up",
            given: || World::bridged_with("action=\"/action\" timeLimit=\"30\""),
            when: |w| w.pass(30_000),
            then: &[
                ("customer", "completed"),
                ("/action DialCallStatus", "completed"),
                ("/action DialCallDuration", "30"),
            ],
        },
        Rule {
            name: "the child is redirected: the action comes without a duration, both go on",
            given: World::bridged,
            when: |w| redirects(w, CUSTOMER),
            then: &[
                ("/action DialCallStatus", "completed"),
                ("/action DialCallDuration", "-"),
                ("/action DialBridged", "true"),
                ("/action ParentCallSid", "-"),
                ("/new CallStatus", "in-progress"),
                ("/new DialCallStatus", "-"),
                ("customer hears", "new"),
                ("agent hears", "over"),
            ],
        },
        Rule {
            name: "the parent is redirected: the child is hung up, the action asked in vain",
            given: World::bridged,
            when: |w| redirects(w, AGENT),
            then: &[
                ("customer", "completed"),
                ("/action DialCallStatus", "completed"),
                ("/action DialBridged", "true"),
                ("agent hears", "new"),
            ],
        },
        Rule {
            name: "no action and a next verb: it is executed",
            given: before_next_verb,
            when: |w| hangs_up(w, CUSTOMER),
            then: &[("agent hears", "next")],
        },
        Rule {
            name: "no action and no next verb: the parent is hung up",
            given: || World::bridged_with(""),
            when: |w| hangs_up(w, CUSTOMER),
            then: &[("agent", "completed")],
        },
        Rule {
            name: "the dropped customer: no action, the child is redirected, the parent is hung up",
            given: || World::bridged_with(""),
            when: |w| redirects(w, CUSTOMER),
            then: &[("agent", "completed"), ("customer hears", "new")],
        },
        Rule {
            name: "the parent that hangs up executes no verb any more",
            given: before_next_verb,
            when: |w| hangs_up(w, AGENT),
            then: &[("agent", "completed"), ("customer", "completed")],
        },
        Rule {
            name: "the whisper refuses: not bridged",
            given: whispered,
            when: |w| w.pass(10_000),
            then: &[("customer", "completed"), ("/action DialBridged", "false"), ("agent hears", "over")],
        },
        Rule {
            name: "a conference is answered, without SID and duration",
            given: || World::in_room("endConferenceOnExit=\"true\""),
            when: |w| hangs_up(w, CUSTOMER),
            then: &[
                ("/action DialCallStatus", "answered"),
                ("/action DialCallSid", "-"),
                ("/action DialCallDuration", "-"),
                ("agent hears", "over"),
            ],
        },
        Rule {
            name: "a member is redirected: it alone, its action asked in vain",
            given: || World::in_room(""),
            when: |w| redirects(w, AGENT),
            then: &[
                ("agent hears", "new"),
                ("customer", "in-progress"),
                ("/action DialCallStatus", "answered"),
            ],
        },
        Rule {
            name: "a member with endConferenceOnExit is redirected: that ends the conference",
            given: || World::in_room("endConferenceOnExit=\"true\""),
            when: |w| redirects(w, AGENT),
            then: &[
                ("room", "completed"),
                ("/room ReasonConferenceEnded", "participant-with-end-conference-on-exit-left"),
                ("customer hears", "over"),
            ],
        },
    ]);
}

/// One member, waiting.
fn alone(attributes: &str) -> World {
    let mut world = World::new();
    world.twiml("/start", &format!("<Dial action=\"/action\"><Conference {attributes} statusCallback=\"/room\" statusCallbackEvent=\"start end join leave\">room-1</Conference></Dial><Say loop=\"0\">next</Say>"));
    world.twiml("/action", "<Say loop=\"0\">over</Say>");
    world.call(AGENT);
    world.pass(5_000);
    world
}

fn joins(world: &mut World, address: &str) {
    world.call(address);
    world.pass(5_000);
}

fn kicks(world: &mut World, address: &str) {
    let (room, sid) = (world.room_sid(), world.sid(address));
    assert_eq!(world.rest("DELETE", &format!("Conferences/{room}/Participants/{sid}"), &[]).status, 204);
}

/// REST dials the second agent into `room-1`.
fn is_added(world: &mut World, more: &[(&str, &str)]) {
    let mut form = vec![("From", NUMBER), ("To", SECOND)];
    form.extend_from_slice(more);
    assert_eq!(world.rest("POST", "Conferences/room-1/Participants", &form).status, 201);
    world.pass(5_000);
}

#[test]
fn life_of_a_conference() {
    hold(&[
        Rule {
            name: "the first to join opens it, and waits though it might start it",
            given: || alone(""),
            when: nothing,
            then: &[("rooms", "1"), ("room", "init"), ("agent hears", "music"), ("/room", "1")],
        },
        Rule {
            name: "two members of whom one may start it start it",
            given: || alone(""),
            when: |w| joins(w, CUSTOMER),
            then: &[("room", "in-progress"), ("agent hears", "customer"), ("customer hears", "agent")],
        },
        Rule {
            name: "members who may not start it wait for ever",
            given: || World::in_room("startConferenceOnEnter=\"false\""),
            when: |w| w.pass(3_600_000),
            then: &[("room", "init"), ("agent hears", "music"), ("customer hears", "music")],
        },
        Rule {
            name: "whoever is left alone hears silence, not music, and stays",
            given: || World::in_room(""),
            when: |w| {
                hangs_up(w, CUSTOMER);
                w.pass(3_600_000);
            },
            then: &[("room", "in-progress"), ("agent", "in-progress"), ("agent hears", "")],
        },
        Rule {
            name: "the last to leave ends it",
            given: || alone(""),
            when: |w| hangs_up(w, AGENT),
            then: &[("room", "completed"), ("/room ReasonConferenceEnded", "last-participant-left")],
        },
        Rule {
            name: "a member with endConferenceOnExit ends it for all",
            given: || World::in_room("endConferenceOnExit=\"true\""),
            when: |w| hangs_up(w, AGENT),
            then: &[
                ("/room ReasonConferenceEnded", "participant-with-end-conference-on-exit-left"),
                ("customer hears", "over"),
            ],
        },
        Rule {
            name: "a member with endConferenceOnExit is kicked",
            given: || World::in_room("endConferenceOnExit=\"true\""),
            when: |w| kicks(w, AGENT),
            then: &[("/room ReasonConferenceEnded", "participant-with-end-conference-on-exit-kicked")],
        },
        Rule {
            name: "the last member is kicked",
            given: || alone(""),
            when: |w| kicks(w, AGENT),
            then: &[("/room ReasonConferenceEnded", "last-participant-kicked")],
        },
        Rule {
            name: "REST ends it",
            given: || World::in_room(""),
            when: |w| {
                let room = w.room_sid();
                w.rest("POST", &format!("Conferences/{room}"), &[("Status", "completed")]);
            },
            then: &[
                ("/room ReasonConferenceEnded", "conference-ended-via-api"),
                ("/room CallSidEndingConference", "-"),
                ("agent hears", "over"),
                ("customer hears", "over"),
            ],
        },
        Rule {
            name: "after its end the name opens a new one",
            given: || alone(""),
            when: |w| {
                hangs_up(w, AGENT);
                joins(w, CUSTOMER);
            },
            then: &[("rooms", "2"), ("room", "init")],
        },
        Rule {
            name: "a leg that REST added ends with it, one that joined by TwiML goes on",
            given: || World::in_room("endConferenceOnExit=\"true\""),
            when: |w| {
                is_added(w, &[]);
                hangs_up(w, AGENT);
            },
            then: &[("second", "completed"), ("customer", "in-progress"), ("customer hears", "over")],
        },
        Rule {
            name: "an added leg that fails leaves with participant_add_failed",
            given: || {
                let mut world = World::in_room("");
                world.phone(SECOND, Behaviour::Busy);
                world
            },
            when: |w| is_added(w, &[]),
            then: &[
                ("/room ReasonParticipantLeft", "participant_add_failed"),
                ("/room ParticipantCallStatus", "busy"),
            ],
        },
        Rule {
            name: "a wait document that fails keeps the leg out: on to the action",
            given: || alone("waitUrl=\"/nowhere\""),
            when: nothing,
            then: &[("agent hears", "over"), ("/action DialCallStatus", "answered")],
        },
        Rule {
            name: "a label in use keeps the leg out: on to the next verb",
            given: || alone("participantLabel=\"me\""),
            when: |w| joins(w, CUSTOMER),
            then: &[("customer hears", "next"), ("error 16025", "1"), ("room", "init")],
        },
        Rule {
            name: "a full conference keeps the leg out",
            given: || World::in_room("maxParticipants=\"2\""),
            when: |w| joins(w, SECOND),
            then: &[("error 16020", "1"), ("second hears", "over"), ("agent hears", "customer")],
        },
        Rule {
            name: "a conference needs a name: on to the action",
            given: || {
                let mut world = World::new();
                world.twiml("/start", "<Dial action=\"/action\"><Conference> </Conference></Dial>");
                world.call(AGENT);
                world.pass(5_000);
                world
            },
            when: nothing,
            then: &[("error 13237", "1"), ("/action DialCallStatus", "failed"), ("rooms", "0")],
        },
        Rule {
            name: "whom a coach is to coach must be there: on to the action",
            given: || alone("coach=\"CA00000000000000000000000000000009\""),
            when: nothing,
            then: &[("error 13240", "1"), ("agent hears", "over")],
        },
        Rule {
            name: "a wait document may only speak, play, pause and redirect",
            given: || {
                let mut world = World::new();
                world.twiml("/start", "<Dial><Conference waitUrl=\"/wait\">room-1</Conference></Dial>");
                world.twiml("/wait", "<Gather/><Hangup/><Record/><Say loop=\"0\">wait</Say>");
                world.call(AGENT);
                world.pass(5_000);
                world
            },
            when: nothing,
            then: &[("error 13238", "3"), ("agent hears", "wait"), ("agent", "in-progress")],
        },
    ]);
}

/// The customer is in a conference with the agent; an update of its participant answers 200.
fn update(world: &mut World, form: &[(&str, &str)]) {
    let (room, sid) = (world.room_sid(), world.sid(CUSTOMER));
    world
        .twiml("/hold", "<Say loop=\"0\">one moment</Say>")
        .twiml("/announce", "<Say>hear hear, hear hear</Say>");
    let answer = world.rest("POST", &format!("Conferences/{room}/Participants/{sid}"), form);
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn in_room() -> World {
    World::in_room("beep=\"false\"")
}

fn on_hold() -> World {
    let mut world = in_room();
    update(&mut world, &[("Hold", "true")]);
    world
}

#[test]
fn updates_of_a_participant() {
    hold(&[
        Rule {
            name: "Muted: hears, and is not heard",
            given: in_room,
            when: |w| update(w, &[("Muted", "true")]),
            then: &[
                ("customer hears", "agent"),
                ("agent hears", ""),
                ("/room StatusCallbackEvent", "participant-mute"),
                ("/room Muted", "true"),
            ],
        },
        Rule {
            name: "a Muted that is no boolean is false",
            given: in_room,
            when: |w| {
                update(w, &[("Muted", "true")]);
                update(w, &[("Muted", "perhaps")]);
            },
            then: &[("member muted", "false"), ("/room StatusCallbackEvent", "participant-unmute")],
        },
        Rule {
            name: "Hold: music, and is not heard",
            given: in_room,
            when: |w| update(w, &[("Hold", "true")]),
            then: &[
                ("customer hears", "music"),
                ("agent hears", ""),
                ("/room StatusCallbackEvent", "participant-hold"),
            ],
        },
        Rule {
            name: "HoldUrl is asked by GET",
            given: in_room,
            when: |w| update(w, &[("Hold", "true"), ("HoldUrl", "http://app/hold")]),
            then: &[("/hold method", "GET"), ("customer hears", "one moment")],
        },
        Rule {
            name: "Hold ends",
            given: on_hold,
            when: |w| update(w, &[("Hold", "false")]),
            then: &[("customer hears", "agent"), ("/room StatusCallbackEvent", "participant-unhold")],
        },
        Rule {
            name: "AnnounceUrl is asked by POST and heard by that participant alone",
            given: in_room,
            when: |w| update(w, &[("AnnounceUrl", "http://app/announce")]),
            then: &[
                ("/announce method", "POST"),
                ("agent hears", "customer"),
                ("/room StatusCallbackEvent", "announcement-end"),
                ("/room AnnounceUrl", "http://app/announce"),
            ],
        },
        Rule {
            name: "an announcement that cannot be had is reported",
            given: in_room,
            when: |w| update(w, &[("AnnounceUrl", "http://app/nowhere")]),
            then: &[("/room StatusCallbackEvent", "announcement-fail"), ("customer hears", "agent")],
        },
        Rule {
            name: "EndConferenceOnExit",
            given: in_room,
            when: |w| update(w, &[("EndConferenceOnExit", "true")]),
            then: &[("member ends", "true"), ("/room StatusCallbackEvent", "participant-modify")],
        },
        Rule {
            name: "EndConferenceOnExit of a held participant: 200, and nothing changes",
            given: on_hold,
            when: |w| update(w, &[("EndConferenceOnExit", "true")]),
            then: &[("member ends", "false"), ("/room StatusCallbackEvent", "participant-hold")],
        },
        Rule {
            name: "EndConferenceOnExit in the request that ends the hold comes too early",
            given: on_hold,
            when: |w| update(w, &[("Hold", "false"), ("EndConferenceOnExit", "true")]),
            then: &[("member hold", "false"), ("member ends", "false")],
        },
        Rule {
            name: "EndConferenceOnExit in the request that begins the hold comes in time",
            given: in_room,
            when: |w| update(w, &[("Hold", "true"), ("EndConferenceOnExit", "true")]),
            then: &[("member hold", "true"), ("member ends", "true")],
        },
        Rule {
            name: "BeepOnExit",
            given: in_room,
            when: |w| update(w, &[("BeepOnExit", "true")]),
            then: &[("member beeps", "true"), ("/room StatusCallbackEvent", "participant-modify")],
        },
        Rule {
            name: "Coaching: heard by the coached alone",
            given: in_room,
            when: |w| {
                is_added(w, &[("Beep", "false")]);
                let agent = w.sid(AGENT);
                update(w, &[("Coaching", "true"), ("CallSidToCoach", &agent)]);
            },
            then: &[
                ("agent hears", "customer, second"),
                ("second hears", "agent"),
                ("/room Coaching", "true"),
            ],
        },
        Rule {
            name: "Coaching ends",
            given: in_room,
            when: |w| {
                let agent = w.sid(AGENT);
                is_added(w, &[("Beep", "false")]);
                update(w, &[("Coaching", "true"), ("CallSidToCoach", &agent)]);
                update(w, &[("Coaching", "false")]);
            },
            then: &[("second hears", "agent, customer"), ("/room Coaching", "false")],
        },
        Rule {
            name: "Status is no parameter: ignored with a warning",
            given: in_room,
            when: |w| update(w, &[("Status", "completed")]),
            then: &[("customer", "in-progress"), ("member hold", "false"), ("error 20001", "1")],
        },
        Rule {
            name: "a redirected participant is gone",
            given: in_room,
            when: |w| redirects(w, CUSTOMER),
            then: &[
                ("member hold", "gone"),
                ("/room ReasonParticipantLeft", "participant_updated_via_api"),
                ("/room ParticipantCallStatus", "in-progress"),
            ],
        },
        Rule {
            name: "a participant that hangs up is gone",
            given: in_room,
            when: |w| hangs_up(w, CUSTOMER),
            then: &[
                ("member hold", "gone"),
                ("/room ReasonParticipantLeft", "participant_hung_up"),
                ("/room ParticipantCallStatus", "completed"),
            ],
        },
        Rule {
            name: "WaitUrl is heard while the conference waits",
            given: || World::in_room("startConferenceOnEnter=\"false\""),
            when: |w| update(w, &[("WaitUrl", "http://app/hold")]),
            then: &[("customer hears", "one moment"), ("agent hears", "music")],
        },
    ]);
}

/// A situation with one switch set.
fn with(mut world: World, switch: fn(&mut Switches)) -> World {
    switch(&mut world.engine.switches);
    world
}

#[test]
fn open_questions_are_answered_both_ways() {
    hold(&[
        Rule {
            name: "DELETE of a member that joined by TwiML: it goes on",
            given: in_room,
            when: |w| kicks(w, CUSTOMER),
            then: &[
                ("customer hears", "over"),
                ("/room ReasonParticipantLeft", "participant_updated_via_api"),
            ],
        },
        Rule {
            name: "DELETE of a member that joined by TwiML: its call ends",
            given: || with(in_room(), |s| s.deleted_participant = DeletedParticipant::Ends),
            when: |w| kicks(w, CUSTOMER),
            then: &[("customer", "completed"), ("agent", "in-progress")],
        },
        Rule {
            name: "ReasonParticipantLeft after a kick is another word",
            given: || with(in_room(), |s| s.reason_after_kick = "conference_ended_via_api".into()),
            when: |w| kicks(w, CUSTOMER),
            then: &[("/room ReasonParticipantLeft", "conference_ended_via_api")],
        },
        Rule {
            name: "a refused whisper is completed",
            given: whispered,
            when: |w| w.pass(10_000),
            then: &[("/action DialCallStatus", "completed"), ("/action DialBridged", "false")],
        },
        Rule {
            name: "a refused whisper is no-answer",
            given: || with(whispered(), |s| s.refused_whisper_status = RefusedStatus::NoAnswer),
            when: |w| w.pass(10_000),
            then: &[("/action DialCallStatus", "no-answer"), ("/action DialBridged", "false")],
        },
        Rule {
            name: "a declined call is no-answer",
            given: || dialled(Behaviour::Decline),
            when: nothing,
            then: &[("/action DialCallStatus", "no-answer"), ("/child SipResponseCode", "603")],
        },
        Rule {
            name: "a declined call is busy",
            given: || with(World::new(), |s| s.declined_status = DeclinedStatus::Busy),
            when: |w| {
                w.phone(CUSTOMER, Behaviour::Decline);
                w.dialled("action=\"/action\"");
            },
            then: &[("/action DialCallStatus", "busy")],
        },
        Rule {
            name: "conference events count from 1",
            given: || alone(""),
            when: nothing,
            then: &[("/room SequenceNumber", "1")],
        },
        Rule {
            name: "conference events count from 0",
            given: || with(World::new(), |s| s.conference_sequence_start = 0),
            when: |w| {
                w.twiml("/start", "<Dial><Conference statusCallback=\"/room\" statusCallbackEvent=\"join\">r</Conference></Dial>");
                joins(w, AGENT);
            },
            then: &[("/room SequenceNumber", "0")],
        },
        Rule {
            name: "a fallback is told the error",
            given: World::new,
            when: falls_back,
            then: &[("/fallback ErrorCode", "11200"), ("/fallback ErrorUrl", "http://app/nowhere")],
        },
        Rule {
            name: "a fallback is told nothing",
            given: || with(World::new(), |s| s.fallback_tells_the_error = false),
            when: falls_back,
            then: &[("/fallback ErrorCode", "-"), ("/fallback ErrorUrl", "-")],
        },
    ]);
}

fn falls_back(world: &mut World) {
    let form = [("Url", "http://app/nowhere"), ("FallbackUrl", "http://app/fallback"), ("To", AGENT)];
    let answer = world.rest("POST", "Calls", &[form.as_slice(), &[("From", NUMBER)]].concat());
    assert_eq!(answer.status, 201);
    world.pass(5_000);
}

#[test]
fn what_a_create_and_a_refusal_say_is_a_switch() {
    let form = [("To", AGENT), ("From", NUMBER), ("Twiml", "<Response/>")];
    let mut world = World::new();
    let (told, worded) = (world.rest("POST", "Calls", &form), world.rest("POST", "Calls", &[]));
    assert!(told.body.unwrap()["date_created"].is_string());
    assert_eq!(worded.body.unwrap()["message"], "No 'To' number is specified");
    let mut world = with(World::new(), |s| {
        s.date_created_on_create = false;
        s.error_wording = false;
    });
    let (told, worded) = (world.rest("POST", "Calls", &form), world.rest("POST", "Calls", &[]));
    assert!(told.body.unwrap()["date_created"].is_null());
    let worded = worded.body.unwrap();
    assert_eq!((worded["message"].as_str(), worded["code"].as_u64()), (Some("Error 21201"), Some(21201)));
}

#[test]
fn the_token_of_a_first_attempt_is_a_switch() {
    for sent in [true, false] {
        let mut world = World::new();
        world.engine.switches.idempotency_token_on_first_attempt = sent;
        world.call(AGENT);
        world.pass(5_000);
        assert!(world.sent.iter().all(|(_, request)| request.delivery.token_on_first_attempt == sent));
    }
}

#[test]
fn the_time_between_a_redirects_two_requests_is_a_switch() {
    for gap_ms in [1, 1_500] {
        let apart = (0..20).map(|seed| {
            let mut world = World::seeded(seed);
            world.engine.switches.redirect_gap_ms = gap_ms;
            world.dialled("action=\"/action\"");
            redirects(&mut world, CUSTOMER);
            world.pass(2_000);
            let when = |path: &str| world.sent.iter().find(|(_, r)| r.url.ends_with(path)).unwrap().0;
            when("/new").abs_diff(when("/action"))
        });
        let longest = apart.max().unwrap();
        assert!((gap_ms / 2..=gap_ms).contains(&longest), "{longest} of {gap_ms}");
    }
}

#[test]
fn how_long_twilio_itself_takes_is_a_switch() {
    for (percent, ring_ms, new_ms) in
        [(0, 0..=0, 0..=0), (100, 70..=280, 20..=650), (1_000, 700..=2_800, 200..=6_500)]
    {
        let mut world = World::new();
        world.engine.switches.delays_percent = percent;
        world.dialled("action=\"/action\"");
        let of = |world: &World, kind| {
            let is_it =
                |event: &&TimelineEvent| event.kind == kind && event.address.as_deref() == Some(CUSTOMER);
            world.engine.timeline().iter().find(is_it).unwrap().at_ms
        };
        let rings = of(&world, EventKind::Ringing) - of(&world, EventKind::Queued);
        assert!(ring_ms.contains(&rings), "{percent} %: {rings}");
        let before = world.engine.now_ms();
        redirects(&mut world, CUSTOMER);
        world.pass(10_000);
        let asked = world.sent.iter().find(|(_, r)| r.url.ends_with("/new")).unwrap().0 - before;
        assert!(new_ms.contains(&asked), "{percent} %: {asked}");
    }
}

#[test]
fn a_redirected_child_leaves_the_dials_time_limit_behind_and_may_be_given_one_of_its_own() {
    for (limit, from, lasts_s) in [
        (None, LimitFrom::Answer, 14_400),
        (Some("30"), LimitFrom::Answer, 30),
        (Some("30"), LimitFrom::Update, 30 + 9),
    ] {
        let mut world = World::new();
        world.engine.switches.updated_time_limit_counts_from = from;
        world.dialled("action=\"/action\" timeLimit=\"30\"");
        world.twiml("/new", "<Pause length=\"20000\"/>");
        let mut form = vec![("Url", "http://app/new")];
        form.extend(limit.map(|limit| ("TimeLimit", limit)));
        let sid = world.sid(CUSTOMER);
        assert_eq!(world.rest("POST", &format!("Calls/{sid}"), &form).status, 200);
        world.pass(15_000_000);
        let lasted_s = world.leg(CUSTOMER).duration_s(0);
        assert!((lasts_s - 1..=lasts_s + 1).contains(&lasted_s), "{limit:?} from {from:?}: {lasted_s}");
    }
}
