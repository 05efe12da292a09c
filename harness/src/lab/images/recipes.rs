//! Every image of the lab as data: what goes in, and the names it carries.
//!
//! A recipe's key covers its Dockerfile, its base and all that is copied in, so a reference names
//! one content. Nothing here builds anything.

use std::path::PathBuf;

use super::debian;
use super::go::{GoBuild, Requirements};
use super::key::Key;
use super::pins::{self, IstioBuild};
use crate::process::Program;

macro_rules! recipe_file {
    ($path:literal) => {
        include_str!(concat!("../../../../fixtures/images/", $path))
    };
}

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

/// The probe's binary, as found on this machine.
#[derive(Debug, Clone)]
pub struct ProbeBinary {
    /// Where it lies.
    pub path: PathBuf,
    /// What it says of itself: its version, and the name of the sources that it was made from.
    pub version: String,
}

impl ProbeBinary {
    /// Finds the probe: `MESHPROOF_PROBE`, else beside the running program; none where there is
    /// none that tells its version.
    pub async fn find() -> Option<Self> {
        let named = std::env::var_os("MESHPROOF_PROBE").map(PathBuf::from);
        let beside = || {
            let program = std::env::current_exe().ok()?;
            // A test's program lies one folder below the binaries.
            program
                .ancestors()
                .skip(1)
                .take(2)
                .map(|folder| folder.join("meshproof-probe"))
                .find(|path| path.is_file())
        };
        let path = named.or_else(beside)?;
        let told = Program::new(&path).arg("--version").run().await.ok()?;
        Some(Self {
            path,
            version: told.stdout.trim().to_owned(),
        })
    }
}

/// The programs that are compiled from Go modules for one Istio build, in the order they are made.
pub fn go_builds(istio: &IstioBuild) -> Vec<GoBuild> {
    vec![
        kind(),
        pause(),
        kubernetes(),
        self::istio(istio),
        etcd(),
        coredns(),
    ]
}

/// kind itself.
pub fn kind() -> GoBuild {
    GoBuild {
        name: "kind".into(),
        module: "sigs.k8s.io/kind",
        version: pins::KIND,
        requirements: Requirements::Plain,
        packages: vec![("sigs.k8s.io/kind", "")],
        variables: vec![],
    }
}

fn pause() -> GoBuild {
    GoBuild {
        name: "pause".into(),
        module: "meshproof.local/pause",
        version: pins::SANDBOX_TAG,
        requirements: Requirements::Source(recipe_file!("pause/main.go")),
        packages: vec![(".", "")],
        variables: vec![],
    }
}

fn kubernetes() -> GoBuild {
    let mut numbers = pins::KUBERNETES.trim_start_matches('v').split('.');
    let mut number = || numbers.next().unwrap_or_default().to_owned();
    let version = "k8s.io/component-base/version";
    GoBuild {
        name: "kubernetes".into(),
        module: "k8s.io/kubernetes",
        version: pins::KUBERNETES,
        requirements: Requirements::Staging(pins::KUBERNETES_STAGING),
        packages: [
            "k8s.io/kubernetes/cmd/kubeadm",
            "k8s.io/kubernetes/cmd/kubelet",
            "k8s.io/kubernetes/cmd/kubectl",
            "k8s.io/kubernetes/cmd/kube-apiserver",
            "k8s.io/kubernetes/cmd/kube-controller-manager",
            "k8s.io/kubernetes/cmd/kube-scheduler",
            "k8s.io/kubernetes/cmd/kube-proxy",
        ]
        .map(|package| (package, ""))
        .to_vec(),
        // kubeadm derives the image tags that it asks for from these.
        variables: vec![
            (format!("{version}.gitVersion"), pins::KUBERNETES.into()),
            (format!("{version}.gitMajor"), number()),
            (format!("{version}.gitMinor"), number()),
            (format!("{version}.gitTreeState"), "clean".into()),
            (
                format!("{version}.buildDate"),
                "1970-01-01T00:00:00Z".into(),
            ),
            (
                "k8s.io/client-go/pkg/version.gitVersion".into(),
                pins::KUBERNETES.into(),
            ),
        ],
    }
}

