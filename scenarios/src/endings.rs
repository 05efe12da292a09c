//! The signals that ask a run to end: Ctrl-C, SIGTERM, and the hangup of a terminal.
//!
//! Whoever listens decides what has to be done before the end. A process that was started to outlive
//! its terminal (`nohup`) goes on when that is closed.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal};

use nix::unistd::{dup2_stderr, dup2_stdout};
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};

/// A signal that asks to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// The signal's name.
    pub name: &'static str,
    number: u8,
}

impl Ending {
    /// Ctrl-C.
    pub const INTERRUPT: Self = Self {
        name: "SIGINT",
        number: 2,
    };
    /// What `kill` and a CI send.
    pub const TERMINATE: Self = Self {
        name: "SIGTERM",
        number: 15,
    };
    /// The terminal was closed, or the connection to it lost.
    pub const HANGUP: Self = Self {
        name: "SIGHUP",
        number: 1,
    };

    /// The exit code of a process that ends because of it, as shells count.
    pub fn exit_code(self) -> u8 {
        128 + self.number
    }
}

/// Hears the signals that ask to end.
pub struct Endings {
    interrupt: Listener,
    terminate: Listener,
    /// None where hangups are ignored.
    hangup: Option<Listener>,
    /// Whether standard output and standard error are a terminal's: once it is gone, it cannot be asked.
    terminals: (bool, bool),
}

impl Endings {
    /// Listens from now on. Has to be called on a runtime.
    ///
    /// # Errors
    /// When the system does not let a signal be listened for.
    pub fn listen() -> io::Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let hangup = match ignores(&status, Ending::HANGUP) {
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
            terminals: (io::stdout().is_terminal(), io::stderr().is_terminal()),
        })
    }

    /// Waits for the next one. After a hangup nothing more goes to the terminal, where it would fail.
    pub async fn next(&mut self) -> Ending {
        let hangup = async {
            match &mut self.hangup {
                Some(listener) => listener.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Ending::INTERRUPT,
            _ = self.terminate.recv() => Ending::TERMINATE,
            _ = hangup => {
                leave(self.terminals);
                Ending::HANGUP
            }
        }
    }
}

/// Whether a process with this status, as the kernel tells it, ignores a signal.
fn ignores(status: &str, ending: Ending) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (ending.number - 1) & 1 == 1)
}

/// Sends what is written to standard output and standard error nowhere, as far as they are a terminal's.
fn leave((output, error): (bool, bool)) {
    let Ok(nowhere) = OpenOptions::new().write(true).open("/dev/null") else {
        return;
    };
    // Where it cannot be, whoever prints goes without being read.
    if output {
        let _ = dup2_stdout(&nowhere);
    }
    if error {
        let _ = dup2_stderr(&nowhere);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_outlives_its_terminal_ignores_its_hangup() {
        let status = |mask: &str| format!("Name:\tmeshproof\nSigIgn:\t{mask}\nSigCgt:\tffff\n");
        let ignored = |mask| ignores(&status(mask), Ending::HANGUP);
        assert!(ignored("0000000000001001"));
        assert!(
            !ignored("0000000000001000"),
            "SIGPIPE alone, as Rust has it"
        );
        assert!(!ignores("", Ending::HANGUP));
    }
}
