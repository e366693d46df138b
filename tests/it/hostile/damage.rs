//! A real component, damaged in hundreds of ways.

