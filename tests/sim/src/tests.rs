//! Two processes on one cache file, without the world around them.

use agent_cache::Cache;
use agent_core::artifact::identity::Kinds;
use agent_core::id::{ArtifactPath, Timestamp};
use agent_engine::Engine;

use crate::Fuse;
use crate::files::MemoryFiles;
use crate::people::key;
use crate::replica::SeededChance;
use crate::world::Plan;

#[test]
fn two_processes_on_one_cache_file_miss_nothing_of_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = MemoryFiles::default();
    let now = Timestamp(1_700_000_000_000);
    let open = |seed| {
        let cache = Cache::open(&folder.path().join("agent.db")).expect("a new cache");
        let (files, chance) = (files.for_process(Fuse::default()), Box::new(SeededChance::new(seed)));
        Engine::open(cache, files, Kinds::standard(), Plan::of(0).policy, chance, now).expect("opens")
    };
    let (mut one, mut other) = (open(1), open(2));
    let path = |id: &str| ArtifactPath::new(&format!(".agent/stories/{id}.md")).expect("a valid path");
    ["INFRA-001", "INFRA-002", "INFRA-003"].iter().for_each(|id| files.put(&path(id), Some(id)));
    one.file_saved(&path("INFRA-001"), None, now).expect("saved");
    other.file_saved(&path("INFRA-002"), None, now).expect("saved");
    one.file_saved(&path("INFRA-003"), None, now).expect("saved");
    other.file_saved(&path("INFRA-003"), None, now).expect("saved, although the other one was first");
    for engine in [&mut one, &mut other] {
        engine.refresh(now).expect("reads");
        for id in ["INFRA-001", "INFRA-002", "INFRA-003"] {
            assert!(engine.machine().entry(&key(id)).is_some(), "{id} was missed");
        }
        assert!(engine.refresh(now).expect("reads").touched.is_empty(), "everything was read");
    }
}
