//! GridGain 8 as the guide deploys it: the same cluster as Ignite's, with another image and a
//! license.
//!
//! The guide's manifest for it is not at hand and is rebuilt from the guide's prose; no GridGain has
//! been run from it. Neither image nor license can come from this project: a run is given both.

use serde_json::json;

use super::license_file::License;
use super::manifest::{Manifest, ManifestError};

/// The Secret that the guide names.
pub const LICENSE_SECRET: &str = "gridgain-license";
/// The key in it: the file's name in the mounted folder.
pub const LICENSE_FILE: &str = "gridgain-license.xml";
/// Where the guide mounts it; `licenseUrl` names the file there.
pub const LICENSE_FOLDER: &str = "/ignite/license";

/// Why GridGain cannot be run without an image, in the words that expectations list.
pub const NO_IMAGE: &str = "no GridGain image is given (--gridgain-image)";
/// The same for the license.
pub const NO_LICENSE: &str = "no GridGain license is given (--gridgain-license)";
/// The same for a license that has expired, which one case needs.
pub const NO_EXPIRED_LICENSE: &str =
    "no expired GridGain license is given (--gridgain-expired-license)";

/// What a run was given of GridGain.
#[derive(Debug, Clone, Default)]
pub struct GridGain {
    /// The image of a node, as the cluster's nodes pull it.
    pub image: Option<String>,
    /// A license that is valid.
    pub license: Option<License>,
    /// One that has expired.
    pub expired_license: Option<License>,
}

impl GridGain {
    /// What is not given and without which no node starts; none if all is there.
    pub fn lacks(&self) -> Option<&'static str> {
        match (&self.image, &self.license) {
            (None, _) => Some(NO_IMAGE),
            (_, None) => Some(NO_LICENSE),
            _ => None,
        }
    }

    /// The two-node cluster with the given image.
    ///
    /// # Errors
    /// Never for the embedded text, which the tests below read.
    pub fn cluster(&self) -> Result<Manifest, ManifestError> {
        let mut manifest = rebuilt()?;
        if let (Some(image), Some(set)) =
            (&self.image, manifest.object_mut("StatefulSet", "ignite"))
        {
            set["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        }
        Ok(manifest)
    }
}

/// The manifest as rebuilt, with the image that stands for the given one.
fn rebuilt() -> Result<Manifest, ManifestError> {
    Manifest::parse(include_str!(
        "../../../fixtures/gridgain/gridgain-cluster.yaml"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::guide;

    const PLUGIN: [&str; 7] = [
        r#"<property name="pluginConfigurations">"#,
        "<list>",
        r#"<bean class="org.gridgain.grid.configuration.GridGainConfiguration">"#,
        r#"<property name="licenseUrl" value="/ignite/license/gridgain-license.xml"/>"#,
        "</bean>",
        "</list>",
        "</property>",
    ];

    fn given() -> GridGain {
        GridGain {
            image: Some("registry.example/gridgain:8".into()),
            ..GridGain::default()
        }
    }

    /// The lines of the node's configuration without their indentation.
    fn configuration(manifest: &Manifest) -> Vec<String> {
        manifest.object("ConfigMap", "ignite-config").unwrap()["data"]["ignite-config.xml"]
            .as_str()
            .unwrap()
            .lines()
            .map(|line| line.trim().to_owned())
            .collect()
    }

    #[test]
    fn image_and_license_are_all_that_differs_from_ignite() {
        let gridgain = given().cluster().unwrap();
        let mut expected = guide::ignite_cluster().unwrap();
        let set = expected.object_mut("StatefulSet", "ignite").unwrap();
        let pod = &mut set["spec"]["template"]["spec"];
        pod["containers"][0]["image"] = json!("registry.example/gridgain:8");
        let volume = json!({ "name": "gridgain-license",
            "secret": { "secretName": "gridgain-license" } });
        let mount = json!({ "mountPath": "/ignite/license", "name": "gridgain-license" });
        pod["volumes"].as_array_mut().unwrap().push(volume);
        let mounts = &mut pod["containers"][0]["volumeMounts"];
        mounts.as_array_mut().unwrap().push(mount);
        for (kind, name) in [("Service", "ignite-headless"), ("StatefulSet", "ignite")] {
            assert_eq!(gridgain.object(kind, name), expected.object(kind, name));
        }
        assert_eq!(gridgain.objects.len(), expected.objects.len());

        let with = configuration(&gridgain);
        let at = with.iter().position(|line| line == PLUGIN[0]).unwrap();
        assert_eq!(with[at..at + PLUGIN.len()], PLUGIN);
        let mut without = with;
        without.drain(at..at + PLUGIN.len());
        assert_eq!(without, configuration(&expected));
    }

    #[test]
    fn license_url_and_mount_name_the_same_file() {
        let url = format!("{LICENSE_FOLDER}/{LICENSE_FILE}");
        assert!(PLUGIN[3].contains(&format!("\"{url}\"")));
        let manifest = rebuilt().unwrap();
        let pod = &manifest.object("StatefulSet", "ignite").unwrap()["spec"]["template"]["spec"];
        assert_eq!(
            pod["volumes"][2]["secret"]["secretName"].as_str(),
            Some(LICENSE_SECRET)
        );
        assert_eq!(
            pod["containers"][0]["volumeMounts"][2]["mountPath"].as_str(),
            Some(LICENSE_FOLDER)
        );
    }
}
