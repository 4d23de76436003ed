//! The development backend's own tests, on every database there is here, so that `cargo test` runs
//! every test of the project.

use agent_tests::test_backend;

#[test]
fn the_development_backend_passes_its_own_tests() {
    let said = test_backend(&mut |text| println!("{text}")).unwrap_or_else(|problem| panic!("{problem:#}"));
    let summary = said.lines().filter(|line| line.contains("PostgreSQL") || line.starts_with("ℹ "));
    summary.for_each(|line| println!("{line}"));
    assert!(said.lines().any(|line| line.trim() == "ℹ fail 0"), "no summary in:\n{said}");
}
