//! Faults planted in the real functions: the comparison with the model has to find each of them.

use agent_tests::{Database, Sessions};

use crate::STEPS;
use crate::concurrent::{contended, mixed};
use crate::history::history;
use crate::play::{Disagreement, Seen, played};

/// How many histories a fault may take to be found.
const SEEDS: u64 = 30;

/// What a fault is, the function it is planted in, and what it replaces there.
struct Fault {
    name: &'static str,
    function: &'static str,
    right: &'static str,
    wrong: &'static str,
}

const FAULTS: [Fault; 11] = [
    Fault {
        name: "a stale change overwrites",
        function: "private.push_round",
        right: "coalesce(a.version, 0) = c.base_version",
        wrong: "coalesce(a.version, 0) >= c.base_version",
    },
    Fault {
        name: "a change id that comes with another content passes for a retry",
        function: "private.push_round",
        right: "(h.path, h.content_hash) is distinct from (c.path, c.content_hash)",
        wrong: "h.path is distinct from c.path",
    },
    Fault {
        name: "a retry is refused when the role is gone",
        function: "private.push_round",
        right: "when h.version is not null then 'duplicate'",
        wrong: "when h.version is not null and push_round.my_role <> 'viewer' then 'duplicate'",
    },
    Fault {
        name: "viewers may push",
        function: "private.push_round",
        right: "push_round.my_role = 'viewer'",
        wrong: "false",
    },
    Fault {
        name: "a path may leave the project",
        function: "private.invalid_reason",
        right: "(^|[/ .])(/|$)",
        wrong: "(^|[/ ])(/|$)",
    },
    Fault {
        name: "a page starts one too late",
        function: "public.pull_artifacts",
        right: "a.seq > after_seq and a.seq <= last_seq",
        wrong: "a.seq > after_seq + 1 and a.seq <= last_seq",
    },
    Fault {
        name: "a search for a base finds other contents",
        function: "public.artifact_versions",
        right: "h.content_hash = artifact_versions.content_hash",
        wrong: "h.content_hash is not null",
    },
    Fault {
        name: "a broadcast tells the first seq wrong",
        function: "public.push_artifacts",
        right: "jsonb_build_object('from_seq', from_seq, 'to_seq'",
        wrong: "jsonb_build_object('from_seq', newest_seq, 'to_seq'",
    },
    Fault {
        name: "an erased person stays the author of older versions",
        function: "public.erase_author",
        right: "update public.artifact_history h set author = pseudonym",
        wrong: "update public.artifact_history h set author = h.author",
    },
    Fault {
        name: "a refused change leaves no entry in the audit log",
        function: "private.push_round",
        right: "where j.verdict <> 'duplicate' and (not j.is_conflict",
        wrong: "where j.verdict not in ('duplicate', 'forbidden', 'state_role') and (not j.is_conflict",
    },
    Fault {
        name: "an erasure that no artifact follows is told to nobody",
        function: "public.pull_artifacts",
        right: "e.seq <= case when more then last_seq else newest_seq end",
        wrong: "e.seq <= coalesce(last_seq, 0)",
    },
];

fn definition(sessions: &mut Sessions, function: &str) -> String {
    let text = sessions.query(&format!("to_jsonb(pg_get_functiondef('{function}'::regproc))")).unwrap();
    text.as_str().unwrap().to_owned()
}

impl Fault {
    /// Plants it; what was there before.
    fn plant(&self, sessions: &mut Sessions) -> String {
        let before = definition(sessions, self.function);
        let times = before.matches(self.right).count();
        assert_eq!(times, 1, "{}: {} holds {times} times {:?}", self.name, self.function, self.right);
        sessions.script(&before.replace(self.right, self.wrong)).unwrap();
        before
    }
}

#[test]
fn every_planted_fault_is_found() {
    let mut sessions = Sessions::open(Database::Pglite, 1).unwrap().unwrap();
    for fault in &FAULTS {
        let before = fault.plant(&mut sessions);
        let found = (0..SEEDS).find_map(|seed| {
            let found = played(&mut sessions, &history(seed, STEPS), &mut Seen::new()).unwrap();
            found.map(|difference| (seed, difference))
        });
        let (seed, difference) =
            found.unwrap_or_else(|| panic!("{}: not found in {SEEDS} seeds", fault.name));
        println!(
            "{}: found by seed {seed}: {}",
            fault.name,
            difference.chars().take(160).collect::<String>()
        );
        sessions.script(&before).unwrap();
    }
}

#[test]
fn a_missing_lock_is_found() {
    let mut sessions = match Sessions::open(Database::Postgres, 20).unwrap() {
        Ok(sessions) => sessions,
        Err(why) => return println!("{why}"),
    };
    let fault = Fault {
        name: "pushes do not wait for each other",
        function: "public.push_artifacts",
        right: "where t.id = team for update",
        wrong: "where t.id = team",
    };
    fault.plant(&mut sessions);
    let found = (0..20).any(|seed| {
        let found = contended(&mut sessions, 20, 3).and_then(|()| mixed(&mut sessions, seed));
        found.is_err_and(|error| error.downcast_ref::<Disagreement>().is_some())
    });
    assert!(found, "{}: not found", fault.name);
}
