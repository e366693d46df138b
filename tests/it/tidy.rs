//! Rules of the house that a machine can keep.

mod borders;
mod files;
mod promises;
mod style;
