//! The opaque blobs of the classic group protocol.

use std::collections::BTreeSet;

use tidegate_wire::Bytes;
use tidegate_wire::group_blob::{Renamed, rewrite_assignment, rewrite_subscription, subscription_topics};

/// A blob whose names stay is the same after one rewriting and after two, and no dropped name is left.
pub fn group_blob(data: &[u8]) {
    let blob = Bytes::copy_from_slice(data);
    let keep = |name: &str| Renamed::To(name.to_owned());
    if let Ok(once) = rewrite_subscription(&blob, keep) {
        assert_eq!(rewrite_subscription(&once, keep), Ok(once.clone()));
        assert_eq!(topics(&once), topics(&blob));
        let none = rewrite_subscription(&blob, |_| Renamed::Drop).expect("it was read before");
        assert!(topics(&none).is_empty());
    }
    if let Ok(once) = rewrite_assignment(&blob, keep) {
        assert_eq!(rewrite_assignment(&once, keep), Ok(once));
        let none = rewrite_assignment(&blob, |_| Renamed::Drop).expect("it was read before");
        let left = rewrite_assignment(&none, |name| panic!("{name} is left"));
        assert!(left.is_ok());
    }
}

fn topics(blob: &[u8]) -> BTreeSet<String> {
    subscription_topics(blob).expect("it was read before").into_iter().collect()
}
