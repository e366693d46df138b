//! The crate ships the interface that the host promises.

#[test]
fn the_shipped_interface_is_the_promised_one() {
    assert_eq!(include_str!("../wit/filter.wit"), include_str!("../../wit/filter.wit"), "copy wit/filter.wit anew");
}
