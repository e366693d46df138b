//! What the benches share: events like GitHub's, the filter they run, and how time is told.

pub mod attached;
pub mod built;
pub mod event;
pub mod machine;
pub mod rewrite;
pub mod samples;
