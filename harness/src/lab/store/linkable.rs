//! Whether a linked store can be made here, tried out and not guessed: it takes an engine that
//! mounts our folders, a file system that containerd's snapshots can lie on, and a user who may
//! link and read what the engine writes there.

use std::path::Path;

use crate::lab::images::{Images, remove_folder};
use crate::lab::{Engine, LabError};

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
    let script = format!(
        "test -f /seen/{OURS} || {{ echo {UNSEEN}; exit; }}\n\
         install -m 600 /dev/null /seen/{ENGINES}\n\
         cd /seen && mkdir low high work both\n\
         mount -t overlay none -o lowerdir=low,upperdir=high,workdir=work both 2>&1 \
         && umount both && echo {USABLE}\n\
         rm -r low high work both\n"
    );
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
    let said = engine.run(what, &arguments).await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::fake_client::FakeClient;
    use crate::lab::store::tests::images;

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
