//! Where zones and accounts come from: a folder and a file, or the embedding program.

use std::sync::Arc;

use tokio::sync::watch;

use crate::config::Config;
use crate::desired::Desired;
use crate::error::GatewayError;

/// Zones and accounts of the embedding program.
pub(crate) type Source = watch::Receiver<Arc<Desired>>;

/// What is wanted at the start.
///
/// # Errors
/// [`GatewayError::Desired`].
pub(crate) fn first(config: &Config, source: Option<&mut Source>) -> Result<Arc<Desired>, GatewayError> {
    let Some(source) = source else { return Desired::load(config).map(Arc::new) };
    let desired = Arc::clone(&source.borrow_and_update());
    desired.check_clusters(config)?;
    Ok(desired)
}

/// Takes over what the program sends. What names an unknown cluster changes nothing; when the program sends no more,
/// what it sent last holds.
pub(crate) async fn follow(mut source: Source, config: Config, desired: watch::Sender<Arc<Desired>>) {
    while source.changed().await.is_ok() {
        let next = Arc::clone(&source.borrow_and_update());
        match next.check_clusters(&config) {
            Ok(()) => {
                desired.send_replace(next);
            }
            Err(error) => tracing::error!(%error, "nothing is changed: the program's zones are wrong"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidegate_authz::RuleTable;
    use tidegate_authz::rules::heartbeat::Heartbeat;
    use tidegate_core::{Accounts, MemoryFacts, SourcedZone, parse_zones};
    use tidegate_wire::api::ApiKey;
    use tokio::time::timeout;

    use super::*;
    use crate::config::{Machine, parse_embedded};
    use crate::logins::Logins;
    use crate::parts::{Parts, RuleHook};

    /// A configuration without a word about zones and accounts.
    const CONFIG: &str = "
clusters: [{name: main, bootstrap: [\"localhost:9092\"]}]
listeners:
  - {name: partners, cluster: main, protocol: SASL_PLAINTEXT, mechanisms: [PLAIN], bind: {host: 127.0.0.1, port: 9}, nodes: {bindPort: 10, count: 2}}
";

    fn config() -> (tempfile::TempDir, Config) {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("{CONFIG}rootKey: file:root.key\n");
        let config = parse_embedded(&text, &folder.path().join("inline"), &Machine).unwrap();
        (folder, config)
    }

    fn zone(name: &str, cluster: &str, account: &str) -> SourcedZone {
        let text = format!(
            "{{apiVersion: v2, kind: PartnerZone, metadata: {{name: {name}}}, spec: {{cluster: {cluster}, serviceAccount: {account}, topics: [{{name: a, backingTopic: t, permission: READ}}]}}}}"
        );
        SourcedZone::new("the program", parse_zones(&text).unwrap().remove(0))
    }

    #[test]
    fn zones_of_a_program_are_checked_together() {
        let zones = vec![zone("one", "main", "same"), zone("two", "main", "same")];
        let error = Desired::new(zones, Accounts::default()).unwrap_err().to_string();
        assert!(error.contains("same") && error.contains("one") && error.contains("the program"), "{error}");
    }

    #[test]
    fn an_account_without_credentials_stands_behind_each_zone() {
        let desired = Desired::of_zones(vec![zone("one", "main", "a"), zone("two", "main", "b")]).unwrap();
        assert!(desired.accounts().iter().all(|account| account.credentials().is_empty()));
        assert_eq!(desired.accounts().iter().count(), 2);
    }

    #[test]
    fn no_files_and_no_program_is_one_clear_line() {
        let (_folder, config) = config();
        let error = first(&config, None).unwrap_err().to_string();
        assert!(error.contains("zones.folder") && error.contains("Parts::with_desired"), "{error}");
    }

    #[test]
    fn files_in_the_configuration_of_a_program_with_zones_are_a_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let text =
            format!("{CONFIG}rootKey: file:root.key\nzones: {{folder: .}}\naccounts: {{file: a.yaml}}\n");
        let error = parse_embedded(&text, &folder.path().join("inline"), &Machine).unwrap_err().to_string();
        assert!(error.contains("zones") && error.contains("accounts"), "{error}");
        assert!(!folder.path().join("root.key").exists());
    }

    #[test]
    fn a_rule_hook_that_does_not_fit_names_its_listener() {
        let (_folder, config) = config();
        let listener = &config.listeners[0];
        let parts = Parts::new(Arc::new(Logins::new(&config.root_key)), Arc::new(MemoryFacts::default()));
        assert!(parts.rules_of(listener, RuleTable::default()).unwrap().serves(ApiKey::Fetch, 12));
        let without = parts.clone().with_rules(RuleHook::new(|_, table| Ok(table.without(ApiKey::Fetch))));
        assert!(!without.rules_of(listener, RuleTable::default()).unwrap().serves(ApiKey::Fetch, 12));
        let wrong = parts.with_rules(RuleHook::new(|listener, table| {
            assert_eq!(listener.name.as_str(), "partners");
            table.wrap(ApiKey::Fetch, |_| Box::new(Heartbeat))
        }));
        let error = wrong.rules_of(listener, RuleTable::default()).unwrap_err().to_string();
        assert!(error.contains("`partners`") && error.contains("Fetch"), "{error}");
    }

    #[tokio::test]
    async fn what_a_program_sends_is_taken_over_and_what_is_wrong_changes_nothing() {
        let (_folder, config) = config();
        let one = Arc::new(Desired::of_zones(vec![zone("one", "main", "a")]).unwrap());
        let (publish, mut source) = watch::channel(Arc::clone(&one));
        let (desired, mut seen) = watch::channel(first(&config, Some(&mut source)).unwrap());
        let following = tokio::spawn(follow(source, config.clone(), desired));

        let astray = Arc::new(Desired::of_zones(vec![zone("one", "elsewhere", "a")]).unwrap());
        assert!(astray.check_clusters(&config).unwrap_err().to_string().contains("elsewhere"));
        publish.send_replace(astray);
        let limit = Duration::from_millis(200);
        assert!(
            timeout(limit, seen.changed()).await.is_err(),
            "a zone of an unknown cluster is not taken over"
        );

        let none = Arc::new(Desired::default());
        publish.send_replace(Arc::clone(&none));
        seen.changed().await.unwrap();
        assert!(Arc::ptr_eq(&seen.borrow(), &none));

        drop(publish);
        following.await.unwrap();
        assert!(Arc::ptr_eq(&seen.borrow(), &none), "what was sent last holds");
    }
}
