//! A fixed set of seeds: everybody ends with the same, nothing is gone, and every kind of trouble,
//! every status and every merge case occurred. `cargo sim` tries as many as one likes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use agent_sim::{Coverage, Setup, replay, run};

const SEEDS: u64 = 600;
const STEPS: usize = 200;

#[test]
fn nothing_is_lost_and_everybody_agrees_whatever_goes_wrong() {
    let (next, found) = (AtomicU64::new(0), Mutex::new((Coverage::default(), Vec::new())));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= SEEDS {
                return;
            }
            let setup = Setup::new(seed, STEPS);
            let outcome = run(&setup);
            let mut found = found.lock().expect("no thread panicked");
            found.0.add(&outcome.coverage);
            if let Some(breach) = outcome.breach {
                found.1.push(format!("{}: {}\n{}", breach.promise.as_str(), breach.detail, replay(&setup)));
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
    let (coverage, failures) = found.into_inner().expect("no thread panicked");
    assert!(failures.is_empty(), "{} seeds failed\n{}", failures.len(), failures.join("\n\n"));
    assert!(coverage.missing().is_empty(), "never occurred: {:?}\n{coverage}", coverage.missing());
}

/// What the program, or the world around it, did wrong in these once.
const FAILED: [(u64, &str); 40] = [
    (232, "a save of what was read before the file changed, whose process was killed over it"),
    (255, "a language server started anew under a document that was older than its file"),
    (427, "files fetched back before the program saw that many were gone"),
    (483, "the same, with other processes on the workspace"),
    (668, "a file deleted while its creation was under way"),
    (1099, "a draft under an editor, replaced by what a teammate had made under the same id"),
    (1207, "the same as 668, with more people"),
    (2038, "an older text saved while a newer one was under way"),
    (2041, "a process that had not yet read what another one had decided"),
    (2139, "a file moved under a document that was just being opened"),
    (2230, "a document that counted as closed after its machine had slept"),
    (2395, "a hunk decided for local, seen by a process behind its cache"),
    (2449, "many files gone, one of them in conflict"),
    (2610, "many files gone, one of them noticed first, its creation under way"),
    (3608, "another program's text after the editor with an older one had crashed"),
    (4114, "many files gone, of which one had a second file"),
    (4304, "an old version of a deleted artifact, edited before it was looked at"),
    (4708, "a file updated by a process that had not looked again at what was open"),
    (4870, "many files gone, one of them while its text was under way"),
    (5202, "the same as 2610"),
    (5453, "the same as 2230, with a document that was new"),
    (7023, "a hunk decided for local: there is a local side then"),
    (7329, "the same as 2610, with more processes"),
    (7594, "the same as 2230, with more edits"),
    (7797, "the same as 2230, with another editor on the same file"),
    (8993, "the same as 2230, with a clock that jumped"),
    (9357, "a refusal that another process took for something to be searched for"),
    (11588, "a file created at another place, not noticed yet"),
    (27816, "the same as 74598, with more processes"),
    (28246, "one of many files gone, noticed because a teammate had moved it"),
    (39479, "a mistake of the simulated world: a deletion that had been sent before its file came back"),
    (45519, "a text that was opened while the cache was full, taken for older than its file"),
    (56173, "many files gone, one of which had waited long with another text"),
    (56984, "many files gone, of which the process that pushes had not looked at all yet"),
    (60855, "a document that counted as closed because another process said anew what it had open"),
    (73302, "an older text saved right after a newer one had arrived"),
    (74598, "one of many files gone, noticed while a push was under way that somebody had asked for"),
    (77309, "a choice that came too late, in a workspace that may not write"),
    (80349, "a mistake of the simulated world"),
    (89696, "a file moved by a choice, with another text than another process had read there"),
];

#[test]
fn what_failed_once_holds() {
    for (seed, what) in FAILED {
        let breach = run(&Setup::new(seed, STEPS)).breach;
        let shown = breach.map(|breach| format!("{}: {}", breach.promise.as_str(), breach.detail));
        assert_eq!(shown, None, "{what}\n{}", replay(&Setup::new(seed, STEPS)));
    }
}

#[test]
fn a_seed_tells_the_same_story_every_time() {
    let setup = Setup { tells: true, ..Setup::new(7, STEPS) };
    let (first, second) = (run(&setup), run(&setup));
    assert!(first.story.len() > STEPS);
    assert_eq!(first.story, second.story);
}
