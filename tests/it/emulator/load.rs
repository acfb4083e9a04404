//! Many calls at once on the virtual clock: every one is transferred and ends, and a seed always gives the same run.

#[path = "../../../benches/support/transfers.rs"]
mod transfers;

#[test]
fn two_hundred_calls_are_transferred_and_end() {
    let outcome = transfers::run(200, 7).unwrap();
    assert_eq!((outcome.transferred, outcome.unfinished), (200, 0));
    assert_eq!(transfers::run(200, 7).unwrap(), outcome);
}
