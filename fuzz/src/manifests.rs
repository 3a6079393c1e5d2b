//! Files that operators write.

use secrecy::ExposeSecret;
use tidegate_core::{Accounts, parse_zones};

/// Both kinds are understood or refused with words; accounts that were understood are written and read the
/// same.
pub fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(errors) = parse_zones(text) {
        assert!(!errors.to_string().is_empty());
    }
    match Accounts::parse(text) {
        Ok(accounts) => {
            let rendered = accounts.render();
            let again = Accounts::parse(rendered.expose_secret()).expect("our own file");
            assert_eq!(again.render().expose_secret(), rendered.expose_secret());
        }
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
}
