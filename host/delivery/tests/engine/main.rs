//! The engine over the real journal, with destinations that do what a test says, in simulated time.

mod chains;
mod crashes;
mod failover;
mod filters;
mod flow;
mod journal;
mod simulation;
mod sockets;
mod trouble;
mod world;
