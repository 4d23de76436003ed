use serde_json::{Value, json};

use super::*;

fn row(seq: u64) -> Value {
    let content = "# A\r\n";
    json!({
        "kind": "story", "id": "INFRA-040", "version": 3, "seq": seq, "path": ".agent/stories/a.md",
        "title": "A", "state": "READY", "content": content,
        "content_hash": ContentHash::of(content.as_bytes()).to_string(),
        "author": "u1", "author_name": "Ann", "change_id": Uuid::from_u128(5).to_string(),
        "updated_at": "2026-01-01T00:00:00.123456+00:00",
    })
}

fn with(mut row: Value, name: &str, value: Value) -> Value {
    row[name] = value;
    row
}

fn pulled(rows: &[Value], newest: u64, more: bool, after: u64) -> Result<PullPage, String> {
    let body = json!({ "rows": rows, "newest_seq": newest, "more": more }).to_string();
    page(body.as_bytes(), Seq(after)).map(|(page, _)| page)
}

#[test]
fn a_row_arrives_as_it_was_sent() {
    let page = pulled(&[row(8)], 9, true, 4).unwrap();
    let row = &page.rows[0];
    assert_eq!(row.key.to_string(), "story/INFRA-040");
    assert_eq!((row.version, row.seq), (Version(3), Seq(8)));
    assert_eq!(row.content.as_ref().unwrap().as_str(), "# A\r\n");
    assert_eq!(row.author, Author { id: "u1".to_owned(), name: "Ann".to_owned() });
    assert_eq!(row.change_id, Some(ChangeId(Uuid::from_u128(5))));
    assert_eq!(row.at, Timestamp(1_767_225_600_123));
    assert_eq!((page.cursor, page.newest_seq, page.more), (Seq(8), Seq(9), true));
}

#[test]
fn a_tombstone_and_an_erased_author_are_no_errors() {
    let gone = with(with(row(8), "content", Value::Null), "content_hash", Value::Null);
    let gone = with(with(gone, "author", Value::Null), "author_name", Value::Null);
    let page = pulled(&[gone], 8, false, 0).unwrap();
    assert!(page.rows[0].content.is_none() && page.unreadable.is_empty());
    assert_eq!(page.rows[0].author, Author::default());
}

#[test]
fn who_was_erased_is_told_apart_by_those_who_knew_them_or_the_page_is_refused() {
    // The hash of `pseudonym/user`, computed elsewhere.
    let ben = "3f0c6a52-5d4e-4d0b-9a53-0b6d3a0b7c11";
    let pseudonym = "00000000-0000-8000-8000-0123456789ab";
    let said = |mark: &str| {
        let erasure = json!({ "seq": 9, "pseudonym": pseudonym, "name": "erased-6789ab", "mark": mark });
        let body = json!({ "rows": [], "erasures": [erasure], "newest_seq": 9, "more": false }).to_string();
        page(body.as_bytes(), Seq(4)).map(|(page, _)| page)
    };
    let page = said("e61ebb11dc4dffb42452665228fe9ccc0017cac43e92b4c3160e27c350ab0f8f").unwrap();
    assert_eq!(page.cursor, Seq(9));
    assert_eq!(page.erasures[0].pseudonym.name, "erased-6789ab");
    assert!(page.erasures[0].is_about(ben) && !page.erasures[0].is_about(pseudonym));
    assert!(said("nonsense").unwrap_err().contains("64 hexadecimal"));
}

#[test]
fn odd_rows_are_named_and_skipped_and_the_others_taken() {
    let odd = [
        ("path", json!("../../etc/passwd"), "must not hold . or .. parts"),
        ("path", json!("/etc/passwd"), "relative"),
        ("path", json!(7), "invalid type"),
        ("kind", json!("Story!"), "kind"),
        ("id", json!("a/b"), "slashes"),
        ("content", json!("# B"), "does not match its hash"),
        ("content", Value::Null, "no content"),
        ("content_hash", Value::Null, "without its hash"),
        ("content_hash", json!("zz"), "64 hexadecimal"),
        ("version", json!(0), "out of range"),
        ("version", json!(-1), "invalid value"),
        ("seq", json!(u64::MAX), "out of range"),
        ("seq", json!(99), "after the newest"),
    ];
    for (field, value, problem) in odd {
        let page = pulled(&[with(row(7), field, value.clone()), row(8)], 9, true, 4).unwrap();
        assert_eq!(page.rows.len(), 1, "{field} {value}");
        assert!(page.unreadable[0].problem.contains(problem), "{field} {value}: {:?}", page.unreadable);
        assert!(page.cursor >= Seq(8) && page.cursor <= Seq(9));
    }
    let page = pulled(&[json!(null), json!([1]), json!({ "kind": "story", "id": 4 })], 9, false, 4).unwrap();
    assert_eq!(
        page.unreadable.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
        ["?/?", "?/?", "story/?"]
    );
}

