//! A project for tests that want to say what it answers: HTTP of the smallest kind, one request for each connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use serde_json::Value;

/// Starts a server that answers each path (with its query) and body (null without one) by a status and a text of
/// JSON. It ends with the process.
pub(crate) fn serve(answer: impl Fn(&str, &Value) -> (u16, String) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || respond(stream, &*answer));
        }
    });
    address
}

fn respond(mut stream: TcpStream, answer: &dyn Fn(&str, &Value) -> (u16, String)) {
    let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| line != "\r\n") {
        let mut line = String::new();
        if reader.read_line(&mut line).expect("a request") == 0 {
            return;
        }
        lines.push(line);
    }
    let length = lines
        .iter()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).expect("a body");
    let asked = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let path = lines[0].split(' ').nth(1).unwrap_or_default();
    let (status, said) = answer(path, &asked);
    let head = format!("HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\nconnection: close\r\n");
    let _ = write!(stream, "{head}content-length: {}\r\n\r\n{said}", said.len());
}
