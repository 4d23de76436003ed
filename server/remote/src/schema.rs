//! The number on which this program and the project's migrations agree. Every page of changes tells the
//! database's, so that finding out costs no request. docs/backend.md has what raises it.

use agent_core::ports::RemoteError;
use serde::Deserialize;

/// The contract this program was written for.
pub const SCHEMA_VERSION: u32 = 4;

/// Which contract a database keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Schema {
    version: u32,
    /// The oldest contract a program may have been written for.
    oldest_client: u32,
}

/// Whether this program and that database go together; `None` is a database that does not tell, as those
/// before 3.
pub(crate) fn agree(host: &str, said: Option<Schema>) -> Result<(), RemoteError> {
    let problem = match said {
        None => format!(
            "{host} keeps schema {} or an older one, and this program needs {SCHEMA_VERSION}: {APPLY}",
            SCHEMA_VERSION.min(3) - 1
        ),
        Some(Schema { version, .. }) if version < SCHEMA_VERSION => {
            format!("{host} keeps schema {version}, and this program needs {SCHEMA_VERSION}: {APPLY}")
        }
        Some(Schema { version, oldest_client }) if oldest_client > SCHEMA_VERSION => format!(
            "{host} keeps schema {version}, for programs from {oldest_client} on, and this one knows \
             {SCHEMA_VERSION}: update agent"
        ),
        Some(_) => return Ok(()),
    };
    Err(RemoteError::Incompatible(format!(
        "{problem}; until then nothing is exchanged, and your text is kept here"
    )))
}

/// What brings an older project up to date.
const APPLY: &str = "have its migrations applied (supabase db push)";

#[cfg(test)]
mod tests {
    use super::*;

    fn said(version: u32, oldest_client: u32) -> Option<String> {
        let schema = Schema { version, oldest_client };
        agree("p.supabase.co", Some(schema)).err().map(|error| error.to_string())
    }

    #[test]
    fn equal_numbers_agree_and_so_does_a_newer_database_that_serves_this_program() {
        assert_eq!(said(SCHEMA_VERSION, SCHEMA_VERSION), None);
        assert_eq!(said(SCHEMA_VERSION, 1), None);
        assert_eq!(said(SCHEMA_VERSION + 4, SCHEMA_VERSION), None);
    }

    #[test]
    fn an_older_database_and_an_older_program_are_told_both_numbers_and_what_to_do() {
        let older = said(SCHEMA_VERSION - 1, 1).unwrap();
        assert!(older.contains(&format!("schema {}", SCHEMA_VERSION - 1)), "{older}");
        assert!(
            older.contains(&format!("needs {SCHEMA_VERSION}")) && older.contains("supabase db push"),
            "{older}"
        );
        let newer = said(SCHEMA_VERSION + 2, SCHEMA_VERSION + 1).unwrap();
        assert!(newer.contains(&format!("schema {}", SCHEMA_VERSION + 2)), "{newer}");
        assert!(
            newer.contains(&format!("knows {SCHEMA_VERSION}")) && newer.contains("update agent"),
            "{newer}"
        );
    }

    #[test]
    fn a_database_that_does_not_tell_is_older() {
        let silent = agree("p.supabase.co", None).unwrap_err().to_string();
        assert!(
            silent.contains("schema 2 or an older one") && silent.contains("supabase db push"),
            "{silent}"
        );
    }
}
