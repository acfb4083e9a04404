//! Ten thousand calls, and that a seed is a history.

use super::*;

/// Calls a test plays; there are four such tests, so that the machine's cores share them.
const CALLS: u64 = 2_500;

fn nothing_is_broken(first_seed: u64) {
    let complaint = (first_seed..first_seed + CALLS).find_map(complaint);
    assert!(complaint.is_none(), "{}", complaint.unwrap_or_default());
}

#[test]
fn no_promise_is_broken_in_the_first_quarter_of_ten_thousand_calls() {
    nothing_is_broken(0);
}

#[test]
fn no_promise_is_broken_in_the_second_quarter_of_ten_thousand_calls() {
    nothing_is_broken(CALLS);
}

#[test]
fn no_promise_is_broken_in_the_third_quarter_of_ten_thousand_calls() {
    nothing_is_broken(2 * CALLS);
}

#[test]
fn no_promise_is_broken_in_the_last_quarter_of_ten_thousand_calls() {
    nothing_is_broken(3 * CALLS);
}

#[test]
fn one_seed_is_one_history() {
    for seed in 0..50 {
        let script = Script::of(seed);
        assert_eq!(ladder(&script), ladder(&script));
    }
}