#[test]
fn the_cursor_moves_on_or_the_page_is_refused() {
    assert_eq!(pulled(&[], 9, false, 4).unwrap().cursor, Seq(9));
    assert_eq!(pulled(&[], 2, false, 4).unwrap().cursor, Seq(4), "never backwards");
    let unreadable = with(row(8), "path", json!(""));
    assert_eq!(pulled(&[unreadable], 9, true, 4).unwrap().cursor, Seq(8), "past what cannot be read");
    assert!(pulled(&[], 9, true, 4).is_err());
    assert!(pulled(&[row(4)], 9, true, 4).is_err());
}

#[test]
fn nonsense_is_an_error_not_a_panic() {
    for body in ["", "null", "[]", "{}", r#"{"rows":{},"newest_seq":1,"more":false}"#, "\u{0}"] {
        assert!(page(body.as_bytes(), Seq(0)).is_err(), "{body:?}");
        assert!(push_reply(body.as_bytes(), &[]).is_err(), "{body:?}");
        assert!(versions(body.as_bytes(), true).is_err(), "{body:?}");
        assert!(teams(body.as_bytes()).is_err() || body == "[]", "{body:?}");
    }
}

fn change() -> PushChange {
    PushChange {
        change_id: ChangeId(Uuid::from_u128(1)),
        key: ArtifactKey::new("story", "INFRA-040").unwrap(),
        base_version: Version(0),
        path: ArtifactPath::new("a.md").unwrap(),
        title: None,
        state: None,
        content: None,
    }
}

fn pushed(result: Value) -> Result<PushOutcome, String> {
    let mut result = result;
    result["change_id"] = json!(Uuid::from_u128(1).to_string());
    let body = json!({ "results": [result], "newest_seq": 9 }).to_string();
    push_reply(body.as_bytes(), &[change()]).map(|mut reply| reply.outcomes.remove(0).1)
}

#[test]
fn a_conflict_brings_the_newest_revision_or_says_there_is_none() {
    let conflict = pushed(json!({ "result": "conflict", "current": row(8) })).unwrap();
    assert!(matches!(conflict, PushOutcome::Conflict(Some(row)) if row.version == Version(3)));
    let none = pushed(json!({ "result": "conflict", "current": null })).unwrap();
    assert!(matches!(none, PushOutcome::Conflict(None)));
}

#[test]
fn a_deferred_change_is_neither_applied_nor_refused() {
    let reason = json!({ "code": "busy", "message": "no time was left for it" });
    for (version, seq, reason) in [(json!(null), json!(null), reason), (json!(3), json!(8), json!(null))] {
        let deferred = json!({
            "result": "deferred", "version": version, "seq": seq, "reason": reason, "current": null,
        });
        assert!(matches!(pushed(deferred).unwrap(), PushOutcome::Deferred));
    }
}

#[test]
fn a_newest_revision_that_cannot_be_taken_parks_the_change() {
    let other = with(row(8), "id", json!("OTHER-1"));
    for current in [with(row(8), "path", json!("/x")), other] {
        let outcome = pushed(json!({ "result": "conflict", "current": current })).unwrap();
        assert!(matches!(outcome, PushOutcome::Rejected { code, .. } if code == "unreadable"));
    }
}

#[test]
fn an_answer_that_does_not_answer_is_refused() {
    assert!(pushed(json!({ "result": "applied" })).is_err());
    assert!(pushed(json!({ "result": "applied", "version": 1, "seq": 0 })).is_err());
    assert!(pushed(json!({ "result": "perhaps", "version": 1, "seq": 1 })).is_err());
    let none = push_reply(br#"{"results":[],"newest_seq":9}"#, &[change()]);
    assert!(none.unwrap_err().contains("story/INFRA-040"));
}

#[test]
fn a_deletion_sends_null_content() {
    let args: Value = serde_json::from_slice(&push_args(Uuid::nil(), &[change()]).unwrap()).unwrap();
    assert_eq!(args["changes"][0]["content"], Value::Null);
    assert_eq!(args["changes"][0]["content_hash"], Value::Null);
}

#[test]
fn history_keeps_hashes_and_checks_contents() {
    let body = |content: &str| {
        let hash = ContentHash::of(b"a").to_string();
        json!({ "versions": [
            { "version": 2, "content_hash": null, "content": null, "deleted": true },
            { "version": 1, "content_hash": hash, "content": content, "author": "u1" },
        ] })
        .to_string()
    };
    let read = versions(body("a").as_bytes(), true).unwrap();
    assert_eq!((read[0].hash, read[1].hash), (None, Some(ContentHash::of(b"a"))));
    assert_eq!(read[1].content.as_ref().unwrap().as_str(), "a");
    assert!(versions(body("b").as_bytes(), true).unwrap_err().contains("version 1"));
    assert!(versions(body("b").as_bytes(), false).unwrap()[1].content.is_none());
}
