//! New artifacts: what they are called ([`naming`]), what stands in them at first ([`template`]), and
//! what happens to an id that was given out without the team's server ([`provisional`],
//! [`renumber`]). Owns names and texts; giving out ids and writing files is others'.

pub mod missing;
pub mod naming;
pub mod provisional;
pub mod renumber;
pub mod template;

#[cfg(test)]
#[path = "create_tests.rs"]
mod tests;
