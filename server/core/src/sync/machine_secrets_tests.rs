//! What is held back before it is sent: credentials, and personal data where that is configured.

use super::*;
use crate::ports::PushOutcome;
use crate::secrets::{PERSONAL_DATA, Response, SECRET, ScanPolicy};

/// Put together here, so that no scanner takes this file for a leak.
fn secret(line: &str) -> String {
    format!("# T\n{line}{}\n", ["AK", "IA", "QZRY7XGF2TVW3SJN"].concat())
}

#[test]
fn a_text_with_a_credential_is_parked_and_the_others_go_on() {
    let mut bench = Bench::idle(POLICY);
    let files = [("A-1", secret("key ")), ("A-2", "two\n".to_owned())];
    bench.take(Event::Found(files.iter().map(|(id, text)| found(id, &at(id), Some(text))).collect()));
    bench.take(Event::Leads(true));
    assert_eq!(pushed(&bench.pulled(vec![])), ["A-2"]);
    let parked = bench.entry("A-1").parked.clone().expect("held back");
    assert_eq!((parked.code.as_str(), parked.hash), (SECRET, Some(hash(&files[0].1))));
    assert!(parked.message.contains("line 2: AWS access key (AKIA…)"), "{}", parked.message);
    bench.answer(vec![PushOutcome::Applied(Version(1), Seq(1))]);
    // Asked for, it is looked at again, and stays.
    assert_eq!(pushed(&bench.take(Event::PushWanted { retry_refused: true })), [""; 0]);
    assert!(bench.entry("A-1").parked.is_some());
    let allowed = files[0].1.replace('\n', " <!-- agent-allow: aws-access-key -->\n");
    assert_eq!(pushed(&bench.save("A-1", &allowed)), ["A-1"]);
}

#[test]
fn what_was_held_back_goes_once_the_configuration_lets_it() {
    let mut bench = Bench::new();
    assert_eq!(pushed(&bench.save("A-1", &secret(""))), [""; 0]);
    let mut restarted = Bench { machine: Machine::new(POLICY), ..bench };
    restarted.machine.set_scan(ScanPolicy { secrets: Response::Warn, ..ScanPolicy::default() });
    let snapshot = restarted.store.snapshot();
    restarted.take(Event::Reloaded(snapshot));
    restarted.take(Event::Leads(true));
    assert_eq!(pushed(&restarted.pulled(vec![])), ["A-1"]);
}

#[test]
fn a_credential_the_remote_has_already_holds_nothing_back() {
    let mut bench = Bench::new();
    bench.machine.set_scan(ScanPolicy { secrets: Response::Off, ..ScanPolicy::default() });
    bench.agreed("A-1", &secret(""), 1);
    bench.machine.set_scan(ScanPolicy::default());
    assert_eq!(pushed(&bench.save("A-1", &secret("moved, "))), ["A-1"]);
}

#[test]
fn personal_data_is_redacted_in_a_closed_file_before_it_is_pushed_and_held_back_in_an_open_one() {
    let text = format!("ask {}\n", ["ann.lee", "agent-tests.dev"].join("@"));
    let redact = ScanPolicy { personal: Response::Redact, ..ScanPolicy::default() };
    let mut bench = Bench::new();
    bench.machine.set_scan(redact);
    let step = bench.save("A-1", &text);
    assert_eq!(pushed(&step), [""; 0]);
    let clean = hash("ask [redacted: mail-address]\n");
    let effect = FileEffect::Replace {
        key: key("A-1"),
        path: at("A-1"),
        expect: Some(hash(&text)),
        content: Some(clean),
        merged: false,
    };
    assert_eq!(step.files, [effect]);
    assert_eq!(pushed(&bench.done(&step)), ["A-1"]);
    assert_eq!(bench.entry("A-1").pending.as_ref().and_then(|pending| pending.hash), Some(clean));
    assert!(bench.store.texts.contains_key(&hash(&text)), "the old text is kept");

    let mut bench = Bench::new();
    bench.machine.set_scan(redact);
    bench.take(Event::Opened(key("A-1")));
    let step = bench.save("A-1", &text);
    assert_eq!((pushed(&step).len(), step.files.len()), (0, 0));
    assert_eq!(bench.entry("A-1").parked.as_ref().map(|parked| parked.code.as_str()), Some(PERSONAL_DATA));
    // Closed, it is redacted like any other.
    let step = bench.take(Event::Closed(key("A-1")));
    assert!(bench.entry("A-1").parked.is_none());
    assert_eq!(step.files.len(), 1);
    assert_eq!(pushed(&bench.done(&step)), ["A-1"]);
}

#[test]
fn what_a_command_held_back_is_redacted_by_whoever_may_write() {
    let text = format!("ask {}\n", ["ann.lee", "agent-tests.dev"].join("@"));
    let redact = ScanPolicy { personal: Response::Redact, ..ScanPolicy::default() };
    let mut bench = Bench::idle(Policy { may_write: false, ..POLICY });
    bench.machine.set_scan(redact);
    bench.take(Event::Found(vec![found("A-1", &at("A-1"), Some(&text))]));
    bench.take(Event::Leads(true));
    bench.pulled(vec![]);
    assert_eq!(bench.entry("A-1").parked.as_ref().map(|parked| parked.code.as_str()), Some(PERSONAL_DATA));
    let mut editor = Bench { machine: Machine::new(POLICY), ..bench };
    editor.machine.set_scan(redact);
    let snapshot = editor.store.snapshot();
    editor.take(Event::Reloaded(snapshot));
    editor.take(Event::Leads(true));
    let step = editor.pulled(vec![]);
    assert_eq!(step.files.len(), 1, "{:?}", editor.entry("A-1").parked);
    assert_eq!(pushed(&editor.done(&step)), ["A-1"]);
}
