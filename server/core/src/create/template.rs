//! What stands in a new artifact. A template is Markdown (or YAML) with placeholders: `{{id}}`,
//! `{{title}}`, `{{date}}`, `{{author}}`. Anything else in double braces is left as it is.

use crate::id::Kind;

/// What takes the place of the placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields {
    /// The artifact's id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The day, as `2026-01-31`.
    pub date: String,
    /// Who makes it; empty when nobody is signed in.
    pub author: String,
}

/// The template of a kind where a team has none of its own.
pub fn standard(kind: &Kind) -> &'static str {
    match kind.as_str() {
        "story" => STORY,
        "plan" => PLAN,
        "runbook" => RUNBOOK,
        "adr" => ADR,
        "journey" => JOURNEY,
        _ => OTHER,
    }
}

/// The text of a new artifact. What is put in is not looked at for placeholders again.
pub fn render(template: &str, fields: &Fields) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let field = after.split_once("}}").and_then(|(name, tail)| Some((field(fields, name.trim())?, tail)));
        match field {
            Some((value, tail)) => {
                text.push_str(value);
                rest = tail;
            }
            None => {
                text.push_str("{{");
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

fn field<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    match name {
        "id" => Some(&fields.id),
        "title" => Some(&fields.title),
        "date" => Some(&fields.date),
        "author" => Some(&fields.author),
        _ => None,
    }
}

const STORY: &str = "\
# {{id}}: {{title}}

## State

DRAFT

## Problem Statement

## User Story

As a …, I want …, so that ….

## Acceptance Criteria

- [ ] …

## Linked ADRs
";

const PLAN: &str = "\
# {{id}}: {{title}}

## State

PROPOSED

## Goal

## Steps

1. …

## Risks
";

const RUNBOOK: &str = "\
# {{id}}: {{title}}

## State

PROPOSED

## Goal

## Steps

1. …

## Verification

## Rollback
";

const ADR: &str = "\
# {{id}}: {{title}}

## State

PROPOSED

## Context

## Decision

## Consequences
";

const JOURNEY: &str = "\
# {{id}}: {{title}}

## State

DRAFT

## Actors

## Steps

1. …
";

const OTHER: &str = "# {{id}}: {{title}}\n";
