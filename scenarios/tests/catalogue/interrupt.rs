//! Signals that ask to end: the first ends the walk so that it is cleaned up, the second ends all.

use std::io;

use meshproof::endings::{Ending, Endings};
use meshproof::told::tell;
use tokio::sync::watch;

/// Tells whether a signal came.
#[derive(Clone)]
pub struct Interrupt(watch::Receiver<Option<Ending>>);

impl Interrupt {
    /// Listens from now on. Has to be called on a runtime.
    ///
    /// # Errors
    /// When the system does not let a signal be listened for.
    pub fn listen() -> io::Result<Self> {
        let mut endings = Endings::listen()?;
        let (say, said) = watch::channel(None);
        tokio::spawn(async move {
            loop {
                let ending = endings.next().await;
                let name = ending.name;
                match say.send_replace(Some(ending)) {
                    None => tell(format_args!(
                        "{name}: the walk ends here and is cleaned up; again ends at once"
                    )),
                    // A closed terminal hangs up more than once.
                    Some(_) if ending == Ending::HANGUP => {}
                    Some(_) => {
                        tell(format_args!(
                            "{name} again: ended without cleaning up; the next run clears away what \
                             is left on the cluster"
                        ));
                        std::process::exit(ending.exit_code().into());
                    }
                }
            }
        });
        Ok(Self(said))
    }

    /// The signal that came, if one did.
    pub fn came(&self) -> Option<Ending> {
        *self.0.borrow()
    }

    /// Waits for a signal; returns at once if one came already.
    pub async fn comes(&mut self) -> Ending {
        match self.0.wait_for(Option::is_some).await {
            Ok(ending) => ending.unwrap_or_else(|| unreachable!("waited for some")),
            // The listener ends only with the runtime.
            Err(_) => std::future::pending().await,
        }
    }
}
