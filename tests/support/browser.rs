//! A browser in the hands of somebody who signs in with the provider of the development backend: it
//! follows one redirect at a time, fills in the provider's form, and shows the last page.

use anyhow::{Context as _, Result, ensure};

/// What somebody does at the provider.
#[derive(Debug, Clone, Copy)]
pub enum Decision<'a> {
    /// Signs in as this person.
    Allow(&'a str),
    /// Presses cancel.
    Cancel,
}

/// Opens an address and goes through with the sign-in; answers the last page.
///
/// # Errors
/// When a step leads nowhere.
pub fn sign_in(address: &str, decision: Decision<'_>) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(go(address, decision))
}

async fn go(address: &str, decision: Decision<'_>) -> Result<String> {
    let none = reqwest::redirect::Policy::none();
    let client = reqwest::Client::builder().no_proxy().redirect(none).build()?;
    let provider = location(&client.get(address).send().await?)?;
    let asked: Vec<(String, String)> = provider.query_pairs().into_owned().collect();
    let hidden = |name: &str| {
        let found = asked.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).with_context(|| format!("no {name} in {provider}"))
    };
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for name in ["redirect_uri", "state"] {
        form.append_pair(name, &hidden(name)?);
    }
    match decision {
        Decision::Allow(email) => form.append_pair("email", email).append_pair("decision", "allow"),
        Decision::Cancel => form.append_pair("decision", "deny"),
    };
    let mut target = provider.clone();
    target.set_query(None);
    let decided = client
        .post(target)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.finish())
        .send()
        .await?;
    let back = client.get(location(&decided)?).send().await?;
    let page = client.get(location(&back)?).send().await?;
    ensure!(page.status().is_success(), "the last page is {}", page.status());
    Ok(page.text().await?)
}

fn location(response: &reqwest::Response) -> Result<url::Url> {
    let target = response.headers().get("location");
    let target =
        target.with_context(|| format!("{} leads nowhere: {}", response.url(), response.status()))?;
    Ok(response.url().join(target.to_str()?)?)
}
