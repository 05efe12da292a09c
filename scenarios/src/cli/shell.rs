//! `shell`: a person's own shell, set to the lab's cluster.
//!
//! It gets a copy of the kubeconfig, which goes when it ends: programs write into the one that they are
//! handed, and the next run goes by the cluster's own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use meshproof_harness::lab::{Attempt, Cluster, Lease, Paths};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use super::own_cluster::own_cluster;
use super::{Outcome, own_command};

/// Starts the shell and ends with its code. It holds the cluster, so that no run takes it away;
/// while a run holds it, the shell opens beside that.
pub async fn run(paths: &Paths, cluster: Option<&str>) -> Outcome {
    let cluster = own_cluster(paths, cluster)?;
    // A Ctrl-C is for what runs in the shell; this process waits on. What ends this process must not
    // end it before the copy is gone.
    let _interrupt = signal(SignalKind::interrupt())?;
    let _quit = signal(SignalKind::quit())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let lease = Lease::attempt(cluster.folder(), &own_command())?;
    let kubeconfig = cluster.kubeconfig_copy()?;
    let tools = tools(&cluster)?;
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
    let shell = shell.unwrap_or_else(|| "/bin/sh".into());
    print_line!(
        "This is {} on the cluster {}: KUBECONFIG is {}, a copy that goes when it ends.",
        shell.display(),
        cluster.record.name,
        kubeconfig.display()
    );
    match &*tools.names {
        [] => print_line!("The cluster's record names no programs, so PATH is as it was."),
        names => print_line!("On PATH besides: {}.", names.join(", ")),
    }
    print_line!(
        "{}",
        match &lease {
            Attempt::Taken(_) => "It holds the cluster until it ends: exit.".to_owned(),
            Attempt::HeldBy(holder) => format!("Look, but change nothing: {holder} is at work."),
        }
    );
    let mut child = Command::new(&shell);
    child.env("KUBECONFIG", &kubeconfig);
    if let Some(path) = with_first(&tools.folder, std::env::var_os("PATH"), &tools.names) {
        child.env("PATH", path);
    }
    let ended = tokio::select! {
        ended = child.status() => ended,
        _ = hangup.recv() => return Ok(ExitCode::from(129)),
        _ = terminate.recv() => return Ok(ExitCode::from(143)),
    };
    let ended = ended.map_err(|error| {
        format!(
            "the shell {} cannot be started ({error}); name another in SHELL",
            shell.display()
        )
    })?;
    let code = ended.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// A folder of links to the cluster's own programs, and their names.
struct Tools {
    folder: PathBuf,
    names: Vec<String>,
}

/// Links to the programs of the cluster's record, as far as they are there.
fn tools(cluster: &Cluster) -> std::io::Result<Tools> {
    let folder = cluster.folder().join("bin");
    let mut names = vec![];
    for program in &cluster.record.programs {
        let Some(name) = program.file_name().filter(|_| program.is_file()) else {
            continue;
        };
        std::fs::create_dir_all(&folder)?;
        let link = folder.join(name);
        match std::fs::remove_file(&link) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => std::os::unix::fs::symlink(program, &link)?,
        }
        names.push(name.to_string_lossy().into_owned());
    }
    Ok(Tools { folder, names })
}

/// PATH with a folder before all others, if there is anything in it.
fn with_first(folder: &Path, path: Option<OsString>, names: &[String]) -> Option<OsString> {
    if names.is_empty() {
        return None;
    }
    let path = path.unwrap_or_default();
    let all = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(all).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clusters_programs_come_first() {
        let names = ["kind".to_owned()];
        let path = with_first(Path::new("/c/bin"), Some("/usr/bin:/bin".into()), &names);
        assert_eq!(path, Some("/c/bin:/usr/bin:/bin".into()));
        assert_eq!(
            with_first(Path::new("/c/bin"), Some("/bin".into()), &[]),
            None
        );
    }
}
