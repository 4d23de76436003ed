//! The artifacts of the play: a small team moves its nightly export.

/// A plan, with its path.
pub const PLAN: (&str, &str) = (
    ".agent/plans/OPS-010-nightly-export.md",
    "# OPS-010 Nightly export\n\n## Status\n\nPROPOSED\n\n## Goal\n\nThe export is on the shared drive \
     before the first meeting.\n\n## Milestones\n\n1. Export runs at 03:00.\n2. Failures page the person on \
     call.\n3. The old script is removed.\n",
);

/// A story, with its path.
pub const STORY: (&str, &str) = (
    ".agent/stories/OPS-021-retry-failed-exports.md",
    "# OPS-021 Retry failed exports\n\nStatus: DRAFT\n\n## Story\n\nAs the person on call I want a failed \
     export to be tried again, so that a short outage wakes nobody.\n\n## Acceptance\n\n- A failed export is \
     tried 3 times.\n- Between two tries 5 minutes pass.\n\n## Notes\n\nThe export takes about four minutes.\n\n\
     ## Estimate\n\nTwo days.\n",
);

/// A runbook, with its path.
pub const RUNBOOK: (&str, &str) = (
    ".agent/runbooks/export-failed.md",
    "# The nightly export failed\n\n## Check\n\nLook at the last line of the export's log.\n\n## Repair\n\n\
     Start the export by hand: `export --today`.\n\n## Afterwards\n\nWrite down what happened.\n",
);

/// A decision record, with its path.
pub const ADR: (&str, &str) = (
    ".agent/adrs/ADR-004-exports-as-csv.md",
    "# ADR-004 Exports are CSV\n\n## Status\n\nPROPOSED\n\n## Decision\n\nEvery export is one CSV file in \
     UTF-8, with a header line.\n\n## Consequences\n\nSpreadsheets open it; nested data needs another way.\n",
);
