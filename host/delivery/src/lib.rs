//! From stored to delivered. The way out of the house begins here: `connector` is the only code that opens connections
//! to others, `egress` says which addresses it may call, `destinations` speak what is behind them.

pub mod connector;
pub mod destinations {
    //! What events can be sent to.

    pub mod http;
}
pub mod egress;
pub mod hop;
mod observe;
mod stream;

pub use connector::Connector;
pub use stream::Stream;
