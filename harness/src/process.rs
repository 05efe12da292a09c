//! Runs a program to its end: what it printed, how it ended, and one sentence when it failed.
//!
//! Which programs run, and what their output means, is the callers' business. A child never
//! outlives the future that runs it: dropping that future kills its whole process group, but for
//! what the caller spares. One whose Meshproof was killed can be told by its [`lineage`].

pub mod lineage;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::waits::Wait;

/// What this process itself used, its children excluded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnUse {
    /// CPU seconds, user and system.
    pub cpu_seconds: f64,
    /// The most memory it had resident, in MiB.
    pub peak_memory_mib: f64,
}

/// What this process itself used so far; none where the system does not tell.
pub fn own_use() -> Option<OwnUse> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1_000_000.0;
    Some(OwnUse {
        cpu_seconds: seconds(usage.user_time()) + seconds(usage.system_time()),
        // Linux counts in KiB.
        peak_memory_mib: usage.max_rss() as f64 / 1024.0,
    })
}

/// How many of a program's last lines an error quotes.
const QUOTED_LINES: usize = 12;

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started at all.
    #[error("{program} could not be started ({source}); is it installed and on PATH?")]
    NotStarted {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It ended, and not well.
    #[error("`{command}` ended with {status}; its last words:\n{tail}")]
    Ended {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// Its last lines, errors first.
        tail: String,
    },
    /// Its output could not be read or its input not written.
    #[error("the pipes of `{command}` broke: {source}")]
    Pipe {
        /// The command line.
        command: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What a program printed.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// One program with its arguments, ready to run.
#[derive(Debug)]
pub struct Program {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    input: Option<Vec<u8>>,
    from: Option<Stdio>,
    into: Option<Stdio>,
    spared: Option<fn(&str) -> bool>,
}

impl Program {
    /// A program by name or path.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments: vec![],
            environment: vec![],
            folder: None,
            input: None,
            from: None,
            into: None,
            spared: None,
        }
    }

    /// Adds one argument.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets one environment variable.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Runs it in a folder.
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Feeds it standard input.
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Has it read its standard input from a pipe or a file: what is too large to be held.
    pub fn input_from(mut self, from: impl Into<Stdio>) -> Self {
        self.from = Some(from.into());
        self
    }

    /// Has it write its standard output into a pipe or a file; [`Output::stdout`] stays empty then.
    pub fn output_into(mut self, into: impl Into<Stdio>) -> Self {
        self.into = Some(into.into());
        self
    }

    /// Spares what of its process group has such a command line when this is broken off: that ends by
    /// itself, soon, and who breaks off has to wait for it.
    pub fn sparing(mut self, spared: fn(&str) -> bool) -> Self {
        self.spared = Some(spared);
        self
    }

    /// The command line as a person would type it.
    pub fn command_line(&self) -> String {
        let mut line = self.program.to_string_lossy().into_owned();
        for argument in &self.arguments {
            line.push(' ');
            line.push_str(&argument.to_string_lossy());
        }
        line
    }

    /// Runs it to its end and returns what it printed.
    ///
    /// # Errors
    /// Any ending but success, with the last lines it printed.
    pub async fn run(self) -> Result<Output, ProcessError> {
        self.run_with(|_| {}).await
    }

    /// Like [`run`](Self::run), handing each line of its standard error to `on_line` as it comes.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_with(mut self, mut on_line: impl FnMut(&str)) -> Result<Output, ProcessError> {
        let command = self.command_line();
        let wait = Wait::begin(format!("`{command}` to end"));
        let on_line = |line: &str| {
            wait.seen(line);
            on_line(line);
        };
        let mut running = Running {
            child: self.spawn()?,
            spared: self.spared,
        };
        let input = self.input.take();
        let child = &mut running.child;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        let feed = async move {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                // A program that ends without reading its input says why by its status.
                let _ = stdin.write_all(&input).await;
            }
        };
        let broken = |source| ProcessError::Pipe {
            command: command.clone(),
            source,
        };
        let ((), stdout, stderr) =
            tokio::join!(feed, read_all(stdout), read_lines(stderr, on_line));
        let output = Output {
            stdout: stdout.map_err(broken)?,
            stderr: stderr.map_err(broken)?,
        };
        let status = child.wait().await.map_err(broken)?;
        if status.success() {
            return Ok(output);
        }
        let lines: Vec<&str> = output.stdout.lines().chain(output.stderr.lines()).collect();
        let tail = lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n");
        Err(ProcessError::Ended {
            command,
            status: status.to_string(),
            tail,
        })
    }

    fn spawn(&mut self) -> Result<Child, ProcessError> {
        let fed = match self.input {
            Some(_) => Stdio::piped(),
            None => self.from.take().unwrap_or_else(Stdio::null),
        };
        // Our own ends of pipes are closed with the command, so that their readers see the end.
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env(lineage::STARTED_BY, lineage::Identity::own().to_string())
            .envs(self.environment.iter().map(|(n, v)| (n, v)))
            .stdin(fed)
            .stdout(self.into.take().unwrap_or_else(Stdio::piped))
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command.spawn().map_err(|source| ProcessError::NotStarted {
            program: self.program.to_string_lossy().into_owned(),
            source,
        })
    }
}

