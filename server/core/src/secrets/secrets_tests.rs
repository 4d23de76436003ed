//! What is found, what is not, and that nothing found is repeated. No token stands here in one piece:
//! they are put together, so that no scanner of sources takes this file for a leak.

use super::*;
use crate::artifact::parse::Format;

/// Characters in no order, as in a token.
fn random(alphabet: &str, count: usize) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = 0x2545_f491_u64;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            letters[(state >> 33) as usize % letters.len()]
        })
        .collect()
}

const ALNUM: &str = "QxT7bMz2KvRw9LpYc4HsNd8GfJ3u6EaW5t";
const HEX: &str = "0f1e2d3c4b5a6978";

fn key() -> String {
    ["AK", "IA"].concat() + &random("QZRYXGF2TVW3SJN54KHCE6ML7", 16)
}

fn person() -> String {
    ["ann.lee", "agent-tests.dev"].join("@")
}

/// One of everything: the rule and a text that holds it and nothing else.
fn samples() -> Vec<(&'static str, String)> {
    let join = |prefix: &[&str], rest: String| prefix.concat() + &rest;
    let jwt = format!("{}{}.{}{}.{}", "ey", random(ALNUM, 30), "ey", random(ALNUM, 60), random(ALNUM, 43));
    vec![
        (
            "private-key",
            format!(
                "-----BEGIN RSA PRIVATE{}-----\n{}\n{}\n-----END RSA PRIVATE{}-----",
                " KEY",
                random(ALNUM, 64),
                random(ALNUM, 64),
                " KEY"
            ),
        ),
        ("aws-access-key", key()),
        ("github-token", join(&["gh", "p_"], random(ALNUM, 36))),
        ("github-token", join(&["github", "_pat_"], random(ALNUM, 82))),
        ("gitlab-token", join(&["gl", "pat-"], random(ALNUM, 20))),
        ("slack-token", join(&["xo", "xb-"], random("0918273645", 12) + "-" + &random(ALNUM, 24))),
        ("stripe-key", join(&["sk_", "live_"], random(ALNUM, 24))),
        ("openai-key", join(&["sk-", "proj-"], random(ALNUM, 48))),
        ("anthropic-key", join(&["sk-", "ant-api03-"], random(ALNUM, 93))),
        ("npm-token", join(&["np", "m_"], random(ALNUM, 36))),
        ("gcp-api-key", join(&["AI", "za"], random(ALNUM, 35))),
        ("supabase-key", join(&["sb_", "secret_"], random(ALNUM, 31))),
        ("sendgrid-key", join(&["S", "G."], random(ALNUM, 22) + "." + &random(ALNUM, 43))),
        ("digitalocean-token", join(&["dop", "_v1_"], random(HEX, 64))),
        ("age-key", join(&["AGE-SECRET", "-KEY-1"], random("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58))),
        ("jwt", jwt.replace("eyQ", "eyJ").replace("ey", "eyJ")),
        ("mail-address", person()),
        ("phone-number", ["+49 30 ", "901820 42"].concat()),
        ("phone-number", ["+4930", "90182042"].concat()),
        ("card-number", ["4539 1488", " 0343 6467"].concat()),
        ("card-number", ["3714", "49635398431"].concat()),
        ("iban", ["DE89 3704 0044", " 0532 0130 00"].concat()),
        ("iban", ["GB82WEST", "12345698765432"].concat()),
        ("national-id", ["756.9217", ".0769.85"].concat()),
        ("national-id", ["529.982.", "247-25"].concat()),
        ("national-id", ["RSSMRA85", "T10A562S"].concat()),
        ("national-id", ["1234", "5678Z"].concat()),
    ]
}

fn found(text: &str) -> Vec<(&'static str, &str)> {
    let all = scan(text, ScanPolicy { personal: Response::Block, ..ScanPolicy::default() });
    all.into_iter().map(|finding| (finding.rule.id, &text[finding.range])).collect()
}

#[test]
fn every_pattern_compiles_and_every_literal_is_searched() {
    assert_eq!(rules::broken(), Vec::<&str>::new());
    assert!(RULES.len() <= 64, "a set of rules has 64 places");
}

#[test]
fn each_is_found_at_its_range_wherever_it_stands() {
    for (rule, value) in samples() {
        for (before, after) in [
            ("", ""),
            ("é𝄞👩‍👩‍👧 ", " 漢"),
            ("- \"", "\","),
            ("| a | ", " |\n"),
            ("x\r\n> `", "`\r\ny"),
            ("(", ")."),
        ] {
            let text = format!("{before}{value}{after}");
            assert_eq!(found(&text), [(rule, value.as_str())], "{rule} in {text:?}");
        }
    }
}

#[test]
fn a_password_in_an_address_is_found_by_itself() {
    let password = random(ALNUM, 12);
    let text = format!("use postgres://app:{password}@db.agent-tests.dev:5432/app now");
    assert_eq!(found(&text), [("connection-string", password.as_str())]);
    for harmless in [
        "postgres://app:password@db.agent-tests.dev/app",
        "postgres://app:${DB_PASSWORD}@db.agent-tests.dev/app",
        "postgres://app:<password>@db.agent-tests.dev/app",
        "postgres://postgres:s3cretpw@localhost:5432/app",
        "postgres://app:s3cretpw@db.example.com/app",
        "see https://host.dev:8080/a@b.dev and http://a.dev:80/x",
    ] {
        assert_eq!(found(harmless), [], "{harmless}");
    }
}

#[test]
fn what_only_looks_alike_is_left_alone() {
    let hash = random(HEX, 40);
    for text in [
        "git@github.com:team/repo.git and ssh://git@gitlab.com/team/repo",
        "Co-authored-by: bot <noreply@anthropic.com>, <1+a@users.noreply.github.com>",
        "alice@example.com, bob@corp.example, root@localhost, a@b",
        "f'\\n@pytest.mark.journey(\"x\")' @app.route(\"/\") x@app.get(1)",
        "logo@2x.png, agent@1.2.3, foo@bar.service, @types/node@22.1.0",
        "0192f0c0-7a3b-7000-8000-4539148803436467",
        "4539-1488-0343-6467-1 and 4539148803436467000000",
        "v1.2.3-4 2026-01-02T03:04:05+0100 10.0.0.1:8080 +1 +12 +123 456",
        "1234567890123456 17000000000000 0x4539148803436467 4242 4242 4242 4242",
        "INFRA-4539148803436467 sha256:abcdef",
        "+1 202 555 0143",
        "begin with -----BEGIN PRIVATE KEY----- and end with -----END PRIVATE KEY-----",
        "AKIAIOSFODNN7EXAMPLE sk_test_xxxxxxxxxxxxxxxx ghp_your_token_here",
        "eyJ is how a JWT begins; xoxb- a Slack token; AKIA an AWS key",
        "12345678A 11111111B 756.1234.5678.90 123.456.789-00 DE00 1234 5678 9012 3456 78",
        &hash,
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn nothing_found_is_repeated() {
    for (rule, value) in samples() {
        let text = format!("a\nb {value} c\n");
        let findings = scan(&text, ScanPolicy::default());
        let refusal = refusal(&text, &findings);
        let said = format!("{refusal:?} {:?} {}", findings, redacted(&text, &findings));
        let tail = value.lines().next().unwrap_or_default();
        let tail = &tail[tail.len() * 2 / 3..];
        assert!(!said.contains(tail), "{rule}: {said}");
        assert!(refusal.message.starts_with("line 2: "), "{}", refusal.message);
    }
}

#[test]
fn a_comment_allows_one_rule_where_it_stands() {
    let (key, mail) = (key(), person());
    let allowed = |text: String| found(&text).is_empty();
    assert!(allowed(format!("{key} <!-- agent-allow: aws-access-key -->\n")));
    assert!(allowed(format!("<!-- agent-allow: aws-access-key, mail-address -->\n{key} {mail}\n")));
    assert!(allowed(format!("<!-- agent-allow: aws-access-key -->\n```sh\na\n{key}\n```\n")));
    assert!(allowed(format!("key: {key} # agent-allow: aws-access-key\n")));
    assert!(allowed(format!("# agent-allow: aws-access-key\nkey: {key}\n")));
    for text in [
        format!("{key} <!-- agent-allow: mail-address -->\n"),
        format!("a <!-- agent-allow: aws-access-key -->\n{key}\n"),
        format!("<!-- agent-allow: aws-access-key -->\n\n{key}\n"),
        format!("<!-- agent-allow: aws-access-key -->\n```\na\n```\n{key}\n"),
        format!("agent-allow: aws-access-key {key}\n"),
    ] {
        assert_eq!(found(&text), [("aws-access-key", key.as_str())], "{text}");
    }
}

#[test]
fn allowing_a_finding_allows_it_wherever_it_stands() {
    let key = key();
    let block = &samples()[0].1;
    for (format, text) in [
        (Format::Markdown, format!("a {key} b\nc\n")),
        (Format::Markdown, format!("a {key}")),
        (Format::Markdown, format!("| a | {key} |\r\n| b | c |\r\n")),
        (Format::Markdown, format!("- x\n\n  ```sh\n  a\n  {key}\n  ```\n")),
        (Format::Markdown, format!("---\nid: a\nkey: {key}\n---\n# T\n")),
        (Format::Markdown, format!("text\n\n{block}\n\nmore\n")),
        (Format::Yaml, format!("steps:\n  - run: {key}\n")),
    ] {
        let findings = scan(&text, ScanPolicy::default());
        assert_eq!(findings.len(), 1, "{text}");
        let (at, insert) = allowing(&text, &findings[0], format);
        let after = format!("{}{insert}{}", &text[..at], &text[at..]);
        assert_eq!(scan(&after, ScanPolicy::default()), [], "{after}");
        assert_eq!(after.replace(&insert, ""), text, "only the comment is new");
        let lines =
            |text: &str| crate::text::split_lines(text).iter().filter(|l| l.ends_with("\r\n")).count();
        assert!(lines(&text) == 0 || lines(&after) == crate::text::split_lines(&after).len());
    }
}

#[test]
fn redacting_leaves_nothing_to_find() {
    let text: String = samples().iter().map(|(_, value)| format!("a {value} b\n")).collect();
    let policy = ScanPolicy { personal: Response::Block, ..ScanPolicy::default() };
    let findings = scan(&text, policy);
    assert_eq!(findings.len(), samples().len());
    let clean = redacted(&text, &findings);
    assert_eq!(scan(&clean, policy), []);
    assert!(clean.contains("a [redacted: aws-access-key] b\n"));
}

#[test]
fn the_verdict_follows_the_policy_and_what_the_team_has() {
    let (secret, personal) = (format!("k {}\n", key()), format!("m {}\n", person()));
    let policy = |secrets, personal| ScanPolicy { secrets, personal, allowed: RuleSet::default() };
    let default = ScanPolicy::default();
    assert!(matches!(judge(&secret, None, default), Verdict::Refuse(r) if r.code == SECRET));
    assert_eq!(judge(&personal, None, default), Verdict::Pass);
    let block = policy(Response::Block, Response::Block);
    assert!(matches!(judge(&personal, None, block), Verdict::Refuse(r) if r.code == PERSONAL_DATA));
    let redact = policy(Response::Block, Response::Redact);
    let expected = "m [redacted: mail-address]\n";
    assert!(matches!(judge(&personal, None, redact), Verdict::Redact { text, .. } if text == expected));
    // What cannot be redacted away holds the rest back too.
    assert!(
        matches!(judge(&(secret.clone() + &personal), None, redact), Verdict::Refuse(r) if r.code == SECRET)
    );
    for harmless in [policy(Response::Warn, Response::Warn), policy(Response::Off, Response::Off)] {
        assert_eq!(judge(&secret, None, harmless), Verdict::Pass);
    }
    // The remote has it already, in another place: nothing is won by holding back.
    assert_eq!(judge(&format!("# T\n{secret}more\n"), Some(&secret), default), Verdict::Pass);
    let allowed = RULES.iter().fold(RuleSet::default(), |set, rule| set.with(rule));
    assert_eq!(judge(&(secret + &personal), None, ScanPolicy { allowed, ..block }), Verdict::Pass);
}

/// The work is bounded by the text's length, whatever it is full of.
#[test]
fn texts_full_of_beginnings_are_scanned() {
    for piece in [
        "@",
        "://",
        "eyJ",
        "AKIA",
        "+1",
        "4",
        "-----BEGIN PRIVATE KEY-----",
        "xoxb-",
        "GB82 ",
        "<!-- agent-allow: jwt -->",
    ] {
        let text = piece.repeat(60_000 / piece.len());
        assert!(found(&text).len() < 60_000);
    }
}
