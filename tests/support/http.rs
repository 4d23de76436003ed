//! A blocking JSON client for the backend's own interfaces, apart from everything under test.

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;

pub(crate) struct Http {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    pub(crate) fn new() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // No connection is kept: the backend is stopped and started under this client.
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build()?;
        Ok(Self { runtime, client })
    }

    /// Sends a request; `body` makes it a POST. Answers the JSON of a success.
    pub(crate) fn call(&self, url: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Result<Value> {
        let mut request = match body {
            Some(body) => self.client.post(url).json(body),
            None => self.client.get(url),
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, text) = self
            .runtime
            .block_on(async {
                let response = request.send().await?;
                let status = response.status();
                Ok::<_, reqwest::Error>((status, response.text().await?))
            })
            .with_context(|| format!("no answer from {url}"))?;
        ensure!(status.is_success(), "{url} answered {status}: {text}");
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| anyhow!("{url} answered no JSON ({error}): {text}"))
    }
}
