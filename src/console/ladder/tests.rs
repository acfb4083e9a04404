//! The ladder's promises: whatever was said stands within the drawing, in order, and over nothing else.

use proptest::prelude::*;

use super::*;

fn lane(side: Side, title: &str) -> Lane {
    Lane { side, title: title.into(), subtitle: String::new() }
}

fn lanes(people: usize) -> Vec<Lane> {
    let service = [lane(Side::Crm, "CRM"), lane(Side::Service, "Service"), lane(Side::Twilio, "Twilio")];
    service.into_iter().chain((0..people).map(|person| lane(Side::Person, &format!("P{person}")))).collect()
}

fn message(at_ms: i64, from: usize, to: usize, label: &str) -> Message {
    Message {
        id: format!("m{at_ms}"),
        at_ms,
        from,
        to,
        kind: Kind::Webhook,
        is_bad: false,
        label: label.into(),
        answer: String::new(),
    }
}

fn messages() -> impl Strategy<Value = (usize, Vec<Message>)> {
    (1_usize..6).prop_flat_map(|people| {
        let lane = 0..people + 3;
        let one = (-5_000_i64..500_000, lane.clone(), lane, ".{0,200}", any::<bool>(), ".{0,50}");
        let one = one.prop_map(|(at_ms, from, to, label, is_bad, answer)| Message {
            is_bad,
            answer,
            ..message(at_ms, from, to, &label)
        });
        (Just(people), prop::collection::vec(one, 0..200))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_arrow_is_within_bounds_in_order_and_over_no_other((people, messages) in messages()) {
        let lanes = lanes(people);
        let layout = layout(lanes.len(), &messages);
        let mut seen = vec![];
        let mut below = layout.top;
        for row in &layout.rows {
            let (y, above, height) = match row {
                Row::Message { y, index } => { seen.push(*index); (*y, layout::ABOVE, layout::ROW) }
                Row::Pause { y, ms } => { prop_assert!(*ms >= 2_000); (*y, 13, 26) }
            };
            prop_assert!(y - above >= below, "over the one before");
            below = y - above + height;
        }
        prop_assert!(below <= layout.height);
        prop_assert!(layout.lanes.iter().all(|x| (0..layout.width).contains(x)));
        prop_assert!(layout.lanes.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(seen.windows(2).all(|pair| messages[pair[0]].at_ms <= messages[pair[1]].at_ms));
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..messages.len()).collect::<Vec<_>>());
    }

    #[test]
    fn whatever_was_said_the_drawing_is_xml_within_its_own_bounds((people, messages) in messages()) {
        let lanes = lanes(people);
        let svg = draw("A call", &lanes, &messages);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let bounds: Vec<f64> = document.root_element().attribute("viewBox").unwrap().split(' ').map(|it| it.parse().unwrap()).collect();
        for node in document.descendants() {
            for (names, most) in [(["x", "x1", "x2", "cx"], bounds[2]), (["y", "y1", "y2", "cy"], bounds[3])] {
                for value in names.iter().filter_map(|name| node.attribute(*name)) {
                    let value: f64 = value.parse().unwrap();
                    prop_assert!((0.0..=most).contains(&value), "{value} of {most}");
                }
            }
            if node.attribute("class") == Some("label") {
                let x: f64 = node.attribute("x").unwrap().parse().unwrap();
                let characters = node.text().unwrap_or_default().chars().count() as f64;
                prop_assert!(x + characters * 7.0 <= bounds[2]);
            }
        }
        let rows = document.descendants().filter(|node| node.attribute("class").is_some_and(|class| class.starts_with("message ")));
        prop_assert_eq!(rows.count(), messages.len());
    }
}

#[test]
fn times_are_minutes_seconds_and_thousandths() {
    assert_eq!(
        [0, 999, 61_005, 3_600_000, -5].map(clock),
        ["0:00.000", "0:00.999", "1:01.005", "60:00.000", "-0:00.005"]
    );
}

#[test]
fn a_golden_call() {
    let lanes = lanes(2);
    let said = |at_ms, from, to, kind, label: &str, answer: &str| Message {
        kind,
        answer: answer.into(),
        id: if matches!(kind, Kind::Webhook | Kind::Rest) { format!("m{at_ms}") } else { String::new() },
        ..message(at_ms, from, to, label)
    };
    let messages = [
        said(0, 0, 1, Kind::Request, "crm asks for the call", ""),
        said(12, 1, 2, Kind::Rest, "POST Calls (P0)", "201"),
        said(1_404, 2, 3, Kind::Line, "P0: the phone rings.", ""),
        said(4_002, 2, 1, Kind::Webhook, "second-leg: P0", "200 Dial"),
        said(9_870, 1, 1, Kind::Note, "Customer and agent talk.", ""),
        Message { is_bad: true, ..said(9_871, 1, 2, Kind::Rest, "POST Participants (<b>&)", "400") },
        said(9_900, 1, 0, Kind::Notice, "call.connected", "204"),
    ];
    insta::assert_snapshot!(draw("A call", &lanes, &messages).replace("><", ">\n<"));
}
