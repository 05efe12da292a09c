//! What the engine does for archives: images out of it and into it through pipes, never through a
//! file, and where it keeps them.

use std::io::{PipeReader, PipeWriter};
use std::path::PathBuf;

use crate::lab::{Engine, LabError};

impl Engine {
    /// Writes images into a pipe, in the form that an engine loads. Layers that several of them
    /// share are written once.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn save_into(&self, references: &[&str], pipe: PipeWriter) -> Result<(), LabError> {
        self.docker()
            .arg("save")
            .args(references.iter().copied())
            .output_into(pipe)
            .run()
            .await
            .map_err(LabError::program("saving images"))?;
        Ok(())
    }

    /// Loads images from a pipe.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn load_from(&self, pipe: PipeReader) -> Result<(), LabError> {
        self.docker()
            .args(["load", "--quiet"])
            .input_from(pipe)
            .run()
            .await
            .map_err(LabError::program("loading images"))?;
        Ok(())
    }

    /// The folder of this machine where the engine keeps images.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn root_folder(&self) -> Result<PathBuf, LabError> {
        let output = self
            .docker()
            .args(["info", "--format", "{{.DockerRootDir}}"])
            .run()
            .await
            .map_err(LabError::program("asking the engine for its folder"))?;
        Ok(output.stdout.trim().into())
    }

    /// The sizes of images in bytes, in their order; all of them have to be there.
    ///
    /// # Errors
    /// When the engine fails or lacks one.
    pub async fn image_sizes(&self, references: &[&str]) -> Result<Vec<u64>, LabError> {
        if references.is_empty() {
            return Ok(vec![]);
        }
        let output = self
            .docker()
            .args(["image", "inspect", "--format", "{{.Size}}"])
            .args(references.iter().copied())
            .run()
            .await
            .map_err(LabError::program("asking for the sizes of images"))?;
        let sizes = output.stdout.lines().map(|line| line.trim().parse());
        Ok(sizes.map(Result::unwrap_or_default).collect())
    }
}