/// Istio's three programs of one build.
pub fn istio(build: &IstioBuild) -> GoBuild {
    let version = "istio.io/istio/pkg/version";
    GoBuild {
        name: format!("istio-{}", build.id),
        module: "istio.io/istio",
        version: build.module_version,
        requirements: Requirements::AsTheModuleItself,
        packages: vec![
            (
                "istio.io/istio/pilot/cmd/pilot-discovery",
                "vtprotobuf,disable_pgv",
            ),
            ("istio.io/istio/pilot/cmd/pilot-agent", "agent,disable_pgv"),
            ("istio.io/istio/istioctl/cmd/istioctl", ""),
        ],
        variables: vec![
            (format!("{version}.buildVersion"), build.id.into()),
            (format!("{version}.buildTag"), build.id.into()),
            (format!("{version}.buildGitRevision"), build.revision.into()),
            (format!("{version}.buildStatus"), "Clean".into()),
            (format!("{version}.buildHub"), ISTIO_HUB.into()),
        ],
    }
}

fn etcd() -> GoBuild {
    GoBuild {
        name: "etcd".into(),
        module: "go.etcd.io/etcd/server/v3",
        version: pins::ETCD,
        requirements: Requirements::Plain,
        packages: vec![("go.etcd.io/etcd/server/v3", "")],
        variables: vec![],
    }
}

fn coredns() -> GoBuild {
    GoBuild {
        name: "coredns".into(),
        module: "github.com/coredns/coredns",
        version: pins::COREDNS,
        requirements: Requirements::Plain,
        packages: vec![("github.com/coredns/coredns", "")],
        variables: vec![],
    }
}

/// The registry name under which a self-built Istio's images run in the lab.
pub const ISTIO_HUB: &str = "meshproof.local/istio";
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
    let key = Key::over(&name).add(build.module_version).finish();
    (name, key)
}

/// Envoy's wheel, unpacked, as an artifact.
pub fn envoy(build: &IstioBuild) -> (String, Key) {
    (
        "envoy".into(),
        Key::over("envoy")
            .add(build.envoy.version)
            .add(build.envoy.sha256)
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

/// The node image.
pub fn node() -> Image {
    let kubernetes = kubernetes();
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
    let kubernetes = kubernetes();
    let istio = istio(build);
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
            of(&etcd(), "server"),
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
            context: vec![("coredns", of(&coredns(), "coredns"))],
        },
        Image {
            name: "pause",
            lab_name: Some(format!("registry.k8s.io/pause:{}", pins::SANDBOX_TAG)),
            origin: "own source".into(),
            base: None,
            dockerfile: recipe_file!("pause/Dockerfile"),
            context: vec![("pause", of(&pause(), "main"))],
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
            lab_name: Some(format!("{ISTIO_HUB}/pilot:{}", build.id)),
            origin: istio_origin.clone(),
            base: None,
            dockerfile: recipe_file!("pilot/Dockerfile"),
            context: vec![("pilot-discovery", of(&istio, "pilot-discovery"))],
        },
        Image {
            name: "istio/proxyv2",
            lab_name: Some(format!("{ISTIO_HUB}/proxyv2:{}", build.id)),
            origin: format!(
                "{istio_origin}, {} {}",
                build.envoy.package, build.envoy.version
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
        Image {
            name: "probe",
            lab_name: Some(PROBE_LAB_NAME.into()),
            origin: probe.version.clone(),
            base: Some(debian::reference()),
            dockerfile: recipe_file!("probe/Dockerfile"),
            context: vec![(
                "meshproof-probe",
                Content::File {
                    path: probe.path.clone(),
                    version: probe.version.clone(),
                },
            )],
        },
    ]
}

/// Ignite's image, with the released image's interface.
pub fn ignite() -> Image {
    Image {
        name: "ignite",
        lab_name: Some(format!("docker.io/apacheignite/ignite:{}", pins::IGNITE)),
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
