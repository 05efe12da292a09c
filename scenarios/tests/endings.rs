//! What asks a command to end, in the middle of its work and with nobody left to read what it says:
//! it cleans up all the same, and ends with the signal's code.
//!
//! The engine is one that does not answer a question, so that the command is at work until it is asked
//! to end. Whoever runs these tests may ignore hangups, as `nohup` does; what is started here does not,
//! unless the test is about that.

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
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

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

/// Ours, with the arguments of an `env` that has it take hangups as it would from a shell.
const UP: [&str; 3] = [
    "--default-signal=HUP",
    env!("CARGO_BIN_EXE_meshproof"),
    "up",
];

/// A command that does not outlive the test, whichever way that ends.
struct Started(Child);

impl Started {
    fn by(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    fn send(&self, signal: Signal) {
        kill(pid(self.0.id()), signal).unwrap();
    }

    /// What it ends with, which has to be within the limit.
    fn exit_code(&mut self, after: &str) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(ended) = self.0.try_wait().unwrap() {
                return ended.code();
            }
            assert!(
                begun.elapsed() < LIMIT,
                "it still runs {LIMIT:?} after {after}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        // What it started has groups of its own and would outlive a kill; so they are looked up first.
        let mut all = vec![self.0.id()];
        let mut next = 0;
        while let Some(&pid) = all.get(next) {
            all.extend(children(pid));
            next += 1;
        }
        for process in all {
            let _ = kill(pid(process), Signal::SIGKILL);
        }
        let _ = self.0.wait();
    }
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(id.cast_signed())
}

/// The processes that a process started and that still run.
fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let threads = threads.into_iter().flatten().flatten();
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            let pids = list.split_whitespace().map(|child| child.parse().unwrap());
            pids.collect::<Vec<u32>>()
        })
        .collect()
}

#[test]
fn a_signal_is_answered_by_cleaning_up_also_where_nobody_reads_what_is_said() {
    for (signal, code) in [
        (Signal::SIGHUP, 129),
        (Signal::SIGINT, 130),
        (Signal::SIGTERM, 143),
    ] {
        let machine = machine();
        let mut env = starter(&machine, "env");
        env.args(UP).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut command = Started::by(&mut env);
        let leftovers = at_work(&machine);
        drop((command.0.stdout.take(), command.0.stderr.take()));
        command.send(signal);
        let ended = command.exit_code(signal.as_str());
        assert_eq!(ended, Some(code), "{signal}");
        assert!(leftovers.are_gone(), "{signal}: it did not clean up");
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
    let mut command = Started::by(
        starter(&machine, "setsid")
            .args(["--ctty", "env"])
            .args(UP)
            .stdin(theirs())
            .stdout(theirs())
            .stderr(theirs()),
    );
    let leftovers = at_work(&machine);
    drop(terminal);
    assert_eq!(command.exit_code("its terminal went"), Some(129));
    assert!(leftovers.are_gone(), "it did not clean up");
}

#[test]
fn what_is_to_outlive_its_terminal_goes_on() {
    let machine = machine();
    let line = format!("trap '' HUP; exec {} up", env!("CARGO_BIN_EXE_meshproof"));
    let mut command = Started::by(
        starter(&machine, "/bin/sh")
            .args(["-c", &line])
            .stderr(Stdio::null()),
    );
    let leftovers = at_work(&machine);
    command.send(Signal::SIGHUP);
    command.send(Signal::SIGTERM);
    assert_eq!(command.exit_code("SIGTERM"), Some(143));
    assert!(leftovers.are_gone());
}
