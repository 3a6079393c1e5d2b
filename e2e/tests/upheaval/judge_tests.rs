//! A judge that finds nothing proves something only if it finds what is there.

use crate::judge::{Judge, Logs, Said, Verdict};

fn said(lines: &[&str]) -> Said {
    let mut said = Said::default();
    for line in lines {
        said.hear(&line.split(' ').map(str::to_owned).collect::<Vec<_>>()).unwrap();
    }
    said
}

fn logs(topic: &str, values: &[&str]) -> Logs {
    let mut logs = Logs::default();
    for (offset, value) in (0..).zip(values) {
        logs.add(topic, (0, offset), value);
    }
    logs
}

fn idempotent(values: &[&str]) -> Verdict {
    let (said, all) = (said(&["acked w 0 0 0", "acked w 1 0 1"]), logs("t", values));
    let mut judge = Judge::new(&said, &all, &all);
    judge.idempotent("w", "t").unwrap();
    judge.verdict
}

#[test]
fn acknowledged_records_lie_where_they_were_said_to_once_and_in_order() {
    let good = idempotent(&["w 0 0 0", "w 1 0 0", "w 2 0 0"]);
    assert_eq!(good, Verdict { acknowledged: 2, ..Verdict::default() });
    assert_eq!(idempotent(&["w 0 0 0"]).lost, 1);
    assert_eq!(idempotent(&["w 0 0 0", "w 1 0 0", "w 1 0 0"]).doubled, 1);
    // Nobody was told of the third, and still it may not be there twice.
    assert_eq!(idempotent(&["w 0 0 0", "w 1 0 0", "w 2 0 0", "w 2 0 0"]).doubled, 1);
    assert_eq!(idempotent(&["w 0 0 0", "w 2 0 0", "w 1 0 0"]).mistakes.len(), 2);
    assert_eq!(idempotent(&["w 1 0 0", "w 0 0 0"]).mistakes.len(), 3);
}

fn transactional(visible: &[&str]) -> Verdict {
    let said = said(&["committed w 0 0 2", "aborted w 1 0", "committed w 1 1 2"]);
    let all = logs("t", &["w 0 0 0", "w 0 0 1", "w 1 0 0", "w 1 1 0", "w 1 1 1", "w 2 0 0", "w 2 0 1"]);
    let visible = logs("t", visible);
    let mut judge = Judge::new(&said, &all, &visible);
    judge.transactional("w", "t").unwrap();
    judge.verdict
}

#[test]
fn a_transaction_counts_whole_or_not_at_all() {
    let good = ["w 0 0 0", "w 0 0 1", "w 1 1 0", "w 1 1 1"];
    let verdict = transactional(&good);
    assert_eq!((verdict.acknowledged, verdict.transactions, verdict.aborted), (4, 2, 1));
    assert_eq!(verdict.mistakes, [""; 0]);
    assert_eq!(transactional(&good[..3]).lost, 1);
    let with = |more: &[&'static str]| transactional(&[&good[..], more].concat()).mistakes;
    assert_eq!(with(&["w 2 0 0", "w 2 0 1"]), [""; 0]);
    assert_eq!(with(&["w 2 0 0"]), ["w (2, 0) is visible in part"]);
    let aborted = transactional(&["w 0 0 0", "w 0 0 1", "w 1 0 0", "w 1 1 0", "w 1 1 1"]);
    assert_eq!(aborted.mistakes, ["w 1 0 was aborted and is visible"]);
}

#[test]
fn a_copy_is_the_same_in_the_same_order() {
    let verdict = |copies: &[&str]| {
        let (said, mut all) = (Said::default(), logs("from", &["w 0 0 0", "w 1 0 0"]));
        for (offset, value) in (0..).zip(copies) {
            all.add("to", (0, offset), value);
        }
        let mut judge = Judge::new(&said, &all, &all);
        judge.copy("from", "to");
        (judge.verdict.lost, judge.verdict.doubled, judge.verdict.mistakes.len())
    };
    assert_eq!(verdict(&["w 0 0 0", "w 1 0 0"]), (0, 0, 0));
    assert_eq!(verdict(&["w 0 0 0"]), (1, 0, 1));
    assert_eq!(verdict(&["w 0 0 0", "w 1 0 0", "w 0 0 0"]), (0, 1, 1));
    assert_eq!(verdict(&["w 1 0 0", "w 0 0 0"]), (0, 0, 1));
}

#[test]
fn a_group_reads_what_counts_and_nothing_else() {
    let verdict = |lines: &[&str]| {
        let (said, all) = (said(lines), logs("t", &["w 0 0 0", "w 1 0 0"]));
        let mut judge = Judge::new(&said, &all, &all);
        judge.read("g", &["t"]);
        judge.verdict.mistakes.len()
    };
    assert_eq!(verdict(&["read g t 0 0 w 0 0 0", "read g t 0 1 w 1 0 0", "read g t 0 0 w 0 0 0"]), 0);
    assert_eq!(verdict(&["read g t 0 0 w 0 0 0"]), 1);
    assert_eq!(verdict(&["read g t 0 0 w 0 0 0", "read g t 0 1 w 1 0 0", "read g t 0 2 w 2 0 0"]), 1);
}

#[test]
fn a_record_that_a_client_gave_up_is_a_mistake() {
    let (said, logs) = (said(&["lost w 7 TimeoutException"]), Logs::default());
    assert_eq!(Judge::new(&said, &logs, &logs).verdict.mistakes, ["lost w 7 TimeoutException"]);
}
