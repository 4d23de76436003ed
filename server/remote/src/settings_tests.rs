use super::*;

const ANON: &str = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2ln";
const SERVICE: &str = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2ln";

fn settings(url: &str, key: &str) -> Result<Settings, String> {
    let url = Url::parse(url).unwrap();
    Settings::new(url, key.to_owned().into(), Uuid::nil(), PathBuf::from("home"), "agent/0.1.0")
        .map_err(|error| error.to_string())
}

#[test]
fn plain_http_is_only_for_this_machine() {
    for url in [
        "https://abc.supabase.co",
        "http://127.0.0.1:54321",
        "http://localhost:54321/",
        "http://[::1]:54321",
        "http://agent.localhost",
    ] {
        assert!(settings(url, ANON).is_ok(), "{url}");
    }
    for url in ["http://abc.supabase.co", "http://192.168.1.2:54321", "http://localhost.evil.example"] {
        let message = settings(url, ANON).unwrap_err();
        assert!(message.contains("unencrypted") && message.contains("https://"), "{message}");
    }
    assert!(settings("ftp://abc.supabase.co", ANON).unwrap_err().contains("ftp://"));
}

#[test]
fn credentials_in_the_address_are_refused_and_not_repeated() {
    let message = settings("https://ann:hunter2@abc.supabase.co", ANON).unwrap_err();
    assert!(message.contains("abc.supabase.co") && !message.contains("hunter2"), "{message}");
}

#[test]
fn keys_that_bypass_access_rules_are_refused_and_not_repeated() {
    assert!(settings("https://abc.supabase.co", "sb_publishable_x").is_ok());
    for key in ["sb_secret_abcdef", SERVICE] {
        let message = settings("https://abc.supabase.co", key).unwrap_err();
        assert!(message.contains("bypasses") && !message.contains(key), "{message}");
    }
    for key in ["", "  ", "two words", "line\nbreak"] {
        assert!(settings("https://abc.supabase.co", key).is_err(), "{key:?}");
    }
}

#[test]
fn realtime_follows_the_project_unless_told_otherwise() {
    let hosted = settings("https://abc.supabase.co", ANON).unwrap();
    assert_eq!(hosted.realtime_url.as_str(), "wss://abc.supabase.co/realtime/v1/");
    let local = settings("http://127.0.0.1:54321", ANON).unwrap();
    assert_eq!(local.realtime_url.as_str(), "ws://127.0.0.1:54321/realtime/v1/");

    let own = Url::parse("http://127.0.0.1:4000/socket").unwrap();
    let local = local.with_realtime_url(Some(own)).unwrap();
    assert_eq!(local.realtime_url.as_str(), "ws://127.0.0.1:4000/socket/");
    let clear = Url::parse("ws://realtime.example/socket").unwrap();
    assert!(local.with_realtime_url(Some(clear)).is_err());
}

#[test]
fn realtime_is_on_the_projects_own_host() {
    let rows = [
        ("https://abc.supabase.co", "wss://abc.supabase.co/realtime/v1", true),
        ("https://abc.supabase.co", "https://ABC.supabase.co:4000/socket", true),
        ("https://abc.supabase.co:8443", "wss://abc.supabase.co/socket", true),
        ("https://10.0.0.7", "wss://10.0.0.7:4000/", true),
        ("http://127.0.0.1:54321", "ws://localhost:4000/socket", true),
        ("http://[::1]:54321", "ws://127.0.0.1:4000/", true),
        ("https://abc.supabase.co", "wss://abd.supabase.co/realtime/v1", false),
        ("https://abc.supabase.co", "wss://realtime.abc.supabase.co/", false),
        ("https://abc.supabase.co", "wss://abc.supabase.co.evil.example/", false),
        ("https://abc.supabase.co", "wss://supabase.co/", false),
        ("https://abc.supabase.co", "ws://127.0.0.1:4000/", false),
        ("http://127.0.0.1:54321", "wss://evil.example/", false),
    ];
    for (project, realtime, is_fine) in rows {
        let realtime = Url::parse(realtime).unwrap();
        let result = settings(project, ANON).unwrap().with_realtime_url(Some(realtime.clone()));
        assert_eq!(result.is_ok(), is_fine, "{project} {realtime}");
        let Err(RemoteError::Misconfigured(text)) = result else { continue };
        let hosts = [realtime.host_str().unwrap(), "remote.url", "remote.realtime_url"];
        assert!(hosts.iter().all(|word| text.contains(word)), "{text}");
    }
}

#[test]
fn the_key_is_not_in_debug_output() {
    let shown = format!("{:?}", settings("https://abc.supabase.co", ANON).unwrap());
    assert!(!shown.contains(ANON), "{shown}");
}
