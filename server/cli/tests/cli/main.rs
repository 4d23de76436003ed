//! The binary `agent` as somebody runs it: real processes in temporary folders, a scrubbed
//! environment, no network. What needs a backend is in the workspace's end-to-end tests.

mod config;
mod init;
mod merge_file;
mod push;
mod resolve;
mod status;
mod support;
