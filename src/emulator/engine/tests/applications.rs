//! Applications: dialled, added to a conference, connected to by a browser, named by a create.

use super::*;
use people::VoiceSettings;

const APPLICATION: &str = "AP00000000000000000000000000000001";
const ADDRESS: &str = "app:AP00000000000000000000000000000001";

fn world() -> World {
    let mut world = World::new();
    let link = |path: &str| Some(http::Link { url: format!("http://app{path}"), method: Method::Post });
    let settings =
        VoiceSettings { voice: link("/application"), fallback: link("/fallback"), callback: link("/ended") };
    world.engine.applications.insert(APPLICATION.into(), settings);
    world.twiml("/application", "<Say loop=\"0\">welcome</Say>");
    world
}

#[test]
fn a_call_with_an_application_runs_and_reports_as_the_application_says() {
    let mut world = world();
    world.reply("/application", 500, "text/xml", "").twiml("/fallback", "<Hangup/>");
    let form = [
        ("To", AGENT),
        ("From", NUMBER),
        ("ApplicationSid", APPLICATION),
        ("Url", "http://app/ignored"),
        ("StatusCallback", "http://app/ignored-too"),
        ("FallbackUrl", "http://app/ignored-as-well"),
    ];
    assert_eq!(world.rest("POST", "Calls", &form).status, 201);
    world.pass(10_000);
    assert_eq!(world.paths(), ["/application", "/fallback", "/ended"]);
}

#[test]
fn an_application_that_is_not_there_is_21218() {
    let unknown = "AP00000000000000000000000000000009";
    let mut world = world();
    let create = [("To", AGENT), ("From", NUMBER), ("ApplicationSid", unknown)];
    assert_eq!(world.rest("POST", "Calls", &create).body.unwrap()["code"], 21218);
    let to = format!("app:{unknown}");
    let add = [("To", to.as_str()), ("From", NUMBER)];
    assert_eq!(world.rest("POST", "Conferences/r/Participants", &add).body.unwrap()["code"], 21218);
}

#[test]
fn a_call_cannot_be_made_to_an_application() {
    let form = [("To", ADDRESS), ("From", NUMBER), ("Url", "http://app/start")];
    assert_eq!(world().rest("POST", "Calls", &form).body.unwrap()["code"], 21211);
}

#[test]
fn a_dialled_application_speaks_to_the_caller() {
    for noun in [APPLICATION.to_owned(), format!("<ApplicationSid>{APPLICATION}</ApplicationSid>")] {
        let mut world = world();
        world.twiml("/start", &format!("<Dial><Application>{noun}</Application></Dial>"));
        world.call(AGENT);
        world.pass(5_000);
        assert_eq!(world.hears_whom(AGENT), ["\"welcome\""]);
        assert_eq!(world.params("/application")["To"], ADDRESS);
        assert_eq!(world.params("/application")["Direction"], "inbound");
    }
}

#[test]
fn an_unknown_dialled_application_fails_the_dial() {
    let mut world = World::new();
    world.twiml(
        "/start",
        &format!("<Dial action=\"/action\"><Application>{APPLICATION}</Application></Dial>"),
    );
    world.call(AGENT);
    world.pass(5_000);
    assert_eq!(world.params("/action")["DialCallStatus"], "failed");
    assert!(world.engine.debugger().iter().any(|entry| entry.code == 21218));
}

#[test]
fn an_application_joins_a_conference_as_a_participant() {
    let mut world = world();
    world.twiml("/start", "<Dial><Conference beep=\"false\">room-1</Conference></Dial>");
    world.call(AGENT);
    let answer = world.rest("POST", "Conferences/room-1/Participants", &[("To", ADDRESS), ("From", NUMBER)]);
    assert_eq!(answer.status, 201);
    world.pass(5_000);
    assert_eq!(world.hears_whom(AGENT), ["\"welcome\""]);
}

#[test]
fn a_browser_reaches_its_application_and_its_parameters_come_along() {
    let mut world = world();
    world.twiml("/application", &format!("<Dial callerId=\"{NUMBER}\">{CUSTOMER}</Dial>"));
    let params = [("To", CUSTOMER), ("campaign", "q3")];
    let params = params.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    world.engine.device_connects("client:dana", APPLICATION, params).unwrap();
    world.pass(5_000);
    let asked = world.params("/application");
    assert_eq!((asked["From"].as_str(), asked["To"].as_str()), ("client:dana", CUSTOMER));
    assert_eq!((asked["campaign"].as_str(), asked["Direction"].as_str()), ("q3", "inbound"));
    assert_eq!(world.hears_whom("client:dana"), [CUSTOMER]);
}

#[test]
fn an_application_that_dials_itself_comes_to_an_end() {
    let mut world = world();
    let again = format!("<Application>{APPLICATION}</Application>");
    world.twiml("/application", &format!("<Dial answerOnBridge=\"true\">{again}{again}</Dial>"));
    world.twiml("/start", &format!("<Dial action=\"/action\">{again}</Dial>"));
    world.call(AGENT);
    world.pass(60_000);
    assert!(world.asked("/action"));
    assert!(world.engine.calls.iter().count() < 200, "{}", world.engine.calls.iter().count());
}
