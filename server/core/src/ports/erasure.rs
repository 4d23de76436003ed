//! That somebody was erased from the team, as replicas hear of it: whose lines in the history are another's
//! from now on, told so that only a replica that knows the person can find out who it was.

use crate::id::{Author, ContentHash};

/// A person's place in the history is taken by a pseudonym.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// A one-way hash of who it was, salted with the pseudonym.
    pub mark: ContentHash,
    /// Who it is from now on.
    pub pseudonym: Author,
}

impl Erasure {
    /// The erasure of a person, by the remote's id.
    pub fn of(person: &str, pseudonym: Author) -> Self {
        Self { mark: mark(&pseudonym.id, person), pseudonym }
    }

    /// Whether this is the person who was erased.
    pub fn is_about(&self, person: &str) -> bool {
        mark(&self.pseudonym.id, person) == self.mark
    }
}

fn mark(pseudonym: &str, person: &str) -> ContentHash {
    ContentHash::of(format!("{pseudonym}/{person}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erasure_is_about_one_person_and_two_of_the_same_person_look_different() {
        let pseudonym = |id: &str| Author { id: id.into(), name: format!("erased-{id}") };
        let erasure = Erasure::of("ben", pseudonym("1"));
        assert!(erasure.is_about("ben") && !erasure.is_about("ann") && !erasure.is_about(""));
        assert_ne!(erasure.mark, Erasure::of("ben", pseudonym("2")).mark);
    }
}
