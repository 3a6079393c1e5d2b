//! Brokers die, leaders move, everything restarts, the gateway is killed, while stock clients write and read
//! through it: no acknowledged record is lost or doubled, and clients recover alone.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test says what it expects in the shortest way"
)]

mod cluster;
mod judge;
mod judge_tests;
mod load;
mod site;
mod state;

use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tidegate_e2e::clients;
use tidegate_e2e::dice::Dice;
use tidegate_e2e::jars::Version;
use tidegate_e2e::java;
use tidegate_e2e::scale::scale;

use self::judge::{Judge, Logs, Said, Verdict};
use self::load::Load;
use self::site::{ALIASES, Site, TWINS};
use self::state::State;

/// Less than the session of a broker (9 s): it is back before the controller misses it.
const BROKER_AWAY: Duration = Duration::from_secs(5);
const GATEWAY_AWAY: Duration = Duration::from_secs(2);

/// What happens, once per round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upheaval {
    BrokerKilled,
    LeadersMoved,
    RollingRestart,
    GatewayKilled,
}

use Upheaval::{BrokerKilled, GatewayKilled, LeadersMoved, RollingRestart};

#[test]
fn nothing_acknowledged_is_lost_or_doubled_before_4_1_1() -> Result<()> {
    run(Version::V4_1_1, &[BrokerKilled, LeadersMoved, RollingRestart, GatewayKilled])
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_before_3_9_1() -> Result<()> {
    run(Version::V3_9_1, &[BrokerKilled, GatewayKilled])
}

fn run(version: Version, round: &[Upheaval]) -> Result<()> {
    // Six brokers at once are more than two cores hold up.
    static ONE_BY_ONE: Mutex<()> = Mutex::new(());
    let _turn = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let begin = Instant::now();
    let mut dice = Dice::throw()?;
    let mut upheavals = round.repeat(scale()?);
    dice.shuffle(&mut upheavals);
    let mut site = Site::start(version)?;
    let mut state = State::new(&site.kafka, site.home.ports())?;
    let mut clients = Clients::start(&site)?;
    clients.go_on()?;
    println!("everything runs after {:?}", begin.elapsed());
    for upheaval in &upheavals {
        let begin = Instant::now();
        happen(*upheaval, &mut site, &mut state, &mut clients, &mut dice)?;
        let happened = begin.elapsed();
        clients.go_on().with_context(|| format!("after {upheaval:?}"))?;
        println!("{upheaval:?} took {happened:?}, clients went on after {:?}", begin.elapsed());
    }
    let end = Instant::now();
    let said = clients.finish()?;
    println!("clients came to an end in {:?}", end.elapsed());
    let verdict = judge(&site, &state, &said)?;
    println!("judged after {:?}, all after {:?}", end.elapsed(), begin.elapsed());
    report(version, &dice, &upheavals, &said, &verdict);
    ensure!(verdict.lost == 0 && verdict.doubled == 0, "{verdict:?}");
    ensure!(verdict.mistakes.is_empty(), "{verdict:?}");
    site.nothing_leaked()
}

fn happen(
    upheaval: Upheaval,
    site: &mut Site,
    state: &mut State,
    clients: &mut Clients,
    dice: &mut Dice,
) -> Result<()> {
    match upheaval {
        BrokerKilled => {
            let id = dice.broker();
            let is_missed = dice.below(2) == 0;
            let pause = dice.pause(BROKER_AWAY);
            site.kafka.kill9(id)?;
            if is_missed {
                clients.go_on().with_context(|| format!("without broker {id}"))?;
            } else {
                thread::sleep(pause);
            }
            println!("broker {id} comes back; was missed: {is_missed}");
            site.kafka.restart(id)?;
            cluster::whole(&site.kafka)
        }
        LeadersMoved => cluster::move_leaders(&site.kafka).map(|moved| println!("{moved} leaders moved")),
        RollingRestart => {
            let mut ids = [1, 2, 3];
            dice.shuffle(&mut ids);
            for id in ids {
                let begin = Instant::now();
                site.kafka.stop(id)?;
                let stopped = begin.elapsed();
                site.kafka.restart(id)?;
                let up = begin.elapsed();
                cluster::whole(&site.kafka)?;
                println!(
                    "broker {id} stopped at {stopped:?}, up at {up:?}, in sync at {:?}",
                    begin.elapsed()
                );
            }
            Ok(())
        }
        GatewayKilled => {
            state.add()?;
            site.kill_gateway(dice.pause(GATEWAY_AWAY))?;
            state.check()
        }
    }
}

/// The programs that write and read through the gateway all the time.
struct Clients {
    java: Load,
    librdkafka: Load,
    java_marks: Vec<&'static str>,
}

const LIBRDKAFKA_MARKS: [&str; 2] = ["acked i-rdkafka", "committed t-rdkafka"];

impl Clients {
    fn start(site: &Site) -> Result<Self> {
        let all = ALIASES.join(",");
        let mut roles = vec![
            "idempotent:i-java:orders".to_owned(),
            "transactional:t-java:payments".to_owned(),
            "copy:c-java:payments:copies".to_owned(),
            format!("read:classic-group:classic:{all}"),
            format!("read:classic-group:classic:{all}"),
        ];
        let mut java_marks = vec!["acked i-java", "committed t-java", "copied c-java", "read classic-group"];
        if has_next_groups(site) {
            roles.push(format!("read:next-group:consumer:{all}"));
            java_marks.push("read next-group");
        }
        let config = site.partner();
        let java = Load::start("java", load_program()?, &config, &roles)?;
        let roles = ["idempotent:i-rdkafka:events", "transactional:t-rdkafka:bills"].map(str::to_owned);
        let librdkafka = Load::start("librdkafka", clients::python("load")?, &config, &roles)?;
        Ok(Self { java, librdkafka, java_marks })
    }

    /// Everyone gets on with its work: clients recover alone.
    fn go_on(&mut self) -> Result<()> {
        self.java.goes_on(&self.java_marks, 2)?;
        self.librdkafka.goes_on(&LIBRDKAFKA_MARKS, 2)
    }

    /// Writers stop first, so that readers come to an end.
    fn finish(self) -> Result<Said> {
        let mut said = Said::default();
        for line in self.librdkafka.finish()?.iter().chain(&self.java.finish()?) {
            said.hear(line)?;
        }
        Ok(said)
    }
}

/// Groups of KIP-848 are there by default from 4.0 on.
fn has_next_groups(site: &Site) -> bool {
    site.kafka.version() == Version::V4_1_1
}

/// Reads the logs from the brokers themselves and compares.
fn judge(site: &Site, state: &State, said: &Said) -> Result<Verdict> {
    let [all, committed] = read(site, ["read_uncommitted", "read_committed"])?;
    let mut judge = Judge::new(said, &all, &committed);
    judge.idempotent("i-java", "orders")?;
    judge.idempotent("i-rdkafka", "events")?;
    judge.transactional("t-java", "payments")?;
    judge.transactional("t-rdkafka", "bills")?;
    judge.copy("payments", "copies");
    judge.read("classic-group", &ALIASES);
    if has_next_groups(site) {
        judge.read("next-group", &ALIASES);
    }
    let twins = all.len(TWINS[0]);
    ensure!(twins == state.acknowledged, "{twins} records by hand, {} acknowledged", state.acknowledged);
    Ok(judge.verdict)
}

/// The logs under the aliases' names, as stock consumers of each isolation level read them without a gateway.
fn read(site: &Site, isolations: [&str; 2]) -> Result<[Logs; 2]> {
    let names: Vec<&str> = ALIASES.into_iter().chain([TWINS[0]]).collect();
    let backing: Vec<&str> = names.iter().map(|alias| site.backing(alias)).collect::<Result<_>>()?;
    let roles = isolations.map(|isolation| format!("dump:{isolation}:{}", backing.join(",")));
    let mut logs = [Logs::default(), Logs::default()];
    for line in Load::start("dump", load_program()?, &site.kafka.client_config("PLAIN"), &roles)?.wait()? {
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        let ["record", isolation, topic, partition, offset, ref value @ ..] = words[..] else { continue };
        let of =
            isolations.iter().position(|name| *name == isolation).context("a level that was asked for")?;
        let at = backing.iter().position(|name| *name == topic).context("a topic that was asked for")?;
        logs[of].add(names[at], (partition.parse()?, offset.parse()?), &value.join(" "));
    }
    Ok(logs)
}

/// `Load` of `e2e/java`.
fn load_program() -> Result<Command> {
    java::program(Version::V4_1_1, &["-Xmx192m", "-XX:TieredStopAtLevel=1"], "Load")
}

/// One line for people and for `cargo xtask soak`.
fn report(version: Version, dice: &Dice, upheavals: &[Upheaval], said: &Said, verdict: &Verdict) {
    let rounds = |kind| upheavals.iter().filter(|upheaval| **upheaval == kind).count();
    let clients: Vec<&str> = said.versions.iter().map(String::as_str).collect();
    let figures = serde_json::json!({
        "title": format!("Three brokers of Kafka {version}"),
        "notes": format!("Clients: {}. Lost and doubled are records that were acknowledged.", clients.join(", ")),
        "seed": dice.seed(),
        "figures": [
            ["brokers killed", rounds(BrokerKilled)],
            ["leader moves", rounds(LeadersMoved)],
            ["rolling restarts", rounds(RollingRestart)],
            ["gateways killed", rounds(GatewayKilled)],
            ["records acknowledged", verdict.acknowledged],
            ["transactions committed", verdict.transactions],
            ["transactions aborted", verdict.aborted],
            ["records copied", verdict.copied],
            ["repeated by clients", said.retried],
            ["lost", verdict.lost],
            ["doubled", verdict.doubled],
        ],
    });
    println!("measured: {figures}");
}
