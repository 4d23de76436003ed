use super::*;

#[test]
fn a_path_stays_inside_the_project() {
    for good in ["a.md", ".agent/cache/plans/INFRA/INFRA-1.md", "a b/ä–ö.md", "a...b/c.md"] {
        assert!(ArtifactPath::new(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "/etc/passwd",
        "../x.md",
        "a/../../x.md",
        "a//b",
        "a/./b",
        "a\\b",
        "C:/x.md",
        "a\0b",
        "a\nb",
        "a/b/",
        "x./a.md",
        "x /a.md",
    ] {
        assert!(ArtifactPath::new(bad).is_err(), "{bad:?}");
    }
    assert!(ArtifactPath::new(&"a".repeat(1025)).is_err());
}

#[test]
fn kinds_and_ids_are_checked() {
    assert!(Kind::new("story").is_ok());
    for bad in ["", "Story", "1x", "a b", &"a".repeat(33)] {
        assert!(Kind::new(bad).is_err(), "{bad}");
    }
    assert!(ArtifactId::new("128-ünïcode").is_ok());
    for bad in ["", "a/b", "a\\b", "a\tb", &"x".repeat(201)] {
        assert!(ArtifactId::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_hash_reads_back_what_it_shows() {
    let hash = ContentHash::of(b"");
    let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(hash.to_string(), text);
    assert_eq!(text.parse::<ContentHash>(), Ok(hash));
    assert!("zz".repeat(32).parse::<ContentHash>().is_err());
    assert!("é".repeat(32).parse::<ContentHash>().is_err());
}

#[test]
fn a_key_reads_back_what_it_shows() {
    let key = ArtifactKey::new("story", "INFRA-040").expect("valid");
    assert_eq!(key.to_string().parse::<ArtifactKey>(), Ok(key));
    assert!("story".parse::<ArtifactKey>().is_err());
}
