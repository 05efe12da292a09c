//! Results on standard output, for whoever may have stopped reading.
//!
//! `meshproof run | head` closes the pipe before the last line; that is no fault, and what the command
//! has left to do, it does. What a person is told beside the results is [`crate::told`]'s.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

use crate::told::tell;

/// As `println!`, which panics when nobody reads any more.
macro_rules! print_line {
    ($($text:tt)*) => {
        $crate::cli::printing::write(format_args!("{}\n", format_args!($($text)*)))
    };
}

/// As `print!`, which panics when nobody reads any more.
macro_rules! print_text {
    ($($text:tt)*) => { $crate::cli::printing::write(format_args!($($text)*)) };
}

/// Writes to standard output, and tells on standard error what else than a closed pipe keeps it from
/// that.
pub(super) fn write(text: Arguments<'_>) {
    to(&mut std::io::stdout().lock(), text, tell);
}

fn to(output: &mut impl Write, text: Arguments<'_>, tell: impl Fn(String)) {
    match output.write_fmt(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            tell(format!("what was to be printed is lost: {error}"));
        }
        Ok(()) | Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    struct Fails(ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Err(self.0.into())
        }
    }

    fn told_of(kind: ErrorKind) -> Vec<String> {
        let told = RefCell::new(vec![]);
        to(&mut Fails(kind), format_args!("a table"), |why| {
            told.borrow_mut().push(why);
        });
        told.into_inner()
    }

    #[test]
    fn a_closed_pipe_is_passed_over_and_a_full_disk_is_told() {
        assert_eq!(told_of(ErrorKind::BrokenPipe), Vec::<String>::new());
        assert_eq!(told_of(ErrorKind::StorageFull).len(), 1);
    }
}
