//! Ctrl-C and SIGTERM: the first ends the walk so that it is cleaned up, the second ends all.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// A signal that asks to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    /// Its name.
    pub name: &'static str,
    number: u8,
}

impl Signal {
    /// The exit code of a process that ends because of it, as shells count.
    pub fn exit_code(self) -> u8 {
        128 + self.number
    }
}

/// Tells whether a signal came.
#[derive(Clone)]
pub struct Interrupt(watch::Receiver<Option<Signal>>);

impl Interrupt {
    /// Listens from now on. Has to be called on a runtime.
    ///
    /// # Errors
    /// When the system does not let a signal be listened for.
    pub fn listen() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (tell, told) = watch::channel(None);
        tokio::spawn(async move {
            loop {
                let (name, number) = tokio::select! {
                    _ = interrupt.recv() => ("SIGINT", 2),
                    _ = terminate.recv() => ("SIGTERM", 15),
                };
                let signal = Signal { name, number };
                if tell.send_replace(Some(signal)).is_some() {
                    eprintln!(
                        "{name} again: ended without cleaning up; the next run clears away what \
                         is left on the cluster"
                    );
                    std::process::exit(signal.exit_code().into());
                }
                eprintln!("{name}: the walk ends here and is cleaned up; again ends at once");
            }
        });
        Ok(Self(told))
    }

    /// The signal that came, if one did.
    pub fn came(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Waits for a signal; returns at once if one came already.
    pub async fn comes(&mut self) -> Signal {
        match self.0.wait_for(Option::is_some).await {
            Ok(signal) => signal.unwrap_or_else(|| unreachable!("waited for some")),
            // The listener ends only with the runtime.
            Err(_) => std::future::pending().await,
        }
    }
}
