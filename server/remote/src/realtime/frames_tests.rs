use proptest::prelude::*;
use serde_json::json;

use super::*;

fn binary(topic: &str, event: &str, meta: &str, encoding: u8, payload: &[u8]) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).unwrap();
    let mut bytes = vec![KIND_BROADCAST, length(topic), length(event), length(meta), encoding];
    for part in [topic.as_bytes(), event.as_bytes(), meta.as_bytes(), payload] {
        bytes.extend_from_slice(part);
    }
    bytes
}

#[test]
fn a_frame_is_an_array_of_five() {
    let payload = json!({ "access_token": "secret" });
    let frame = Frame::new(Some("1"), "2".to_owned(), "realtime:team:x", "access_token", payload);
    let text = frame.encode();
    assert_eq!(text, r#"["1","2","realtime:team:x","access_token",{"access_token":"secret"}]"#);
    assert_eq!(Frame::decode_text(&text), Ok(frame.clone()));
    assert!(!format!("{frame:?}").contains("secret"));
}

#[test]
fn a_binary_broadcast_reads_like_a_text_one() {
    let bytes = binary("realtime:team:é", "artifacts_changed", r#"{"id":"m"}"#, 1, br#"{"to_seq":3}"#);
    let frame = Frame::decode_binary(&bytes).unwrap();
    assert_eq!((frame.topic.as_str(), frame.event.as_str()), ("realtime:team:é", "broadcast"));
    assert_eq!(frame.payload["event"], "artifacts_changed");
    assert_eq!(frame.payload["payload"]["to_seq"], 3);
}

#[test]
fn frames_that_cannot_be_read_say_why() {
    for text in ["", "{}", "[]", r#"["1","1","t"]"#, r#"["1","1","t","e",{},1]"#, r#"[1,"1","t","e",{}]"#] {
        assert_eq!(Frame::decode_text(text), Err(BadFrame::Text), "{text}");
    }
    let whole = binary("t", "e", "", 1, b"{}");
    for end in 0..7 {
        assert_eq!(Frame::decode_binary(&whole[..end]), Err(BadFrame::Short), "{end}");
    }
    assert_eq!(Frame::decode_binary(&[2, 0, 0, 0, 1]), Err(BadFrame::Kind(2)));
    assert_eq!(Frame::decode_binary(&binary("t", "e", "", 0, b"{}")), Err(BadFrame::NotJson));
    assert_eq!(Frame::decode_binary(&binary("t", "e", "", 1, b"{")), Err(BadFrame::NotJson));
    let mut torn = binary("é", "e", "", 1, b"{}");
    torn[HEADER] = 0xff;
    assert_eq!(Frame::decode_binary(&torn), Err(BadFrame::NotUtf8));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), as_broadcast in any::<bool>()) {
        let mut bytes = bytes;
        if let Some(kind) = bytes.first_mut().filter(|_| as_broadcast) {
            *kind = KIND_BROADCAST;
        }
        let _ = Frame::decode_binary(&bytes);
        let _ = Frame::decode_text(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn what_the_server_packs_is_what_is_read(
        topic in "[a-zé:]{0,40}", event in "[a-z_]{0,40}", meta in "[ -~]{0,40}", number in any::<u64>(),
    ) {
        let payload = json!({ "to_seq": number }).to_string();
        let frame = Frame::decode_binary(&binary(&topic, &event, &meta, 1, payload.as_bytes())).unwrap();
        prop_assert_eq!(frame.topic, topic);
        prop_assert_eq!(&frame.payload["event"], &json!(event));
        prop_assert_eq!(&frame.payload["payload"]["to_seq"], &json!(number));
    }

    #[test]
    fn sent_frames_read_back(parts in proptest::array::uniform3("\\PC{0,20}"), number in any::<i64>()) {
        let [reference, topic, event] = parts;
        let frame = Frame::new(None, reference, &topic, &event, json!({ "n": number }));
        prop_assert_eq!(Frame::decode_text(&frame.encode()), Ok(frame));
    }
}
