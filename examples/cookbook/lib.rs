//! The filters of docs/cookbook.md are the examples of this package, so that one build makes them all.
