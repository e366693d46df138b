//! From stored to delivered. `engine` finds what is due, `attempt` makes one attempt top to bottom, `schedule` and
//! `breaker` decide what follows from it. The way out of the house is here as well: `connector` is the only code that opens
//! connections to others, `egress` says which addresses it may call, `destinations` speak what is behind them.

mod attempt;
pub mod breaker;
pub mod clock;
pub mod connector;
pub mod destinations;
pub mod egress;
pub mod engine;
mod failover;
pub mod hop;
pub mod house;
mod memory;
mod moving;
mod observe;
pub mod rate;
pub mod schedule;
mod stream;

pub use clock::Clock;
pub use connector::Connector;
pub use destinations::Destination;
pub use engine::{Engine, Waker};
pub use house::{House, Preparation, Ready};
pub use observe::Counters;
pub use stream::Stream;
