//! The programs that are compiled from Go modules, as data: module, version, packages, variables.
//!
//! Nothing here builds anything; that is `go`'s business.

use std::borrow::Cow;

use super::go::{GoBuild, Requirements};
use super::pins::{self, IstioBuild};

/// The registry name under which a self-built Istio's images run in the lab.
pub const ISTIO_HUB: &str = "meshproof.local/istio";

/// The programs that are compiled from Go modules for one Istio build, in the order they are made.
pub fn all(istio: &IstioBuild) -> Vec<GoBuild> {
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
        version: Cow::Borrowed(pins::KIND),
        requirements: Requirements::Plain,
        main: None,
        packages: vec![("sigs.k8s.io/kind", "")],
        variables: vec![],
    }
}

/// The sandbox container's program.
pub fn pause() -> GoBuild {
    GoBuild {
        name: "pause".into(),
        module: "meshproof.local/pause",
        version: Cow::Borrowed(pins::SANDBOX_TAG),
        requirements: Requirements::None,
        main: Some(include_str!("../../../../fixtures/images/pause/main.go")),
        packages: vec![(".", "")],
        variables: vec![],
    }
}

/// Kubernetes' own programs, in one build.
pub fn kubernetes() -> GoBuild {
    let mut numbers = pins::KUBERNETES.trim_start_matches('v').split('.');
    let mut number = || numbers.next().unwrap_or_default().to_owned();
    let version = "k8s.io/component-base/version";
    GoBuild {
        name: "kubernetes".into(),
        module: "k8s.io/kubernetes",
        version: Cow::Borrowed(pins::KUBERNETES),
        requirements: Requirements::Staging(pins::KUBERNETES_STAGING),
        main: None,
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

/// Istio's three programs of one build, with the tags of Istio's own releases.
pub fn istio(build: &IstioBuild) -> GoBuild {
    let version = "istio.io/istio/pkg/version";
    GoBuild {
        name: format!("istio-{}", build.id),
        module: "istio.io/istio",
        version: build.module_version.clone(),
        requirements: Requirements::AsTheModuleItself,
        main: None,
        packages: vec![
            (
                "istio.io/istio/pilot/cmd/pilot-discovery",
                "vtprotobuf,disable_pgv",
            ),
            (
                "istio.io/istio/istioctl/cmd/istioctl",
                "vtprotobuf,disable_pgv",
            ),
            ("istio.io/istio/pilot/cmd/pilot-agent", "agent,disable_pgv"),
        ],
        variables: vec![
            (format!("{version}.buildVersion"), build.id.to_string()),
            (format!("{version}.buildTag"), build.id.to_string()),
            (
                format!("{version}.buildGitRevision"),
                build.revision.to_string(),
            ),
            (format!("{version}.buildStatus"), "Clean".into()),
            (format!("{version}.buildHub"), ISTIO_HUB.into()),
        ],
    }
}

/// etcd's server.
pub fn etcd() -> GoBuild {
    GoBuild {
        name: "etcd".into(),
        module: "go.etcd.io/etcd/server/v3",
        version: Cow::Borrowed(pins::ETCD),
        requirements: Requirements::Plain,
        main: None,
        packages: vec![("go.etcd.io/etcd/server/v3", "")],
        variables: vec![],
    }
}

/// CoreDNS, with the plugins that Kubernetes needs.
pub fn coredns() -> GoBuild {
    GoBuild {
        name: "coredns".into(),
        module: "github.com/coredns/coredns",
        version: Cow::Borrowed(pins::COREDNS),
        requirements: Requirements::Plain,
        main: Some(include_str!("../../../../fixtures/images/coredns/main.go")),
        packages: vec![(".", "")],
        variables: vec![],
    }
}
