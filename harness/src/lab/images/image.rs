//! What one image is: its Dockerfile, its base, all that is copied in, and the names that follow.

use std::path::PathBuf;

use super::key::Key;

/// Where one file or folder of a build context comes from.
#[derive(Debug, Clone)]
pub enum Content {
    /// A text of the recipe.
    Text(&'static str),
    /// An executable text of the recipe.
    Script(&'static str),
    /// A path inside a cached artifact.
    Artifact {
        /// The artifact's name and key.
        artifact: (String, Key),
        /// The path inside it; empty for all of it.
        path: &'static str,
    },
    /// A file that was built beside this program.
    File {
        /// Where it lies.
        path: PathBuf,
        /// What names its content.
        version: String,
    },
}

/// One image.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its short name.
    pub name: &'static str,
    /// The name it carries inside the lab's nodes; none for the node image itself.
    pub lab_name: Option<String>,
    /// What it was made of, for the report.
    pub origin: String,
    /// The image it builds on, given to the Dockerfile as `BASE`.
    pub base: Option<String>,
    /// Its Dockerfile.
    pub dockerfile: &'static str,
    /// Its build context: path and content.
    pub context: Vec<(&'static str, Content)>,
}

impl Image {
    /// Its name in the user's engine.
    pub fn reference(&self) -> String {
        let mut key = Key::over(self.name).add(self.dockerfile);
        key = key.add(self.base.as_deref().unwrap_or("scratch"));
        for (path, content) in &self.context {
            key = key.add(path);
            key = match content {
                Content::Text(text) | Content::Script(text) => key.add(text),
                Content::Artifact { artifact, path } => {
                    key.add(&artifact.0).add(artifact.1.as_str()).add(path)
                }
                Content::File { version, .. } => key.add(version),
            };
        }
        format!("meshproof.local/{}:{}", self.name, key.finish())
    }
}
