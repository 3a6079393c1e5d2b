//! Facts between the rules, which state them, and the store, which makes them durable.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tidegate_authz::{Question, ZoneView};
use tidegate_core::facts::BINDING_RETENTION_S;
use tidegate_core::records::Moment;
use tidegate_core::{Fact, Facts, FactsError, Timestamp, Unbound, ZoneId};
use tokio::time::{interval, timeout};

use crate::config::Limits;

/// How often facts that are out of use are dropped; the exact hour does not matter for what lasts days.
const EXPIRE_EVERY: Duration = Duration::from_secs(3_600);

/// The time, for rules.
pub(crate) fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// The time to the microsecond, for credentials that expire.
pub(crate) fn moment() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// Time since some moment before the first connection, for what is counted by the millisecond.
pub(crate) fn uptime() -> Duration {
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    ORIGIN.elapsed()
}

/// Answers a rule's question and takes the answer into the zone; gives the producer ids that are not the zone's.
///
/// # Errors
/// [`FactsError`] when the store fails or takes too long: then nothing was taken in.
pub(crate) async fn answer(
    facts: &dyn Facts,
    zone: &ZoneView,
    question: Question,
    limits: &Limits,
) -> Result<Vec<i64>, FactsError> {
    match question {
        Question::Keep(stated) => {
            let renewed = stated.iter().all(|fact| zone.state().knows(fact));
            match keep(facts, zone, stated.clone(), limits).await {
                // It holds anyway, and is noted again when its next use is due.
                Err(_) if renewed => zone.take(&stated),
                kept => kept?,
            }
            Ok(Vec::new())
        }
        Question::Producers(ids) => {
            let mut found = in_time(limits.state_deadline, facts.producers(zone.id(), ids.clone())).await?;
            // Rows are dropped by the hour, ids run out by the second.
            let retention = limits.producer_id_retention.as_secs();
            found.retain(|(_, used)| now().since(*used) < retention);
            let own: Vec<Fact> =
                found.iter().map(|(id, used)| Fact::Producer { id: *id, used: *used }).collect();
            zone.take(&own);
            Ok(ids.into_iter().filter(|id| found.iter().all(|(own, _)| own != id)).collect())
        }
    }
}

/// Makes facts durable and takes them into the zone as they stand then.
///
/// # Errors
/// As [`answer`].
pub(crate) async fn keep(
    facts: &dyn Facts,
    zone: &ZoneView,
    stated: Vec<Fact>,
    limits: &Limits,
) -> Result<(), FactsError> {
    let standing = in_time(limits.state_deadline, facts.keep(zone.id(), stated)).await?;
    zone.take(&standing);
    Ok(())
}

/// Makes the store and then the zone forget bindings.
///
/// # Errors
/// As [`answer`].
pub(crate) async fn unbind(
    facts: &dyn Facts,
    zone: &ZoneView,
    unbound: Vec<Unbound>,
    limits: &Limits,
) -> Result<(), FactsError> {
    in_time(limits.state_deadline, facts.unbind(zone.id(), unbound.clone())).await?;
    zone.forget(&unbound);
    Ok(())
}

async fn in_time<T>(
    limit: Duration,
    pending: impl Future<Output = Result<T, FactsError>>,
) -> Result<T, FactsError> {
    let done = match timeout(limit, pending).await {
        Ok(done) => done,
        Err(_) => Err(FactsError(format!("no answer within {} ms", limit.as_millis()))),
    };
    if let Err(error) = &done {
        metrics::counter!("tidegate_state_failures_total").increment(1);
        tracing::error!(%error, "a fact was not kept or not found");
    }
    done
}

/// Makes the store forget bindings, without waiting for it: what comes after must not wait for a slow disk, and is told
/// to the store after this. Should it fail, they are dropped again at the next start.
pub(crate) fn forget(facts: &dyn Facts, unbound: Vec<(ZoneId, Vec<Unbound>)>) {
    for (zone, bindings) in unbound {
        let forgotten = facts.unbind(zone, bindings);
        tokio::spawn(async move {
            if let Err(error) = forgotten.await {
                tracing::warn!(%zone, %error, "cannot forget bindings of removed aliases");
            }
        });
    }
}

/// Drops what is out of use, until the gateway stops.
pub(crate) async fn expire(facts: Arc<dyn Facts>, limits: Limits) {
    let retention = limits.producer_id_retention.as_secs().max(BINDING_RETENTION_S);
    let mut due = interval(EXPIRE_EVERY);
    loop {
        due.tick().await;
        let limit = Timestamp(now().0.saturating_sub(retention));
        if let Err(error) = facts.expire(limit).await {
            tracing::warn!(%error, "cannot drop facts that are out of use");
        }
    }
}
