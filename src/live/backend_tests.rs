use super::*;

#[test]
fn the_name_of_an_interface_has_a_limit() {
    for kind in ["tap", "af_packet"] {
        let text = |bytes: usize| format!("{kind}:{}", "i".repeat(bytes));
        assert_eq!(text(15).parse::<BackendSpec>().map(|spec| spec.to_string()), Ok(text(15)));
        let why = text(16).parse::<BackendSpec>().unwrap_err().to_string();
        assert_eq!(why, "`iiiiiiiiiiiiiiii` is not an interface name: 1 to 15 bytes, no spaces");
        // Bytes, not characters.
        assert!(format!("{kind}:{}", "\u{e9}".repeat(8)).parse::<BackendSpec>().is_err());
    }
}
