//! What is told about deliveries: each happening is one function here.

use std::{error::Error, io, net::SocketAddr};

use crate::egress::Denied;

pub(crate) fn roots_read<E: Error + 'static>(trusted: usize, ignored: usize, errors: &[E]) {
    if trusted == 0 {
        tracing::warn!("no root certificates found, so every https destination will fail; install ca-certificates");
    }
    if ignored > 0 {
        tracing::debug!(ignored, "root certificates of the machine were left out because they cannot be read");
    }
    for error in errors {
        tracing::warn!(error = error as &dyn Error, "root certificates of the machine could not be loaded");
    }
}

pub(crate) fn denied(denied: &Denied) {
    tracing::debug!(host = denied.host, address = %denied.address, range = denied.range, "address denied");
}

pub(crate) fn connected(host: &str, address: Option<SocketAddr>) {
    tracing::debug!(host, address = address.map(tracing::field::display), "connected");
}

pub(crate) fn address_failed(address: SocketAddr, error: &io::Error) {
    tracing::debug!(%address, %error, "address could not be connected to");
}
