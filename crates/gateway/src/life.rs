//! Where each zone stands, with reasons that a person can act on.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Value, json};
use tidegate_core::{AuthenticationMode, ClusterName, SourcedZone};

use crate::desired::Desired;
use crate::snapshot::Snapshot;

/// Where a zone stands. One that is deleted is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Something is still to be done before its partner can use it.
    Pending,
    /// All of it is served.
    Ready,
    /// Something in it cannot be served; the rest is.
    Failed,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "PENDING",
            Self::Ready => "READY",
            Self::Failed => "FAILED",
        })
    }
}

/// Where a zone stands, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Where.
    pub status: Status,
    /// Why; none if it is ready.
    pub reasons: Vec<String>,
}

/// What hinders a cluster from being asked, by its name.
pub(crate) type Troubles = HashMap<ClusterName, String>;

/// Where a zone stands, by what is enforced and what is known of its cluster.
pub(crate) fn of(sourced: &SourcedZone, desired: &Desired, snapshot: &Snapshot, troubles: &Troubles) -> Life {
    let spec = &sourced.zone;
    let (cluster, name) = (spec.cluster(), spec.account());
    let mut pending = Vec::new();
    let mut failed = Vec::new();
    if spec.authentication() == AuthenticationMode::Plain {
        match desired.accounts().find(name.as_str()) {
            None => pending.push(format!("account `{name}` does not exist yet: make it")),
            Some(account) if account.credentials().is_empty() => {
                pending.push(format!("account `{name}` has no credential yet: add one"));
            }
            Some(_) => {}
        }
    }
    match (snapshot.cluster(cluster), troubles.get(cluster)) {
        (_, Some(trouble)) => failed.push(format!("cluster `{cluster}` cannot be reached: {trouble}")),
        (None, None) => pending.push(format!("cluster `{cluster}` has not been asked yet")),
        (Some(seen), None) => {
            let unseen = spec.topics().iter().filter(|grant| !seen.view.topics.contains_key(&grant.backing));
            let (gone, unasked): (Vec<_>, Vec<_>) =
                unseen.partition(|grant| seen.asked.contains(&grant.backing));
            failed.extend(gone.into_iter().map(|grant| {
                format!(
                    "alias `{}`: there is no topic `{}` on cluster `{cluster}`: create it, or change the alias",
                    grant.alias, grant.backing
                )
            }));
            pending.extend(unasked.into_iter().map(|grant| {
                format!("cluster `{cluster}` has not been asked for topic `{}` yet", grant.backing)
            }));
        }
    }
    let status = match (failed.is_empty(), pending.is_empty()) {
        (false, _) => Status::Failed,
        (true, false) => Status::Pending,
        (true, true) => Status::Ready,
    };
    failed.extend(pending);
    Life { status, reasons: failed }
}

/// All zones as JSON, by name.
pub(crate) fn list(desired: &Desired, snapshot: &Snapshot, troubles: &Troubles) -> Value {
    let zones = desired.zones().iter().map(|sourced| {
        let Life { status, reasons } = of(sourced, desired, snapshot, troubles);
        let spec = &sourced.zone;
        json!({
            "name": spec.name().as_str(),
            "cluster": spec.cluster().as_str(),
            "account": spec.account().as_str(),
            "topics": spec.topics().len(),
            "status": status.to_string(),
            "reasons": reasons,
        })
    });
    Value::Array(zones.collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use tidegate_authz::ClusterView;
    use tidegate_authz::cluster::TopicView;
    use tidegate_core::records::Moment;
    use tidegate_core::{BackingTopic, RootKey, parse_zones};

    use super::*;
    use crate::snapshot::{ClusterSnapshot, Compiler};

    fn zone() -> SourcedZone {
        let text = "{apiVersion: v2, kind: PartnerZone, metadata: {name: z}, spec: {cluster: c, serviceAccount: u, topics: [{name: a, backingTopic: t, permission: READ}]}}";
        SourcedZone::new("here", parse_zones(text).unwrap().remove(0))
    }

    fn topic() -> TopicView {
        TopicView { id: [1; 16], partitions: Vec::new() }
    }

    fn life(with_account: bool, topics: Option<&[&str]>, trouble: Option<&str>) -> (Status, String) {
        life_when_asked(with_account, topics, &["t"], trouble)
    }

    fn life_when_asked(
        with_account: bool,
        topics: Option<&[&str]>,
        asked: &[&str],
        trouble: Option<&str>,
    ) -> (Status, String) {
        let desired = match with_account {
            true => Desired::of_zones(vec![zone()]).unwrap(),
            false => Desired { zones: vec![zone()], ..Desired::default() },
        };
        let cluster = ClusterName::parse("c").unwrap();
        let clusters = topics.map(|topics| {
            let topics: BTreeMap<_, _> =
                topics.iter().map(|name| (BackingTopic::parse(name).unwrap(), Arc::new(topic()))).collect();
            let view = ClusterView { topics, ..ClusterView::default() };
            let asked = asked.iter().map(|name| BackingTopic::parse(name).unwrap()).collect();
            (cluster.clone(), Arc::new(ClusterSnapshot { view, asked, ..ClusterSnapshot::default() }))
        });
        let mut compiler = Compiler::new(RootKey::from_bytes([1; 32]), Vec::new());
        let snapshot = compiler.compile(&desired, clusters.into_iter().collect(), Moment(1)).snapshot;
        let troubles = trouble.map(|what| (cluster, what.to_owned())).into_iter().collect();
        let Life { status, reasons } = of(&zone(), &desired, &snapshot, &troubles);
        (status, reasons.join("; "))
    }

    #[test]
    fn every_hindrance_is_told_with_what_to_do() {
        let no_credential = "account `u` has no credential yet: add one";
        assert_eq!(life(true, Some(&["t"]), None), (Status::Pending, no_credential.to_owned()));
        let (status, why) = life(true, Some(&["other"]), None);
        assert_eq!(status, Status::Failed);
        assert!(why.starts_with("alias `a`: there is no topic `t` on cluster `c`: create it"), "{why}");
        let (status, why) = life_when_asked(true, Some(&["other"]), &["other"], None);
        assert_eq!(status, Status::Pending, "it may be there");
        assert!(why.ends_with("cluster `c` has not been asked for topic `t` yet"), "{why}");
        let (status, why) = life(false, None, None);
        assert_eq!(status, Status::Pending);
        assert!(why.contains("account `u` does not exist yet") && why.contains("has not been asked yet"));
        let (status, why) = life(true, Some(&["t"]), Some("no route"));
        assert_eq!((status, why.contains("cannot be reached: no route")), (Status::Failed, true));
    }
}
