//! The whole program, from outside: as senders, destinations, operators and authors of filters see it.
//!
//! Each test is a story. It starts a host of its own (`support::Platform`, in this process; `support::Host`, as a process
//! that can be killed), brings what it needs over the admin API, sends real requests and looks at what real destinations
//! got. Nothing waits for time to pass: what takes a while is looked for until it is there.

mod bodies;
mod clients;
mod command_line;
mod cookbook;
mod crash;
mod delivery;
mod destinations;
mod events;
mod first_filter;
mod headers;
mod hostile;
mod hot_swap;
mod http;
mod instances;
mod kv;
mod limits;
mod octokit;
mod once;
mod previous;
mod providers;
mod refusals;
mod sandbox;
mod secrets;
mod simulator;
mod support;
mod tidy;
mod workbench;
