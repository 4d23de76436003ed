//! The conversation with a server, for the report of a failure.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// Older messages are dropped: what matters to a failure is near its end.
const KEPT: usize = 120;
const LONGEST: usize = 1_500;

#[derive(Debug)]
pub(super) struct Record {
    lines: VecDeque<String>,
    dropped: usize,
    heard: Vec<String>,
    stderr: Arc<Mutex<String>>,
}

impl Record {
    pub(super) fn new(stderr: Arc<Mutex<String>>) -> Self {
        Self { lines: VecDeque::new(), dropped: 0, heard: Vec::new(), stderr }
    }

    pub(super) fn sent(&mut self, message: &Value) {
        self.note(&format!("--> {message}"));
    }

    pub(super) fn received(&mut self, message: &Value) {
        self.note(&format!("<-- {message}"));
        // An answer may repeat what was asked about; what nobody asked for is the server's own word.
        if !message["method"].is_null() {
            self.heard.push(message.to_string());
        }
    }

    pub(super) fn heard(&self) -> &[String] {
        &self.heard
    }

    pub(super) fn note(&mut self, line: &str) {
        let cut: String = line.chars().take(LONGEST).collect();
        self.lines.push_back(cut);
        if self.lines.len() > KEPT {
            self.lines.pop_front();
            self.dropped += 1;
        }
    }

    pub(super) fn stderr(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the conversation ({} earlier messages left out):", self.dropped)?;
        for line in &self.lines {
            writeln!(f, "  {line}")?;
        }
        write!(f, "the server's standard error:\n{}", self.stderr())
    }
}
