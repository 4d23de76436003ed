//! The binary `agent` as somebody runs it: real processes in temporary folders, a scrubbed
//! environment, no network beyond this machine. What needs a backend is in the workspace's
//! end-to-end tests.

mod archive;
mod config;
mod git;
mod history;
mod http;
mod init;
mod manner;
mod merge_file;
mod push;
mod resolve;
mod session;
mod status;
mod support;
mod transcripts;
