//! How much a pull asks for at once. A page that does not arrive in time would not arrive the next
//! time either, so the next one is smaller, until what a slow line carries is found.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How many bytes of content a page has at most, about: within the 8 s a statement may run.
pub(crate) const LARGEST: u32 = 4_000_000;
/// However slow the line, pages are not made smaller than this.
pub(crate) const SMALLEST: u32 = 256_000;
/// A page that took no longer than this may be twice as large the next time, and still arrive.
const QUICK: Duration = Duration::from_secs(30);

/// The size of the next page, in bytes of content.
#[derive(Debug)]
pub(crate) struct PageSize(AtomicU32);

impl Default for PageSize {
    fn default() -> Self {
        Self(AtomicU32::new(LARGEST))
    }
}

impl PageSize {
    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// A page of this size did not arrive.
    pub(crate) fn failed(&self, asked: u32) {
        self.set(asked / 2);
    }

    /// A page of this size arrived. Only one that was cut, because there is more, shows what the
    /// line can carry.
    pub(crate) fn arrived(&self, asked: u32, is_cut: bool, took: Duration) {
        if is_cut && took <= QUICK {
            self.set(asked.saturating_mul(2));
        }
    }

    fn set(&self, bytes: u32) {
        self.0.store(bytes.clamp(SMALLEST, LARGEST), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_shrink_to_what_arrives_and_grow_back() {
        let size = PageSize::default();
        let mut asked = vec![size.get()];
        let mut after = |step: &dyn Fn(u32)| {
            step(size.get());
            asked.push(size.get());
        };
        (0..5).for_each(|_| after(&|asked| size.failed(asked)));
        after(&|asked| size.arrived(asked, false, Duration::ZERO));
        after(&|asked| size.arrived(asked, true, QUICK * 2));
        (0..5).for_each(|_| after(&|asked| size.arrived(asked, true, QUICK)));
        let expected = [
            [4_000_000, 2_000_000, 1_000_000, 500_000, 256_000, 256_000].as_slice(),
            &[256_000, 256_000],
            &[512_000, 1_024_000, 2_048_000, 4_000_000, 4_000_000],
        ];
        assert_eq!(asked, expected.concat());
    }
}
