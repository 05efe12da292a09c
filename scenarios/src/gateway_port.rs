//! Whether the local port that was asked for the gateway can be had, before anything is begun.

use std::net::{Ipv4Addr, TcpListener};

/// A port that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error(
    "the port {port} for the gateway cannot be had ({source}); end what listens there, or take any \
     free one with --gateway-port 0"
)]
pub struct PortTaken {
    port: u16,
    source: std::io::Error,
}

/// Listens there for a moment. Port 0 is any that is free.
///
/// # Errors
/// When that fails.
pub fn check(port: u16) -> Result<(), PortTaken> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map(drop)
        .map_err(|source| PortTaken { port, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_told_and_a_free_one_is_left_free() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert!(
            check(port)
                .unwrap_err()
                .to_string()
                .contains("--gateway-port 0")
        );
        drop(taken);
        assert!(check(port).is_ok() && check(port).is_ok());
        assert!(check(0).is_ok());
    }
}
