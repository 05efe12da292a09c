//! What asks a command to end, in the middle of its work and with nobody left to read what it says:
//! it cleans up all the same, and ends with the signal's code.
//!
//! The engine is one that does not answer a question, so that the command is at work until it is asked
//! to end.

#[allow(dead_code, reason = "it is shared with other tests")]
#[path = "bad_input/machine.rs"]
mod machine;

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use machine::{Machine, with_images};
use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};

/// What is asked once a cluster is to be made.
const QUESTION: &str = "label=io.x-k8s.kind.cluster=";

/// How long a command may take until it is at work, and to its end.
const LIMIT: Duration = Duration::from_secs(30);

fn machine() -> Machine {
    with_images(&[("ps*label=io.x-k8s.kind.cluster=*", "hang", "", "")]).0
}

fn comes(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "waited {LIMIT:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What cleaning up takes away.
struct Leftovers([PathBuf; 2]);

impl Leftovers {
    fn are_gone(&self) -> bool {
        self.0.iter().all(|folder| !folder.exists())
    }
}

/// Waits until a command is at work; then lays what is left when work is broken off.
fn at_work(machine: &Machine) -> Leftovers {
    comes("the question", || machine.calls().contains(QUESTION));
    let run = machine.path("home/.local/state/meshproof/runs/killed");
    let half_made = machine.path("home/.cache/meshproof/partial/store-1");
    for folder in [&run, &half_made] {
        fs::create_dir_all(folder).unwrap();
    }
    Leftovers([run, half_made])
}

/// A program that starts ours on this machine.
fn starter(machine: &Machine, program: &str) -> Command {
    let mut starter = Command::new(program);
    for (name, value) in machine.program(&[]).get_envs() {
        match value {
            Some(value) => starter.env(name, value),
            None => starter.env_remove(name),
        };
    }
    starter
}

fn send(name: &str, to: &Child) {
    let kill = format!("kill -{name} {}", to.id());
    let sent = Command::new("/bin/sh").args(["-c", &kill]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_signal_is_answered_by_cleaning_up_also_where_nobody_reads_what_is_said() {
    for (name, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        let machine = machine();
        let mut command = machine
            .program(&["up"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let leftovers = at_work(&machine);
        drop((command.stdout.take(), command.stderr.take()));
        send(name, &command);
        assert_eq!(command.wait().unwrap().code(), Some(code), "SIG{name}");
        assert!(leftovers.are_gone(), "SIG{name}: it did not clean up");
    }
}

#[test]
fn a_closed_terminal_is_answered_by_cleaning_up() {
    let machine = machine();
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let terminal = posix_openpt(flags).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let theirs = ptsname_r(&terminal).unwrap();
    let theirs = File::options().read(true).write(true).open(theirs).unwrap();
    let theirs = || Stdio::from(theirs.try_clone().unwrap());
    let mut command = starter(&machine, "setsid")
        .args(["--ctty", env!("CARGO_BIN_EXE_meshproof"), "up"])
        .stdin(theirs())
        .stdout(theirs())
        .stderr(theirs())
        .spawn()
        .unwrap();
    let leftovers = at_work(&machine);
    drop(terminal);
    assert_eq!(command.wait().unwrap().code(), Some(129));
    assert!(leftovers.are_gone(), "it did not clean up");
}

#[test]
fn what_is_to_outlive_its_terminal_goes_on() {
    let machine = machine();
    let line = format!("trap '' HUP; exec {} up", env!("CARGO_BIN_EXE_meshproof"));
    let mut command = starter(&machine, "/bin/sh")
        .args(["-c", &line])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let leftovers = at_work(&machine);
    send("HUP", &command);
    send("TERM", &command);
    assert_eq!(command.wait().unwrap().code(), Some(143));
    assert!(leftovers.are_gone());
}
