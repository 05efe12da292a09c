//! What the source `pull` asks a registry for: released images by name, version and, where it is
//! known, digest.
//!
//! Digests are those that the projects publish; an image for which none is at hand has none here.

use super::part::Part;
use super::pins;

/// The Istio release that is pulled where none is asked for.
pub const ISTIO: &str = "1.30.5";

/// The Kubernetes that is pulled where none is asked for: of those that the pinned kind knows, the
/// one of the minor version that `build` makes.
pub const KUBERNETES: &str = "v1.34.11";

/// The node images of the pinned kind's release, [`pins::KIND`]: version and digest. The first is in
/// kind's own module as its default, the others in its release's notes.
const NODES: &[(&str, &str)] = &[
    (
        "v1.37.0",
        "sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5",
    ),
    (
        "v1.36.4",
        "sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed",
    ),
    (
        "v1.35.8",
        "sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0",
    ),
    (
        "v1.34.11",
        "sha256:44e222ee2132dab25ff87301682f89eb82c7880ea3a1bf543bfe9708fd08d67d",
    ),
];

/// One released image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// Which part of the lab it is.
    pub part: Part,
    /// Its name in its own registry, shortened as engines do.
    pub name: String,
    /// The digest that the registry has to serve, where it is known.
    pub digest: Option<&'static str>,
}

/// A release of one part, by its version.
pub fn image(part: Part, version: &str) -> Released {
    let name = match part {
        Part::Node => format!("kindest/node:{version}"),
        Part::Pilot | Part::Proxyv2 | Part::Istioctl => format!("istio/{part}:{version}"),
        Part::Ignite => format!("apacheignite/ignite:{version}"),
    };
    let digest = match part {
        Part::Node => NODES.iter().find(|(known, _)| *known == version),
        _ => None,
    };
    Released {
        part,
        name,
        digest: digest.map(|(_, digest)| *digest),
    }
}

/// About how much an image of a part takes in an engine, in bytes, rounded up: no registry tells that
/// before it is unpacked.
pub fn bytes(part: Part) -> u64 {
    let mib = match part {
        Part::Node => 1200,
        Part::Pilot => 250,
        Part::Proxyv2 => 350,
        Part::Istioctl => 200,
        Part::Ignite => 700,
    };
    mib << 20
}

/// The versions of Kubernetes whose digests are known, for a person to choose from.
pub fn kubernetes_versions() -> String {
    let known = NODES.iter().map(|(version, _)| *version);
    known.collect::<Vec<_>>().join(", ")
}

/// The node image that tells whether a registry answers at all.
pub fn node() -> Released {
    image(Part::Node, KUBERNETES)
}

/// The version of a part where none is asked for.
pub fn default_version(part: Part) -> &'static str {
    match part {
        Part::Node => KUBERNETES,
        Part::Pilot | Part::Proxyv2 | Part::Istioctl => ISTIO,
        Part::Ignite => pins::IGNITE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_node_image_is_pinned_by_its_digest() {
        assert!(node().digest.is_some());
        assert_eq!(node().name, "kindest/node:v1.34.11");
        assert_eq!(image(Part::Node, "v1.34.4").digest, None);
    }

    #[test]
    fn every_digest_is_one() {
        for (version, digest) in NODES {
            let digits = digest.strip_prefix("sha256:").unwrap();
            assert_eq!(digits.len(), 64, "{version}");
        }
    }
}