/// A child whose process group dies with this value, but for what is spared.
struct Running {
    child: Child,
    spared: Option<fn(&str) -> bool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // `id` is none once the child was waited for: then its group is no longer ours to signal.
        if let Some(id) = self.child.id() {
            lineage::end_group(id, self.spared);
        }
    }
}

async fn read_all(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut bytes = vec![];
    if let Some(mut from) = from {
        from.read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn read_lines(
    from: Option<impl AsyncRead + Unpin>,
    mut on_line: impl FnMut(&str),
) -> std::io::Result<String> {
    let mut text = String::new();
    if let Some(from) = from {
        let mut reader = BufReader::new(from);
        let mut line = vec![];
        while reader.read_until(b'\n', &mut line).await? > 0 {
            let decoded = String::from_utf8_lossy(&line);
            on_line(decoded.trim_end());
            text.push_str(&decoded);
            line.clear();
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn output_and_lines_arrive() {
        let mut seen = vec![];
        let output = Program::new("sh")
            .args(["-c", "cat; echo one >&2; echo two >&2"])
            .input("fed")
            .run_with(|line| seen.push(line.to_owned()))
            .await
            .expect("a shell that succeeds");
        assert_eq!(output.stdout, "fed");
        assert_eq!(seen, ["one", "two"]);
    }

    #[tokio::test]
    async fn one_program_feeds_another_through_a_pipe() {
        let (reader, writer) = std::io::pipe().unwrap();
        let first = Program::new("seq").arg("100000").output_into(writer).run();
        let second = Program::new("wc").arg("-l").input_from(reader).run();
        let (first, second) = tokio::join!(first, second);
        assert_eq!(first.unwrap().stdout, "");
        assert_eq!(second.unwrap().stdout.trim(), "100000");
    }

    #[tokio::test]
    async fn a_failure_quotes_the_last_words() {
        let error = Program::new("sh")
            .args(["-c", "echo why >&2; exit 3"])
            .run()
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("exit status: 3") && text.contains("why"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let error = Program::new("no-such-program-here")
            .run()
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("no-such-program-here could not be started")
        );
    }

    #[tokio::test]
    async fn a_dropped_run_kills_the_whole_group() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pid_file = folder.path().join("pid");
        let script = format!(
            "sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait",
            pid_file.display()
        );
        let run = tokio::spawn(Program::new("sh").args(["-c", &script]).run());
        let grandchild = written(&pid_file).await;
        let grandchild = grandchild.trim().parse().expect("a pid");
        run.abort();
        assert!(run.await.unwrap_err().is_cancelled());
        gone(grandchild).await;
    }

    #[tokio::test]
    async fn what_is_spared_outlives_a_dropped_run_and_nothing_else_does() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pid_file = folder.path().join("pids");
        let script = format!(
            "sleep 601 & spared=$!; sleep 602 & echo $$ $spared $! > {0}.new; mv {0}.new {0}; wait",
            pid_file.display()
        );
        let program = Program::new("sh").args(["-c", &script]);
        let run = tokio::spawn(program.sparing(|command| command == "sleep 601").run());
        let pids = written(&pid_file).await;
        let pids: Vec<u32> = pids
            .split_whitespace()
            .map(|p| p.parse().unwrap())
            .collect();
        called(pids[1], "sleep 601").await;
        run.abort();
        assert!(run.await.unwrap_err().is_cancelled());
        gone(pids[0]).await;
        gone(pids[2]).await;
        let spared = lineage::Identity::of(pids[1]).expect("it is spared");
        lineage::end(&spared);
        gone(pids[1]).await;
    }

    #[tokio::test]
    async fn a_program_that_is_spared_itself_goes_on_as_well() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pid_file = folder.path().join("pid");
        let script = format!(
            "echo $$ > {0}.new; mv {0}.new {0}; exec sleep 603",
            pid_file.display()
        );
        let program = Program::new("sh").args(["-c", &script]);
        let run = tokio::spawn(program.sparing(|command| command == "sleep 603").run());
        let pid = written(&pid_file).await.trim().parse().expect("a pid");
        called(pid, "sleep 603").await;
        run.abort();
        assert!(run.await.unwrap_err().is_cancelled());
        let spared = lineage::Identity::of(pid).expect("it is spared");
        lineage::end(&spared);
        gone(pid).await;
    }

    /// Until a program that was forked became what it was to be.
    async fn called(pid: u32, command: &str) {
        let becoming = async {
            while lineage::command_line(pid) != command {
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(30);
        let became = tokio::time::timeout(limit, becoming).await;
        became.unwrap_or_else(|_| panic!("{pid} is {command} within 30 s"));
    }

    async fn written(file: &std::path::Path) -> String {
        let reading = async {
            loop {
                if let Ok(text) = std::fs::read_to_string(file) {
                    return text;
                }
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(30);
        let read = tokio::time::timeout(limit, reading).await;
        read.expect("the file is there within 30 s")
    }

    async fn gone(pid: u32) {
        let ending = async {
            while lineage::Identity::of(pid).is_some() {
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(30);
        let ended = tokio::time::timeout(limit, ending).await;
        ended.unwrap_or_else(|_| panic!("{pid} is gone within 30 s"));
    }
}
