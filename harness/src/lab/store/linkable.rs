//! Whether a linked store can be made here, tried out and not guessed: it takes an engine that
//! mounts our folders, a file system that containerd's snapshots can lie on, and a user who may
//! link and read what the engine writes there.

use std::path::Path;

use crate::lab::images::{Images, remove_folder};
use crate::lab::{Engine, LabError};
use crate::process::ProcessError;

/// The file by which a container sees that a folder is ours.
const OURS: &str = "ours";
/// The file that the container makes, as containerd makes its own.
const ENGINES: &str = "engines";

/// What the container says when it sees the folder and can stack file systems on it.
const USABLE: &str = "usable";
/// What it says when it sees some other folder.
const UNSEEN: &str = "unseen";

/// Why no linked store can be made below this folder, if none can. What the trial makes there it
/// removes.
///
/// # Errors
/// When the engine cannot run the node image, or a file error of the folder itself.
pub async fn hindrance(
    engine: &Engine,
    images: &Images,
    below: &Path,
) -> Result<Option<String>, LabError> {
    let folder = below.join("partial").join("linkable");
    remove_folder(&folder)?;
    std::fs::create_dir_all(&folder).map_err(LabError::file("making the folder", &folder))?;
    let found = tried(engine, images, &folder, below).await;
    remove_folder(&folder)?;
    found
}

async fn tried(
    engine: &Engine,
    images: &Images,
    folder: &Path,
    below: &Path,
) -> Result<Option<String>, LabError> {
    let ours = folder.join(OURS);
    std::fs::write(&ours, "").map_err(LabError::file("writing", &ours))?;
    let place = below.display();
    if let Err(error) = std::fs::hard_link(&ours, folder.join("linked")) {
        return Ok(Some(format!(
            "no hard links can be made below {place} ({error})"
        )));
    }
    let mount = format!("{}:/seen", folder.display());
    // What the container makes there it removes, but for one file: it may be another user's.
    let script = script("/seen");
    let arguments = [
        "--rm",
        "--privileged",
        "--volume",
        &mount,
        "--entrypoint",
        "sh",
        &images.node.reference,
        "-c",
        &script,
    ];
    let what = "trying out whether the engine can use our folders";
    let said = match engine.run(what, &arguments).await {
        // The other way needs no mount: it is what such an engine gets.
        Err(LabError::Program {
            source: ProcessError::Ended { status, tail, .. },
            ..
        }) => {
            let why = tail.lines().rfind(|line| !line.trim().is_empty());
            let why = why.unwrap_or(&status);
            return Ok(Some(format!(
                "the engine runs nothing that mounts folders below {place} ({why})"
            )));
        }
        other => other?,
    };
    let said = said.lines().next().unwrap_or("no overlay file system");
    Ok(match said {
        USABLE => {
            let made = folder.join(ENGINES);
            let used = std::fs::File::open(&made)
                .and_then(|_| std::fs::hard_link(&made, folder.join("linked-too")));
            used.err().map(|error| {
                format!("this user may not link what the engine writes below {place} ({error})")
            })
        }
        UNSEEN => Some("the engine does not mount this machine's folders".into()),
        said => Some(format!(
            "containerd's snapshots cannot lie below {place} ({said})"
        )),
    })
}

/// What the container does with our folder, seen at this place: it makes a file as containerd does,
/// and stacks file systems. What it cannot do it says; its end is always well.
fn script(seen: &str) -> String {
    // What it makes there it removes, but for one file: it may be another user's.
    format!(
        "test -f {seen}/{OURS} || {{ echo {UNSEEN}; exit; }}\n\
         cd {seen} && {{\n\
         install -m 600 /dev/null {ENGINES} && mkdir low high work both &&\n\
         mount -t overlay none -o lowerdir=low,upperdir=high,workdir=work both &&\n\
         umount both && echo {USABLE}\n\
         }} 2>&1\n\
         rm -rf low high work both 2>/dev/null; exit 0\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fake_client::FakeClient;
    use crate::lab::store::tests::images;
    use crate::process::Program;

    async fn hindered(said: &str) -> Option<String> {
        let client = FakeClient::new("docker")
            .answers("version*", "20.10.24 linux/amd64\n")
            .answers("run*", said);
        let below = client.folder().join("cache");
        let found = hindrance(&client.engine().await, &images(), &below).await;
        let left = std::fs::read_dir(below.join("partial")).unwrap();
        assert_eq!(left.count(), 0, "what it tried is gone");
        found.unwrap()
    }

    #[tokio::test]
    async fn an_engine_that_fails_to_try_is_a_hindrance_in_its_own_words() {
        let refusing = FakeClient::new("docker")
            .answers("version*", "20.10.24 linux/amd64\n")
            .fails("run*", "docker: Mounts denied: the path is not shared.\n");
        let below = refusing.folder().join("cache");
        let found = hindrance(&refusing.engine().await, &images(), &below).await;
        let told = found.unwrap().expect("a hindrance");
        assert!(told.ends_with("the path is not shared.)"), "{told}");
        assert!(!told.contains('\n'), "{told}");
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_told_and_the_script_ends_well() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(OURS), "").unwrap();
        // Nobody writes a file where a folder is, whatever user this is.
        std::fs::create_dir_all(folder.path().join(ENGINES).join("null/low")).unwrap();
        let script = script(&folder.path().display().to_string());
        let ran = Program::new("sh").args(["-c", &script]).run().await;
        let said = ran.expect("it ends well").stdout;
        assert!(said.starts_with("install: "), "{said}");
        assert!(!said.contains(USABLE), "{said}");
    }

    #[tokio::test]
    async fn each_hindrance_is_named() {
        let unseen = hindered("unseen\n").await.expect("a hindrance");
        assert_eq!(unseen, "the engine does not mount this machine's folders");
        // What util-linux 2.38 says where overlay file systems are stacked.
        let refused = "mount: /seen/both: wrong fs type, bad option, bad superblock on none.\n       \
                       dmesg(1) may have more information after failed mount system call.\n";
        let stacked = hindered(refused).await.expect("a hindrance");
        assert!(
            stacked.ends_with(
                "(mount: /seen/both: wrong fs type, bad option, bad superblock on none.)"
            )
        );
        // This engine says that it made the file, and there is none to be linked.
        let unlinked = hindered("usable\n").await.expect("a hindrance");
        assert!(unlinked.starts_with("this user may not link"), "{unlinked}");
    }
}
